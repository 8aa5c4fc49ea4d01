"""The user's own tables: csv, tsv, parquet, feather and arff with a label column, npz and mat.

Their rows are samples, or members of groups that a further column names.

Npz and mat files hold the features as X, whose columns are called 0, 1, ..., and the labels as y.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.files import WrongData
from datasets.formats.settings import Settings
from datasets.grouping import labels_of_groups
from datasets.record import Card, DataSet


def table(card: Card, paths: Sequence[Path], **settings: Any) -> DataSet:
    """Return the (n, d) float64 numbers of a table, with labels by its label column.

    Args:
        card: of the data set.
        paths: the file.
        settings: the fields of `Settings`.

    Warns:
        UserWarning: a column of features is sorted, and so shows the order of the rows.

    Raises:
        WrongData: the file cannot be read with these settings; the message has all that is wrong.
    """
    return _read(card, paths[0], Settings(**settings))[0]


def groups(card: Card, paths: Sequence[Path], **settings: Any) -> DataSet:
    """Return a table as `table` does, with the group of each row, whose rows have one label.

    Raises:
        WrongData: as `table`, or a group has rows of both kinds, or only one row.
    """
    data, names = _read(card, paths[0], Settings(**settings))
    try:
        labels_of_groups(data, names)
    except ValueError as error:
        msg = f"{paths[0]}: {error}"
        raise WrongData(msg) from None
    return data


def _read(card: Card, path: Path, settings: Settings) -> tuple[DataSet, tuple[str, ...]]:
    """Return a table, and the names of its groups."""
    from datasets.formats import tabular  # imports pyarrow, which listing data sets does not need

    found = tabular.read(path, card.name, settings)
    for issue in found.known_issues:
        warnings.warn(f"{path}: {issue}", stacklevel=3)
    card = replace(card, columns=found.columns, known_issues=card.known_issues + found.known_issues)
    data = DataSet(card, found.x, found.y, codes=found.codes, bags=found.bags)
    return data, found.groups
