"""Tables with named columns: csv, tsv, parquet, feather and arff, to numbers and labels.

Large csv files are read in pieces: besides the result, at most two pieces are in memory.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import numpy as np

from datasets.codes import Codes
from datasets.files import WrongData
from datasets.formats.arff import read_arff
from datasets.record import Array

if TYPE_CHECKING:
    import pandas as pd

_PIECE_VALUES = 5_000_000  # of a csv file that are read at a time, 40 MB as numbers
_MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?)"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b|\d{1,2}[-/]\d{1,2}[-/]\d\d\b|"
    rf"\d{{1,2}}\.?[- ]{_MONTH}\.?[- ]\d{{2,4}}\b|{_MONTH}\.? \d{{1,2}},? \d{{4}}\b",
    re.IGNORECASE,
)
KEEP = (
    "write ?missing=keep with a scaler that fills them (--scaler median+standard), or "
    "?missing=drop-rows"
)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_NAMELESS = re.compile(r"Unnamed: \d+")  # as pandas calls a column without a name
_MANY = 1000  # distinct texts in a column that are still categories


def read(
    path: Path,
    label: str,
    drop: Sequence[str],
    na: Sequence[str],
    categorical: str,
    missing: str,
) -> tuple[Array, Array, Codes | None]:
    """Return the (n, d) float64 numbers of a table, its (n,) labels as text, and codes of texts.

    Arguments are those of `datasets.families.tables.table`.

    Raises:
        WrongData: the file cannot be read with these settings; the message has the one to change.
    """
    columns = _Columns(path, label, tuple(drop), categorical)
    blocks, label_blocks = [], []
    for frame in _pieces(path, tuple(na)):
        block, labels = columns.numbers(frame)
        if missing == "drop-rows":
            whole = ~np.isnan(block).any(axis=1)
            block, labels = block[whole], labels[whole]
        elif missing == "refuse":
            columns.refuse_missing(block)
        blocks.append(block)
        label_blocks.append(labels)
    return _join(blocks), np.concatenate(label_blocks), columns.codes()


@dataclass
class _Columns:
    """The columns of a table, as known from the pieces read so far.

    Attributes:
        path: of the file, for messages.
        label: name of the label column.
        drop: names of columns to leave out.
        categorical: what to do with columns of text.
        names: of the columns used, once the first piece has been read.
        texts: code of each text, by column of text.
        numeric: columns in which numbers have been seen.
    """

    path: Path
    label: str
    drop: tuple[str, ...]
    categorical: str
    names: list[str] = field(default_factory=list)
    texts: dict[str, dict[str, int]] = field(default_factory=dict)
    numeric: set[str] = field(default_factory=set)

    def numbers(self, frame: pd.DataFrame) -> tuple[Array, Array]:
        """Return the (rows, d) float64 numbers of a piece, and its (rows,) labels as text."""
        if not self.names:
            self._choose([str(name) for name in frame.columns])
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        labels = frame[self.label]
        if labels.isna().any():
            self._refuse(f"the label column {self.label!r} has {labels.isna().sum()} empty cells")
        block = np.empty((len(frame), len(self.names)))
        for j, name in enumerate(self.names):
            block[:, j] = self._column(name, frame[name])
        return block, as_text(labels.to_numpy())

    def refuse_missing(self, block: Array) -> None:
        """Raise an error with the columns of a piece that have missing values, if any."""
        empty = np.isnan(block).any(axis=0)
        if empty.any():
            names = ", ".join(np.array(self.names)[empty][:5])
            self._refuse(f"values are missing in {names}; {KEEP}, or drop these columns")

    def codes(self) -> Codes | None:
        """Return which columns hold codes of texts, and of which."""
        if not self.texts:
            return None
        names = {self.names.index(name): tuple(codes) for name, codes in self.texts.items()}
        return Codes(self.categorical, names)

    def _choose(self, names: list[str]) -> None:
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        for asked in (*([self.label] if self.label else []), *self.drop):
            if asked not in names:
                self._refuse(f"there is no column {asked!r}; found: {shown}")
        if not self.label:
            self._refuse(f"name the label column (--label, or ?label=); found: {shown}")
        self.names = [name for name in names if name != self.label and name not in self.drop]
        if nameless := [name for name in self.names if _NAMELESS.fullmatch(name)]:
            self._refuse(
                f"column {names.index(nameless[0]) + 1} has no name, like row numbers that were "
                f"saved with a table; leave it out (--drop {nameless[0]!r}), or name it"
            )
        if not self.names:
            self._refuse(f"no column is left besides the label {self.label!r}")

    def _column(self, name: str, column: pd.Series[Any]) -> Array:
        from pandas.api import types

        if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
            self._refuse_dates(name, column)
        if types.is_numeric_dtype(column) and name not in self.texts:
            self.numeric.add(name)
            return column.to_numpy(np.float64, na_value=np.nan)
        empty = column.isna().to_numpy()
        if empty.all() and name not in self.texts:
            return np.full(len(column), np.nan)
        texts = as_text(column.to_numpy())
        if self.categorical == "refuse" or name in self.numeric:
            self._refuse_text(name, texts[~empty])
        if name not in self.texts and _are_dates(texts[~empty]):
            self._refuse_dates(name, column)
        return self._codes_of(name, texts, empty)

    def _codes_of(self, name: str, texts: Array, empty: Array) -> Array:
        known = self.texts.setdefault(name, {})
        distinct, inverse = np.unique(texts[~empty], return_inverse=True)
        for text in distinct.tolist():
            known.setdefault(text, len(known))
        if len(known) > _MANY:
            self._refuse(
                f"column {name!r} has more than {_MANY} texts; leave it out (--drop {name})"
            )
        found = np.full(len(texts), np.nan)
        found[~empty] = np.array([known[text] for text in distinct.tolist()])[inverse]
        return found

    def _refuse_text(self, name: str, texts: Array) -> NoReturn:
        if _are_dates(texts):
            self._refuse_dates(name, texts)
        wrong = [str(text) for text in texts if not _is_number(str(text))]
        if wrong and (len(wrong) < len(texts) or name in self.numeric):
            self._refuse(
                f"column {name!r} has {len(wrong)} values that are not numbers, such as "
                f"{wrong[0]!r}; if they mean missing values, write ?na={quote(wrong[0])}"
            )
        if _DECIMAL_COMMA.fullmatch(wrong[0]):
            self._refuse(
                f"column {name!r} has decimal commas, such as {wrong[0]!r}; write points instead"
            )
        self._refuse(
            f"column {name!r} has text, such as {wrong[0]!r}; write ?categorical=one-hot or "
            f"?categorical=ordinal, or leave it out (--drop {name})"
        )

    def _refuse_dates(self, name: str, column: Any) -> NoReturn:
        self._refuse(
            f"column {name!r} has dates, such as {np.asarray(column)[0]}; convert them to "
            "meaningful numbers, such as the hour or days since a start, or leave it out "
            f"(--drop {name})"
        )

    def _refuse(self, reason: str) -> NoReturn:
        msg = f"{self.path}: {reason}"
        raise WrongData(msg)


def _pieces(path: Path, na: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """Yield a table in pieces of whole rows.

    Raises:
        WrongData: it is not a table of that format, or has no rows.
    """
    import pandas as pd

    n_rows = 0
    try:
        for piece in _read_pieces(path, na):
            n_rows += len(piece)
            yield piece
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x}"
        msg = f"{path} is not encoded in UTF-8 ({byte} cannot be decoded); save it as UTF-8"
        raise WrongData(msg) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        msg = f"{path} is not a complete {path.suffix[1:]} file: {str(error).strip()}"
        raise WrongData(msg) from error
    if not n_rows:
        msg = f"{path} has no rows; give a line for each sample below the column names"
        raise WrongData(msg)


def _read_pieces(path: Path, na: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    import pandas as pd
    import pyarrow as pa

    ending = path.suffix.lower()
    if ending in (".parquet", ".feather"):
        reader = pd.read_parquet if ending == ".parquet" else pd.read_feather
        try:
            frame = reader(path)
        except (pa.ArrowException, ValueError) as error:
            msg = f"{path} is not a complete {ending[1:]} file: {error}"
            raise WrongData(msg) from error
        yield frame.replace(list(na), None) if na else frame
        return
    if ending == ".arff":
        frame = read_arff(path)
        yield frame.replace(list(na), None) if na else frame
        return
    head = _head(path)
    with pd.read_csv(
        path,
        sep=head.separator,
        header=0 if head.has_names else None,
        names=None if head.has_names else [str(j) for j in range(head.n_columns)],
        na_values=list(na),
        chunksize=max(1, _PIECE_VALUES // head.n_columns),
        encoding="utf-8-sig",
        low_memory=False,
        skipinitialspace=True,
    ) as pieces:
        yield from pieces


@dataclass(frozen=True)
class _Head:
    """The layout of a csv or tsv file."""

    separator: str
    n_columns: int
    has_names: bool


def _head(path: Path) -> _Head:
    """Return the layout by the first two lines; a first line of numbers alone has no names."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        file.seek(0)
        lines = csv.reader(file, delimiter=separator, skipinitialspace=True)
        names, row = next(lines, []), next(lines, [])
    if len(row) > len(names):
        msg = f"{path} has {len(names)} names in its first line and {len(row)} cells in its second"
        raise WrongData(msg)
    return _Head(separator, max(1, len(names)), not all(_is_number(cell) for cell in names))


def _join(blocks: list[Array]) -> Array:
    """Return the blocks as one array; each is freed after it is copied."""
    joined = np.empty((sum(map(len, blocks)), blocks[0].shape[1]))
    start = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        joined[start : start + len(block)] = block
        start += len(block)
    return joined


def as_text(values: Array) -> Array:
    """Return values as text; whole numbers without a point, so that 1 and 1.0 are equal."""
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == values.round()).all():
        values = values.astype(np.int64)
    return values.astype(str)


def _are_dates(texts: Array) -> bool:
    some = texts[:100]
    return bool(len(some)) and all(_DATE.match(str(text)) for text in some)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
