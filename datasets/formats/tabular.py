"""Tables of any format to numbers and labels, by one rule; or all that is wrong with them at once.

A table is read in pieces (`source`), each column by what its cells are (`cells`, `columns`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.codes import Codes
from datasets.files import WrongData
from datasets.formats.columns import IN_ORDER, Column, Feature, Labels, identifies
from datasets.formats.problems import Problem, command, listed, nearest, refusal
from datasets.formats.settings import ENCODINGS, Settings
from datasets.formats.source import Table, open_table
from datasets.record import Array

_LABELS = ("label", "class", "target", "y", "anomaly", "outlier")  # as label columns are called
_AGAIN = r"(\.\d+|_[xy])?"  # what pandas adds to a name that is there twice
_NAMELESS = ("Unnamed: ", "__index_level_")  # as columns without a name are called


class Read(NamedTuple):
    """What was read of a table.

    Attributes:
        x: (n, d) float64.
        y: (n,) int8, 1 for an anomaly.
        codes: which columns of x hold codes of texts, or None.
        columns: uses, and the names of the columns of the file that have each.
        known_issues: of the columns.
    """

    x: Array
    y: Array
    codes: Codes | None
    columns: tuple[tuple[str, str], ...]
    known_issues: tuple[str, ...]


def read(path: Path, name: str, settings: Settings) -> Read:
    """Return a table as numbers.

    Args:
        path: of the file.
        name: of the data set, for the command in messages.
        settings: how it is read.

    Raises:
        WrongData: the file cannot be read with these settings; the message has all that is wrong.
    """
    table = open_table(path, settings)
    settings = settings.tidied(table.label)
    if len(table.names) < 2:
        found = f"one column, {table.names[0]!r}" if table.names else "no column"
        msg = f"{path} has {found}; give features and a label (in csv, separated by , ; | or tabs)"
        raise WrongData(msg)
    settings, misspelt = _corrected(settings, table.names)
    chosen = _choose(table, settings)
    n_rows = _fill(table, chosen)
    if not n_rows and not table.odd_rows:
        msg = f"{path} has no rows; give a line for each sample below the column names"
        raise WrongData(msg)
    problems = chosen.problems + misspelt + _odd_rows(table)
    features: dict[str, Feature] = {}
    y = np.zeros(0, np.int8)
    if n_rows:
        y, wrong = chosen.labels.finish(is_whole=not table.odd_rows)
        problems += wrong
        features, wrong = _finish(chosen)
        problems += wrong
    if problems:
        raise refusal(path, name, settings, problems)
    return _assemble(path, name, settings, features, y)


def _corrected(settings: Settings, names: Sequence[str]) -> tuple[Settings, list[Problem]]:
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


class _Chosen(NamedTuple):
    """The columns that are used, by position, and what is wrong with their names."""

    label: int
    labels: Labels
    columns: dict[int, Column]
    problems: list[Problem]


def _choose(table: Table, settings: Settings) -> _Chosen:
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
        elif each.startswith(_NAMELESS):
            what = f"column {j + 1} has no name, like row numbers that were saved with a table"
            problems.append(Problem(what, drop))
        elif each != label and re.fullmatch(re.escape(label) + _AGAIN, each, re.IGNORECASE):
            what = f"column {each!r} is called like the label {label!r}, and may give it away"
            problems.append(Problem(what, drop))
        if each != label:
            columns[j] = Column(each, settings)
    if not columns:
        problems.append(Problem(f"no column is left besides the label {label!r}", None))
    return _Chosen(places[label][0], Labels(label, settings), columns, problems)


def _likely(label: str, names: Sequence[str]) -> str:
    """Return the column that is most likely to be the label."""
    known = {name.casefold(): name for name in names}
    usual = (known[word] for word in _LABELS if word in known)
    return next(iter(nearest(label, names)), next(usual, names[-1]))


def _fill(table: Table, chosen: _Chosen) -> int:
    """Read all pieces into the columns; return the number of rows."""
    n_rows = n_read = 0
    repeated: list[int] = []
    for piece in table.pieces:
        n_read, n_before = n_read + len(piece[0]), n_read
        repeats = _repeats(table.names, piece) if table.is_named else np.zeros(0, int)
        if len(repeats):
            repeated += (repeats + n_before + 1).tolist()
            kept = np.delete(np.arange(len(piece[0])), repeats)
            piece = [column.take(kept) for column in piece]
        chosen.labels.add(piece[chosen.label], n_rows)
        for j, column in chosen.columns.items():
            column.add(piece[j], n_rows)
        n_rows += len(piece[0])
    table.odd_rows.sort()
    table.repeated = [_row_in_file(row, [odd for odd, _ in table.odd_rows]) for row in repeated]
    left_out = sorted([*table.repeated, *(row for row, _ in table.odd_rows)])
    if left_out:
        chosen.labels.renumber(lambda row: _row_in_file(row, left_out))
        for column in chosen.columns.values():
            column.renumber(lambda row: _row_in_file(row, left_out))
    return n_rows


def _repeats(names: Sequence[str], piece: Sequence[Any]) -> Array:
    """Return which rows of a piece repeat the names of columns, as joined files do."""
    import pyarrow.compute as pc
    from pyarrow import types

    rows = np.arange(len(piece[0]))
    for name, column in zip(names, piece, strict=True):
        if not (types.is_string(column.type) or types.is_large_string(column.type)):
            return rows[:0]
        same = pc.equal(pc.utf8_trim_whitespace(column.take(rows)), name).fill_null(False)
        rows = rows[same.to_numpy(zero_copy_only=False)]
        if not len(rows):
            break
    return rows


def _row_in_file(row: int, left_out: Sequence[int]) -> int:
    """Return the number of a row, counted from 1, with the rows that were left out."""
    for other in left_out:
        row += other <= row
    return row


def _finish(chosen: _Chosen) -> tuple[dict[str, Feature], list[Problem]]:
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


def _odd_rows(table: Table) -> list[Problem]:
    """Return the problems of rows that are no samples."""
    problems = []
    if table.odd_rows:
        (row, width), n = table.odd_rows[0], len(table.odd_rows)
        rows = "row has" if n == 1 else "rows have"
        what = f"{n:,} {rows} more or fewer cells than the {len(table.names)} columns"
        problems.append(Problem(f"{what}, such as {width} in row {row:,}", None))
    if table.repeated:
        shown = listed([str(row) for row in table.repeated])
        problems.append(Problem(f"the names of the columns are repeated in row {shown}", None))
    return problems


def _assemble(
    path: Path, name: str, settings: Settings, features: dict[str, Feature], y: Array
) -> Read:
    x = np.empty((len(y), sum(len(feature.arrays) for feature in features.values())))
    codes, uses, issues, j = {}, defaultdict[str, list[str]](list), [], 0
    for each, feature in features.items():
        use, columns, texts = feature
        shown = each
        if texts is not None:
            codes[j] = texts
            shown = f"{each} ({len(texts)} texts)"
        if identifies(feature):
            what = "is sorted" if use == IN_ORDER else "differs in every row"
            without = command(name, settings._replace(drop=(*settings.drop, each)))
            issues.append(
                f"column {each!r} {what}: it may tell the time, the order or the number of a row, "
                f"not what it is; to leave it out: {without}"
            )
        uses[use].append(shown)
        while columns:  # each is freed once it is copied
            x[:, j] = columns.pop(0)
            j += 1
    if settings.missing == "drop-rows":
        whole = ~np.isnan(x).any(axis=1)
        if not whole.any():
            msg = f"{path}: every row has a missing value; write missing=keep, or drop columns"
            raise WrongData(msg)
        x, y = x[whole], y[whole]
    known = {use: listed(names) for use, names in uses.items()}
    known["label"] = settings.label
    if settings.drop:
        known["left out"] = listed(settings.drop)
    if settings.missing == "drop-rows":
        known["rows left out"] = f"{int((~whole).sum()):,} with missing values"
    return Read(
        x,
        y,
        Codes(settings.encoding, codes) if codes else None,
        tuple(known.items()),
        tuple(issues),
    )
