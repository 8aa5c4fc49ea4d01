"""The record that a loader returns: samples, labels and the card that pins their content."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from datasets.codes import Codes

Array = npt.NDArray[Any]
Kind = Literal["tabular", "image"]
Symmetries = Literal[
    "", "horizontal-flip", "vertical-flip", "flips", "rotations", "flips-rotations"
]

_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a data set, whatever its content.

    Attributes:
        name: the name that loads it.
        kind: tabular (vectors) or image.
        family: data sets that are not independent of each other share one.
        source: where the content comes from, with DOI or URL.
        licence: of the content.
        citation: what to cite in a paper.
        known_issues: properties that have misled readers of results on this data; one that
            holds for the official split alone begins with `entry.OFFICIAL`.
        synthetic: whether the samples are generated.
        max_test_anomaly_rate: largest share of anomalies a protocol lets into a test set;
            None for no limit. The record holds all of them.
        has_official_split: whether the source defines training and test rows.
        sides: height and width of the image that a vector is, row by row; None for other vectors.
        symmetries: what keeps a normal image normal: mirrored, turned by quarters, both; "" if
            nothing is known to.
    """

    name: str
    kind: Kind
    family: str
    source: str
    licence: str
    citation: str
    known_issues: tuple[str, ...] = ()
    synthetic: bool = False
    max_test_anomaly_rate: float | None = None
    has_official_split: bool = False
    sides: tuple[int, int] | None = None
    symmetries: Symmetries = ""


