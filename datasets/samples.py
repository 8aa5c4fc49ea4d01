"""The samples that a model is fitted on, and later ones, which have to be like them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from datasets import catalogue
from datasets.codes import Codes
from datasets.entry import File
from datasets.files import MissingData, WrongData, data_folder, files_under, locate, verify
from datasets.formats.settings import Settings
from datasets.own import FORMATS

Array = NDArray[Any]
UNSEEN = "(another text)"  # in a column of categories: one that no training sample has
OWN = ("file:", "folder:")


@dataclass(frozen=True)
class Schema:
    """What a model takes.

    Attributes:
        name: of the data set that it was fitted on.
        shape: of a sample, before columns of text are encoded.
        columns: (name, use, width, texts) of each column of a table, see `schema.Known`; none for
            images.
        settings: how a table, or a folder of images, is read.
    """

    name: str
    shape: tuple[int, ...]
    columns: tuple[Any, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def codes(self) -> Codes | None:
        """The columns of a sample that hold codes of texts."""
        texts, place = {}, 0
        for _, _, width, known in self.columns:
            if known:
                texts[place] = (*known, UNSEEN)
            place += width
        rules = {use for _, use, _, known in self.columns if known}
        return Codes(rules.pop(), texts) if texts else None

    def reference(self, x: Array) -> Array:
        """Return few rows with every text that rows x (n, d) have, and nothing else."""
        columns = self.codes.texts if self.codes else ()
        known = {j: np.unique(x[np.isfinite(x[:, j]), j]) for j in columns}
        rows = np.full((max(map(len, known.values()), default=0), *x.shape[1:]), np.nan)
        for j, values in known.items():
            rows[: len(values), j] = values
        return rows

    def encode(self, reference: Array, x: Array) -> Array:
        """Return samples (n, *shape) with texts as numbers, known from those of the training."""
        return self.codes.encode(reference, x)[1] if self.codes else x

    def features(self, reference: Array) -> list[Array]:
        """Return the features of encoded samples that come from each column."""
        sources = np.repeat(np.arange(len(self.columns)), [column[2] for column in self.columns])
        if self.codes and self.codes.rule == "one-hot":
            known = {j: int(np.isfinite(reference[:, j]).sum()) for j in self.codes.texts}
            plain = np.delete(sources, list(known))
            sources = np.concatenate([plain, *(np.repeat(sources[j], n) for j, n in known.items())])
        return [np.flatnonzero(sources == column) for column in range(len(self.columns))]


class Samples(NamedTuple):
    """Samples with what names them.

    Attributes:
        x: (n, *shape).
        y: (n,) labels, 1 for an anomaly; None without labels.
        schema: what later samples have to be like.
        ids: (n) numbers of rows, from 0, or the names of files or rows.
        notes: what the user should know of them, if a model scores them.
    """

    x: Array
    y: Array | None
    schema: Schema
    ids: list[str]
    notes: tuple[str, ...] = ()


def read(name: str, data: Path | None = None) -> Samples:
    """Return the samples to fit a model on.

    Args:
        name: of a data set, in the grammar of `bench run --datasets`; a table may have no labels,
            and a folder may have images alone.
        data: the data folder.

    Raises:
        ValueError: the data cannot be read; the message says what to do.
        MissingData: they are not there.
    """
    from datasets.formats import images, schema

    entry, folder = catalogue.find(name), data_folder(data)
    if entry.loader == "datasets.families.tables:table":
        (path,) = locate(entry, folder)
        verify(entry.files[0], path)
        settings = Settings(**entry.options)
        table, columns, is_labelled = schema.read(path, name, settings)
        shape, y = table.x.shape[1:], table.y if is_labelled else None
        known = Schema(name, shape, columns, settings._asdict())
        return Samples(table.x, y, known, _numbers(len(table.x)))
    if name.casefold().startswith("folder:") and "normal" not in entry.options:
        path = locate(entry, folder)[0]
        if images.images_in(path):
            options = {key: entry.options[key] for key in ("size", "grey")}
            return _images(path, Schema(name, (), settings=options))
    found = catalogue.load(name, data)
    columns, shape = (), found.x.shape[1:]
    if found.x.ndim == 2:
        texts = found.codes.texts if found.codes else {}
        rule = found.codes.rule if found.codes else ""
        columns = tuple(
            schema.Known(str(j), rule if j in texts else "number", 1, texts.get(j, ()))
            for j in range(shape[0])
        )
    options = {key: entry.options[key] for key in ("size", "grey") if key in entry.options}
    known = Schema(name, shape, columns, Settings()._asdict() if columns else options)
    return Samples(found.x, found.y, known, _numbers(len(found.x)))


def read_like(name: str, known: Schema, data: Path | None = None, id_column: str = "") -> Samples:
    """Return samples for a model, of a file, a folder of images or a data set.

    Raises:
        ValueError: they are not what the model takes; the message has all that is wrong.
        MissingData: they are not there.
    """
    scheme = next((scheme for scheme in OWN if name.casefold().startswith(scheme)), "")
    place = Path(unquote(name[len(scheme) :].partition("?")[0]) if scheme else name).expanduser()
    if known.columns and place.is_file():
        return _table(place, known, id_column)
    if place.suffix.lower() in FORMATS and not place.exists():
        msg = f"there is no file {place}"
        raise MissingData(msg)
    if place.is_dir() and "size" in known.settings:
        found = _images(place, known)
    elif scheme or place.exists():
        takes = "a table" if known.columns else f"images, as {known.name} has"
        msg = f"{name} is no file or folder of what the model takes: {takes}"
        raise WrongData(msg)
    else:
        found = read(name, data)
    if found.schema.shape != known.shape:
        msg = f"{name} has samples of shape {found.schema.shape}, the model takes {known.shape}"
        raise WrongData(msg)
    return found


def _table(path: Path, known: Schema, id_column: str) -> Samples:
    from datasets.formats import schema

    if path.suffix.lower() not in FORMATS:
        msg = f"cannot read {path.suffix or 'a file without an ending'!r}; give one of: "
        raise WrongData(msg + ", ".join(FORMATS))
    verify(File(str(path.absolute())), path)
    columns = [schema.Known(*column) for column in known.columns]
    found = schema.read_like(path, columns, Settings(**known.settings), id_column)
    firsts = np.cumsum([0, *(column.width for column in columns)])[:-1]  # features of the columns
    one_hot = [
        first for first, column in zip(firsts, columns, strict=True) if column.use == "one-hot"
    ]
    texts = known.codes.texts if known.codes else {}
    rank = "taken as none of the known ones" if one_hot else "taken as rank -1"
    counts = {
        "missing cells, filled with medians of the training samples": sum(
            int(np.isnan(found.x[:, j]).sum()) for j in firsts if j not in one_hot
        ),
        "missing texts, taken as none of the known ones": sum(
            int(np.isnan(found.x[:, j]).sum()) for j in one_hot
        ),
        f"texts that no training sample has, {rank}": sum(
            int((found.x[:, j] == len(words) - 1).sum()) for j, words in texts.items()
        ),
    }
    notes = [f"{what}: {n:,}" for what, n in counts.items() if n]
    if found.unused:
        notes.append(f"columns that the model does not use: {', '.join(found.unused)}")
    return Samples(found.x, None, known, found.ids or _numbers(len(found.x)), tuple(notes))


def _images(folder: Path, known: Schema) -> Samples:
    """Return all images below a folder."""
    from datasets.formats import images

    files = [path for path in files_under(folder) if path.suffix.lower() in images.ENDINGS]
    if not files:
        msg = f"{folder} has no images ({' '.join(images.ENDINGS)})"
        raise WrongData(msg)
    x, _ = images.read_images([images.Picture(file, None) for file in files], **known.settings)
    names = [path.relative_to(folder).as_posix() for path in files]
    return Samples(x, None, replace(known, shape=x.shape[1:]), names)


def _numbers(n: int) -> list[str]:
    return [str(row) for row in range(n)]
