"""Tables for a model in use: with labels or without, then others that have to be like the first.

A model is fitted on one table and scores others, so what a column is must not be decided again: in
a new table, one row may hold no text that looks like one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.files import WrongData
from datasets.formats import cells
from datasets.formats.cells import Kind
from datasets.formats.columns import IN_ORDER, Column, Feature, joined
from datasets.formats.labels import Labels
from datasets.formats.problems import Problem, listed, nearest, refusal
from datasets.formats.selection import Chosen, choose, corrected, fill, finish, odd_rows
from datasets.formats.settings import Settings
from datasets.formats.source import Table, open_table
from datasets.formats.tabular import Read, assemble
from datasets.record import Array

UNLABELLED = "(no label)"


class Known(NamedTuple):
    """A column as a model uses it.

    Attributes:
        name: of the column.
        use: "number", "calendar", "one-hot" or "ordinal".
        width: number of columns of x that it fills.
        texts: of the codes 0, 1, ... of categories.
    """

    name: str
    use: str
    width: int = 1
    texts: tuple[str, ...] = ()


class Like(NamedTuple):
    """A table that was read like another one.

    Attributes:
        x: (n, d) float64; a text that the other table has not, has the code after its last one.
        unused: names of further columns.
        ids: (n) texts of the column that was asked for, or none.
    """

    x: Array
    unused: tuple[str, ...]
    ids: list[str]


def read(path: Path, name: str, settings: Settings) -> tuple[Read, tuple[Known, ...], bool]:
    """Return a table as `tabular.read` does, its columns of features, and whether it has labels.

    Args:
        path: of the file.
        name: of the data set, for the command in messages.
        settings: how it is read; without a label, y is all zeros.

    Raises:
        WrongData: the file cannot be read with these settings; the message has all that is wrong.
    """
    table = whole = open_table(path, settings)
    settings, misspelt = corrected(settings.tidied(table.label), table.names)
    is_labelled = bool(settings.label)
    if not is_labelled:
        table = _with_label(whole)
    chosen = choose(table, settings._replace(label=settings.label or UNLABELLED))
    n_rows = fill(table, chosen)
    problems = chosen.problems + misspelt + odd_rows(replace(whole, repeated=table.repeated))
    features: dict[str, Feature] = {}
    y = np.zeros(n_rows, np.int8)
    if n_rows and is_labelled:
        y, wrong = chosen.labels.finish(is_whole=not table.odd_rows)
        problems += wrong
    if n_rows:
        features, wrong = finish(chosen)
        problems += wrong
    if problems:
        raise refusal(path, name, settings, problems)
    if not n_rows:
        raise _without_rows(path)
    known = tuple(
        Known(name, "number" if use == IN_ORDER else use, len(arrays), texts or ())
        for name, (use, arrays, texts) in features.items()
    )
    found = assemble(path, name, settings, features, y)
    for issue in found.known_issues:
        warnings.warn(f"{path}: {issue}", stacklevel=2)
    return found, known, is_labelled


def read_like(path: Path, known: Sequence[Known], settings: Settings, id_column: str = "") -> Like:
    """Return a table like the one that these columns were read from, in their order.

    Args:
        path: of the file.
        known: the columns of the other table.
        settings: how that one was read.
        id_column: a column whose texts name the rows.

    Raises:
        WrongData: columns are missing, or cells are not what the column holds there; the message
            has all that is wrong.
    """
    counted = [column.name for column in known] == [str(j) for j in range(len(known))]
    table = open_table(path, settings._replace(header="no" if counted else "yes"))
    wanted = [column.name for column in known]
    asked = [*wanted, *([id_column] if id_column else [])]
    if id_column and id_column not in table.names:
        near = nearest(id_column, table.names)
        here = f"the nearest: {listed(near)}" if near else f"found: {listed(table.names)}"
        msg = f"--id names no column of {path}: {id_column!r}; {here}"
        raise WrongData(msg)
    gone = [repr(name) for name in wanted if name not in table.names]
    problems = [
        Problem(
            f"there {'is no column' if len(gone) == 1 else 'are no columns'} {listed(gone)}; "
            f"found: {listed(table.names)}",
            None,
        )
    ] * bool(gone) + [
        Problem(f"two columns are called {name!r}", None)
        for name in asked
        if table.names.count(name) > 1
    ]
    ids: list[Any] = []
    features: dict[str, Feature] = {}
    if not problems:
        encoding = (settings.encoding,) if any(column.texts for column in known) else ()
        texts = tuple(column.name for column in known if column.texts)
        like = settings._replace(categorical=texts + encoding, missing="keep")
        if id_column:
            table.pieces = _noting(table.pieces, table.names.index(id_column), ids)
        chosen = Chosen(
            0,
            Labels("", like),
            {
                table.names.index(each.name): _LikeKnown(each.name, like, known=each)
                for each in known
            },
            [],
        )
        n_rows = fill(table, chosen)
        problems = odd_rows(table)
        if n_rows:
            features, wrong = finish(chosen)
            problems += wrong
        elif not problems:
            raise _without_rows(path)
    if problems:
        msg = f"{path}: {'; '.join(problem.what for problem in problems)}; the model has to get "
        msg += "the columns that it was fitted on: correct the file, or fit a model on such files"
        raise WrongData(msg)
    x = np.column_stack([array for name in wanted for array in features[name].arrays])
    left = (settings.label, *settings.drop, id_column, *wanted)
    return Like(x, tuple(name for name in table.names if name not in left), ids)


def _without_rows(path: Path) -> WrongData:
    return WrongData(f"{path} has no rows; give a line for each sample below the column names")


@dataclass
class _LikeKnown(Column):
    """A column that is read as another one is used."""

    known: Known = field(kw_only=True)

    def finish(self, decimals: Sequence[str]) -> tuple[Feature, list[Problem]]:
        """As `Column.finish`, but a column may have no value in a new table."""
        return super().finish(decimals) if self.unreadable else self._decide(decimals)

    def _decide(self, decimals: Sequence[str]) -> tuple[Feature, list[Problem]]:
        use = self.known.use
        if use == "number":
            values = joined(self.values)
            return Feature(use, [values]), self._odd_numbers(values, decimals)
        if use == "calendar" and set(self.count) == {Kind.MISSING}:
            return self._dates(joined(self.values), Kind.DATE)
        feature, problems = super()._decide(decimals)
        if feature.use != use and not problems:
            problems = [Problem(f"column {self.name!r} holds no dates, as it did", None)]
        if feature.texts is not None:
            places = {text: code for code, text in enumerate(self.known.texts)}
            codes = [places.get(text, len(places)) for text in feature.texts]
            (array,) = feature.arrays
            found = np.isfinite(array)
            array[found] = np.array(codes, dtype=np.float64)[array[found].astype(int)]
        return feature, problems


def _with_label(table: Table) -> Table:
    """Return a table with a column of labels that says nothing, so that it is read like others."""
    import pyarrow as pa

    pieces = ([*piece, pa.repeat(UNLABELLED, len(piece[0]))] for piece in table.pieces)
    return replace(table, names=[*table.names, UNLABELLED], pieces=pieces)


def _noting(pieces: Iterator[list[Any]], column: int, ids: list[str]) -> Iterator[list[Any]]:
    """Yield pieces, and add the texts of a column to `ids`."""
    for piece in pieces:
        texts = cells.plain(piece[column], as_text=True).to_pylist()
        ids += ["" if text is None else text for text in texts]
        yield piece
