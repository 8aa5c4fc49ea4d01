"""The user's own tables: csv, tsv, parquet, feather and arff with a label column, npz and mat.

Npz and mat files hold the features as X, whose columns are called 0, 1, ..., and the labels as y.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.formats.settings import Settings
from datasets.record import Card, DataSet


def table(card: Card, paths: Sequence[Path], **settings: Any) -> DataSet:
    """Return the (n, d) float64 numbers of a table, with labels by its label column.

    Args:
        card: of the data set.
        paths: the file.
        settings: the fields of `Settings`.

    Warns:
        UserWarning: a column of features is sorted, and so tells the order of the rows.

    Raises:
        WrongData: the file cannot be read with these settings; the message has all that is wrong.
    """
    from datasets.formats import tabular  # imports pyarrow, which listing data sets does not need

    found = tabular.read(paths[0], card.name, Settings(**settings))
    for issue in found.known_issues:
        warnings.warn(f"{paths[0]}: {issue}", stacklevel=2)
    card = replace(card, columns=found.columns, known_issues=card.known_issues + found.known_issues)
    return DataSet(card, found.x, found.y, codes=found.codes)