@dataclass(frozen=True, kw_only=True)
class Card(About):
    """What is known of a data set before it is loaded.

    Attributes, besides those of `About`:
        sha256: identifies the content in results: the sha256 of the samples, see `content_sha256`,
            or, for a set read from files, that of the digests of the files and the options of the
            loader, see `datasets.files.identity`.
        n: number of samples; None before the first load of files that are not pinned.
        shape: of one sample, or None.
        n_anomalies: number of samples with label 1, or None.
        duplicates: number of samples that equal an earlier one; None if not counted.
        from_files: whether `sha256` is that of files, which are verified when they are read.
        columns: of a table of the user's own, uses and the names of columns, once it is loaded.

    Raises:
        ValueError: a number that no data set can have, or an invalid sha256.
    """

    sha256: str
    n: int | None = None
    shape: tuple[int, ...] | None = None
    n_anomalies: int | None = None
    duplicates: int | None = None
    from_files: bool = False
    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            msg = f"{self.name}: sha256 is {self.sha256!r}; give 64 lower-case hex digits"
            raise ValueError(msg)
        if self.shape is not None and (not self.shape or min(self.shape) < 1):
            msg = f"{self.name}: the shape of a sample is {self.shape}; give positive sides"
            raise ValueError(msg)
        self._check_counts()
        rate = self.max_test_anomaly_rate
        if rate is not None and not 0 < rate < 1:
            msg = (
                f"{self.name}: max_test_anomaly_rate is {rate}; give a share within (0, 1), or None"
            )
            raise ValueError(msg)

    def _check_counts(self) -> None:
        n, n_anomalies, duplicates = self.n, self.n_anomalies, self.duplicates
        if n is None:
            return
        if n_anomalies is not None and not 0 < n_anomalies < n:
            msg = (
                f"{self.name}: {n_anomalies} anomalies among {n} samples; "
                "give at least one of each class"
            )
            raise ValueError(msg)
        if duplicates is not None and not 0 <= duplicates < n:
            msg = f"{self.name}: {duplicates} duplicates among {n} samples; give 0 to n-1"
            raise ValueError(msg)

    @property
    def d(self) -> int | None:
        """Number of values in a sample; None if not known."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def anomaly_rate(self) -> float | None:
        """Share of anomalies among all samples; None if not known."""
        return self.n_anomalies / self.n if self.n and self.n_anomalies else None


@dataclass(frozen=True, eq=False)
class OfficialSplit:
    """The training and the test rows that the source of a data set defines.

    Attributes:
        train: (n_train,) int64 row numbers, read-only.
        test: (n_test,) int64 row numbers, read-only.

    Raises:
        ValueError: an empty part, numbers that are negative or not integers, a duplicate row.
    """

    train: Array
    test: Array

    @classmethod
    def at(cls, n_train: int, y: Array) -> OfficialSplit:
        """Return the split of rows whose first `n_train` are the training part of the source.

        The normals of that part train; all rows after it test.

        Args:
            n_train: number of rows of the training part.
            y: (n,) labels, 0 for a normal.
        """
        return cls(np.flatnonzero(y[:n_train] == 0), np.arange(n_train, len(y)))

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            rows = np.asarray(getattr(self, part))
            if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
                msg = (
                    f"official split: {part} is {rows.dtype} of shape {rows.shape}; "
                    "give a non-empty vector of row numbers"
                )
                raise ValueError(msg)
            if rows.min() < 0:
                msg = f"official split: {part} has the row number {rows.min()}; count from 0"
                raise ValueError(msg)
            object.__setattr__(self, part, _read_only(rows.astype(np.int64)))
        rows, times = np.unique(np.concatenate([self.train, self.test]), return_counts=True)
        if times.max() > 1:
            msg = (
                f"official split: row {rows[times > 1][0]} is listed {times.max()} times; "
                "list each row once, in train or in test"
            )
            raise ValueError(msg)


@dataclass(frozen=True, eq=False)
class DataSet:
    """Samples with labels, checked against their card; every array is read-only.

    Attributes:
        card: what the content must match; what the card leaves open is filled in.
        x: (n, *shape) integers or floats, possibly memory-mapped. NaN is allowed.
        y: (n,) int8, 1 = anomaly, 0 = normal; both occur.
        split: the official split, or None.
        masks: (n, height, width) where an image is anomalous (1), all 0 for a normal, or None.
        bags: (n,) int64 group of each row, or None.
        codes: which columns of vectors hold codes of texts, encoded after the split, or None.

    Raises:
        ValueError: arrays that do not fit together, or content that differs from the card.
    """

    card: Card
    x: Array
    y: Array
    split: OfficialSplit | None = None
    masks: Array | None = None
    bags: Array | None = None
    codes: Codes | None = None

    def __post_init__(self) -> None:
        x = np.asarray(self.x)
        if x.dtype.kind not in "iuf" or x.dtype.itemsize > 8:
            self._refuse(f"x is {x.dtype}; give integers or floats of at most 64 bits")
        if x.ndim < 2:
            self._refuse(f"x has shape {x.shape}; give (n, *shape of a sample)")
        y = self._checked_labels(len(x))
        self._set("x", x)
        self._set("y", y)
        if self.split is not None:
            last = max(self.split.train.max(), self.split.test.max())
            if last >= len(x):
                self._refuse(f"the official split has row {last}; rows are 0 to {len(x) - 1}")
        if self.masks is not None:
            self._set("masks", self._checked_masks(np.asarray(self.masks)))
        if self.bags is not None:
            bags = np.asarray(self.bags)
            if bags.shape != (len(x),) or bags.dtype.kind not in "iu":
                self._refuse(
                    f"bags are {bags.dtype} of shape {bags.shape}; give ({len(x)},) integers"
                )
            self._set("bags", bags.astype(np.int64))
        self._check_card()

    def _checked_labels(self, n: int) -> Array:
        y = np.asarray(self.y)
        if y.shape != (n,):
            self._refuse(f"y has shape {y.shape}; x has {n} rows, so give ({n},)")
        if y.dtype.kind not in "biuf" or not np.isin(y, (0, 1)).all():
            self._refuse("y has labels other than 0 and 1; give 1 for an anomaly, 0 for a normal")
        if len(np.unique(y)) < 2:
            self._refuse(
                f"y has {int(y.sum())} anomalies among {n} rows; give at least one of each class"
            )
        return y.astype(np.int8)

    def _checked_masks(self, masks: Array) -> Array:
        sides = masks.shape[1:]
        sample = self.x.shape[1:]  # with channels first, last, or none
        fits = sides in (sample[:2], sample[-2:])
        if masks.ndim != 3 or len(masks) != len(self.x) or not fits:
            self._refuse(
                f"masks have shape {masks.shape}; x has {self.x.shape}, so give (n, height, width)"
            )
        if masks.dtype.kind not in "biu" or masks.min() < 0 or masks.max() > 1:
            self._refuse("masks have values other than 0 and 1; give 1 for an anomalous pixel")
        if masks[self.y == 0].any():
            self._refuse("a normal image has anomalous pixels; give it a mask of zeros or label 1")
        return masks.astype(np.uint8, copy=False)

    def _check_card(self) -> None:
        card = self.card
        found: tuple[tuple[str, Any, Any], ...] = (
            ("n", len(self.x), card.n),
            ("shape", tuple(self.x.shape[1:]), card.shape),
            ("n_anomalies", int(self.y.sum()), card.n_anomalies),
            ("has_official_split", self.split is not None, card.has_official_split),
        )
        for field, is_, expected in found:
            if expected is not None and is_ != expected:
                self._refuse(
                    f"{field} is {is_}, the card has {expected}; correct the data or the card"
                )
        if card.from_files:
            object.__setattr__(self, "card", replace(card, **{name: is_ for name, is_, _ in found}))
            return
        sha256 = content_sha256(self.x, self.y, self.split, self.masks, self.bags)
        if sha256 != card.sha256:
            self._refuse(
                f"content has sha256 {sha256}, expected {card.sha256}; "
                "restore the source files, or pin the new sha256 if the change is intended"
            )

    def _set(self, field: str, array: Array) -> None:
        object.__setattr__(self, field, _read_only(array))

    def _refuse(self, reason: str) -> NoReturn:
        msg = f"{self.card.name}: {reason}"
        raise ValueError(msg)


def content_sha256(
    x: Array,
    y: Array,
    split: OfficialSplit | None = None,
    masks: Array | None = None,
    bags: Array | None = None,
) -> str:
    """Return the sha256 of a data set's content, which identifies it in results.

    It covers name, dtype, shape and little-endian bytes in row order of every array given, so it
    depends on neither byte order nor memory layout. Labels count as int8, masks as uint8, row
    numbers and bags as int64. Memory-mapped arrays are read in pieces of about 16 MiB.

    Args:
        x: (n, *shape).
        y: (n,) of 0 and 1.
        split: the official split.
        masks: (n, height, width) of 0 and 1.
        bags: (n,) group of each row.
    """
    parts: list[tuple[str, Array]] = [("x", x), ("y", np.asarray(y, dtype=np.int8))]
    if split is not None:
        parts += [("train", split.train), ("test", split.test)]
    if masks is not None:
        parts.append(("masks", masks.astype(np.uint8, copy=False)))
    if bags is not None:
        parts.append(("bags", bags.astype(np.int64, copy=False)))
    digest = hashlib.sha256()
    for name, array in parts:
        little = array.dtype.newbyteorder("<")
        digest.update(f"{name} {little.str} {array.shape}\n".encode())
        row_bytes = max(1, array.itemsize * math.prod(array.shape[1:]))
        rows = max(1, _CHUNK_BYTES // row_bytes)
        for start in range(0, len(array), rows):
            digest.update(array[start : start + rows].astype(little, copy=False).tobytes())
    return digest.hexdigest()


def values_sha256(data: DataSet) -> str:
    """Return the sha256 of samples and labels, whatever the type and file that hold them."""
    x = data.x.astype(np.float64) if data.x.ndim == 2 else data.x
    return content_sha256(x, data.y)


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
