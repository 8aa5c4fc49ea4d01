"""The columns of a table that are used: which they are, and what their cells are as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from datasets.formats import cells
from datasets.formats.cells import Kind
from datasets.formats.columns import Column, Feature
from datasets.formats.labels import Labels
from datasets.formats.members import Members
from datasets.formats.problems import Problem, listed, nearest
from datasets.formats.settings import ENCODINGS, Settings
from datasets.formats.source import Table
from datasets.record import Array

_LABELS = ("label", "class", "target", "y", "anomaly", "outlier")  # as label columns are called
_AGAIN = r"(\.\d+|_[xy])?"  # what pandas adds to a name that is there twice
_AMONG = 50  # rows that show whether the first one is among its like
_NAMELESS = ("Unnamed: ", "__index_level_")  # as columns without a name are called


class Chosen(NamedTuple):
    """The columns that are used, by position, and what is wrong with their names."""

    label: int
    labels: Labels
    columns: dict[int, Column]
    problems: list[Problem]
    groups: Members | None = None


def corrected(settings: Settings, names: Sequence[str]) -> tuple[Settings, list[Problem]]:
    """Return the settings with columns that are there, the nearest for others, and what is wrong.

    The table is judged by them, so that one slip does not make other columns look wrong, too.
    """
    problems = []
    for setting, known in (("drop", names), ("categorical", [*names, *ENCODINGS])):
        found: list[str] = []
        for asked in getattr(settings, setting):
            near = [asked] if asked in known else nearest(asked, known)
            found += near[:1]
            if asked not in known:
                here = f"the nearest: {listed(near)}" if near else f"found: {listed(names)}"
                what = f"{setting}: there is no column {asked!r}; {here}"
                problems.append(Problem(what, {}))
        settings = Settings(**settings._asdict() | {setting: tuple(dict.fromkeys(found))})
    return settings, problems


def choose(table: Table, settings: Settings) -> Chosen:
    """Return the columns of a table that are features, and the one with labels."""
    names, problems = table.names, list(table.problems)
    found, label = listed(names), settings.label
    if label not in names:
        what = "name the label column (--label, or ?label=)"
        what = f"there is no column {label!r}" if label else what
        label = _likely(label, names)
        fix: dict[str, str | tuple[str, ...]] = {"label": label}
        if settings.label.isdecimal() and int(settings.label) < len(names):
            what += "; if the first line is a row, not names, write header=no"
            fix = {"header": "no"}
        problems.append(Problem(f"{what}; found: {found}", fix))
    places: dict[str, list[int]] = {}
    for j, each in enumerate(names):
        places.setdefault(each, []).append(j)
    columns = {}
    for each, (j, *others) in places.items():
        if each in settings.drop and each != label:
            continue
        drop = {"drop": (each,)}
        if others:
            where = f"columns {j + 1} and {others[0] + 1} are both called {each!r}"
            problems.append(Problem(where, None if each == label else drop))
        elif each != label and each.startswith(_NAMELESS):
            what = f"column {j + 1} has no name, like row numbers that were saved with a table"
            problems.append(Problem(what, drop))
        elif each != label and re.fullmatch(re.escape(label) + _AGAIN, each, re.IGNORECASE):
            what = f"column {each!r} is called like the label {label!r}, and may give it away"
            problems.append(Problem(what, drop))
        if each != label:
            columns[j] = Column(each, settings)
    if not columns:
        problems.append(Problem(f"no column is left besides the label {label!r}", None))
    groups, wrong = _grouped(settings, label, names, columns)
    problems += wrong
    return Chosen(places[label][0], Labels(label, settings), columns, problems, groups)


def _grouped(
    settings: Settings, label: str, names: Sequence[str], columns: dict[int, Column]
) -> tuple[Members | None, list[Problem]]:
    """Take the group column out of the columns; return it, and what is wrong with its name."""
    asked, problems = settings.group, []
    able = [each for each in names if each != label]
    near = [asked] if asked in able else nearest(asked, able)
    if asked and asked not in able:
        here = f"the nearest: {listed(near)}" if near else f"found: {listed(able)}"
        what = f"group: there is no column {asked!r} besides the label"
        problems = [Problem(f"{what}; {here}", {"group": near[0]} if near else None)]
    if not asked or not near:
        return None, problems
    place = names.index(near[0])
    columns.pop(place, None)
    return Members(near[0], settings, place=place), problems


def fill(table: Table, chosen: Chosen) -> int:
    """Read all pieces into the columns; return the number of rows."""
    n_rows = n_read = 0
    repeated: list[int] = []
    for piece in table.pieces:
        n_read, n_before = n_read + len(piece[0]), n_read
        repeats = _repeats(table.names, piece) if table.is_named else np.zeros(0, int)
        if table.is_named and not n_before and _is_second_head(piece):
            repeats = np.union1d([0], repeats)
        if len(repeats):
            repeated += (repeats + n_before + 1).tolist()
            kept = np.delete(np.arange(len(piece[0])), repeats)
            piece = [column.take(kept) for column in piece]
        chosen.labels.add(piece[chosen.label], n_rows)
        if chosen.groups:
            chosen.groups.add(piece[chosen.groups.place], n_rows)
        for j, column in chosen.columns.items():
            column.add(piece[j], n_rows)
        n_rows += len(piece[0])
    table.odd_rows.sort()
    table.repeated = [_row_in_file(row, [odd for odd, _ in table.odd_rows]) for row in repeated]
    left_out = sorted([*table.repeated, *(row for row, _ in table.odd_rows)])
    if left_out:
        for read in filter(None, (chosen.labels, chosen.groups)):
            read.renumber(lambda row: _row_in_file(row, left_out))
        for column in chosen.columns.values():
            column.renumber(lambda row: _row_in_file(row, left_out))
    return n_rows


def finish(chosen: Chosen) -> tuple[dict[str, Feature], list[Problem]]:
    """Return the features of all columns by name, and what is wrong with them."""
    numeric = [column for column in chosen.columns.values() if column.is_of_numbers]
    decimals = [
        decimal
        for decimal in ("point", "comma")
        if all(column.reads_as(decimal) for column in numeric)
    ]
    features, problems = {}, []
    for column in chosen.columns.values():
        features[column.name], wrong = column.finish(decimals)
        problems += wrong
    return features, problems


def odd_rows(table: Table) -> list[Problem]:
    """Return the problems of rows that are no samples."""
    problems = []
    if table.odd_rows:
        (row, width), n = table.odd_rows[0], len(table.odd_rows)
        rows = "row has" if n == 1 else "rows have"
        what = f"{n:,} {rows} more or fewer cells than the {len(table.names)} columns"
        problems.append(Problem(f"{what}, such as {width} in row {row:,}", None))
    if 1 in table.repeated:
        what = "row 1 is a second line of names or units: it has no number where others have"
        problems.append(Problem(what, None))
    if again := [row for row in table.repeated if row > 1]:
        shown = listed([str(row) for row in again])
        problems.append(Problem(f"the names of the columns are repeated in row {shown}", None))
    return problems


def _likely(label: str, names: Sequence[str]) -> str:
    """Return the column that is most likely to be the label."""
    known = {name.casefold(): name for name in names}
    usual = (known[word] for word in _LABELS if word in known)
    return next(iter(nearest(label, names)), next(usual, names[-1]))


def _repeats(names: Sequence[str], piece: Sequence[Any]) -> Array:
    """Return which rows of a piece repeat the names of columns, as joined files do."""
    import pyarrow.compute as pc

    rows = np.arange(len(piece[0]))
    for name, column in zip(names, piece, strict=True):
        if not _is_text(column):
            return rows[:0]
        same = pc.equal(pc.utf8_trim_whitespace(column.take(rows)), name).fill_null(False)
        rows = rows[same.to_numpy(zero_copy_only=False)]
        if not len(rows):
            break
    return rows


def _is_second_head(piece: Sequence[Any]) -> bool:
    """Whether the first row has text in two columns of numbers at least, and a number in none."""
    first = []
    for column in piece:
        if not _is_text(column):
            return False
        kinds, _ = cells.judge(column.slice(0, _AMONG).fill_null(""), (), "plain")
        if 2 * (kinds[1:] == Kind.NUMBER).sum() >= len(kinds) > 1:
            first.append(kinds[0])
    return Kind.NUMBER not in first and first.count(Kind.TEXT) > 1


def _is_text(column: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(column.type) or types.is_large_string(column.type))


def _row_in_file(row: int, left_out: Sequence[int]) -> int:
    """Return the number of a row, counted from 1, with the rows that were left out."""
    for other in left_out:
        row += other <= row
    return row
