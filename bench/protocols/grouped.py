"""Samples of a protocol that are groups of rows: from a split of rows to one of groups.

A group is known by its place among the data set's groups. Places and labels stay outside the
sandbox, as those of rows do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.protocols.named import find, split
from bench.protocols.split import Indices, Split
from datasets import DataSet
from datasets.grouping import labels_of_groups
from detectors.streams import stream


def of_groups(rows: Split, group: Indices, seed: int) -> Split:
    """Return a split of rows as one of groups; its test order is drawn from a stream of its own.

    Args:
        rows: whole groups in training or in test.
        group: (n,) of each row of the data set.
        seed: of the split.
    """
    train, test = np.unique(group[rows.train]), np.unique(group[rows.test])
    order = stream(seed, "test order of groups").permutation(len(test))
    return Split(train, test, order, rows.held)


def drawn(text: str, data: DataSet, seed: int) -> tuple[Split, NDArray[np.int8]]:
    """Return the split of a data set into samples, rows or groups, and the labels of all samples.

    Raises:
        NotApplicable, ValueError: as `split` does.
    """
    rows = split(text, data, seed)
    if not find(text).scores_groups:
        return rows, data.y
    group, labels = labels_of_groups(data)
    return of_groups(rows, group, seed), labels
