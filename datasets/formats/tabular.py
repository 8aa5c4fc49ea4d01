"""Tables of any format to numbers and labels, by one rule; or all that is wrong with them at once.

A table is read in pieces (`source`), each column that is used (`selection`) by what its cells are
(`cells`, `columns`).
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets.codes import Codes
from datasets.files import WrongData
from datasets.formats.columns import IN_ORDER, Feature, identifies, repeats
from datasets.formats.members import Members
from datasets.formats.problems import command, listed, refusal
from datasets.formats.selection import choose, corrected, fill, finish, odd_rows
from datasets.formats.settings import Settings
from datasets.formats.source import open_table
from datasets.record import Array


class Read(NamedTuple):
    """What was read of a table.

    Attributes:
        x: (n, d) float64.
        y: (n,) int8, 1 for an anomaly.
        codes: which columns of x hold codes of texts, or None.
        bags: (n,) int64 place in `groups` of the group of each row, or None.
        groups: the names of the groups.
        columns: uses, and the names of the columns of the file that have each.
        known_issues: of the columns.
    """

    x: Array
    y: Array
    codes: Codes | None
    bags: Array | None
    groups: tuple[str, ...]
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
        msg += "; if that is a title or a comment, remove its line" if table.is_named else ""
        raise WrongData(msg)
    settings, misspelt = corrected(settings, table.names)
    chosen = choose(table, settings)
    n_rows = fill(table, chosen)
    if not n_rows and not table.odd_rows:
        msg = f"{path} has no rows; give a line for each sample below the column names"
        raise WrongData(msg)
    problems = chosen.problems + misspelt + odd_rows(table)
    features: dict[str, Feature] = {}
    y = np.zeros(0, np.int8)
    if n_rows:
        y, wrong = chosen.labels.finish(is_whole=not table.odd_rows)
        problems += wrong
        features, wrong = finish(chosen)
        problems += wrong
        problems += chosen.groups.gaps() if chosen.groups else []
    if problems:
        raise refusal(path, name, settings, problems)
    return assemble(path, name, settings, features, y, chosen.groups)


def assemble(
    path: Path,
    name: str,
    settings: Settings,
    features: dict[str, Feature],
    y: Array,
    groups: Members | None = None,
) -> Read:
    """Return features and labels as one table; `name` is for commands in messages.

    Raises:
        WrongData: no row is left.
    """
    x = np.empty((len(y), sum(len(feature.arrays) for feature in features.values())))
    codes, uses, issues, j = {}, defaultdict[str, list[str]](list), [], 0
    for each, feature in features.items():
        use, columns, texts = feature
        shown = each
        if texts is not None:
            codes[j] = texts
            shown = f"{each} ({len(texts)} texts)"
        what = ""
        if identifies(feature):
            what = "is sorted" if use == IN_ORDER else "differs in every row"
            what += ": it may tell the time, the order or the number of a row, not what it is"
        elif repeats(feature, y):
            what = "has one value in normal rows and another in all others, so it may be a copy of "
            what += f"the label {settings.label!r}"
        if what:
            without = command(name, settings._replace(drop=(*settings.drop, each)))
            issues.append(f"column {each!r} {what}; to leave it out: {without}")
        uses[use].append(shown)
        while columns:  # each is freed once it is copied
            x[:, j] = columns.pop(0)
            j += 1
    bags = groups.numbers() if groups else None
    if settings.missing == "drop-rows":
        whole = ~np.isnan(x).any(axis=1)
        if not whole.any():
            msg = f"{path}: every row has a missing value; write missing=keep, or drop columns"
            raise WrongData(msg)
        x, y = x[whole], y[whole]
        bags = None if bags is None else bags[whole]
    known = {use: listed(names) for use, names in uses.items()}
    known["label"] = settings.label
    if groups:
        known["group"] = groups.name
    if settings.drop:
        known["left out"] = listed(settings.drop)
    if settings.missing == "drop-rows":
        known["rows left out"] = f"{int((~whole).sum()):,} with missing values"
    return Read(
        x,
        y,
        Codes(settings.encoding, codes) if codes else None,
        bags,
        tuple(groups.texts) if groups else (),
        tuple(known.items()),
        tuple(issues),
    )
