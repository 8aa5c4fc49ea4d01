"""Groups of rows, and their labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.record import Array, DataSet


def labels_of_groups(data: DataSet, names: Sequence[str] = ()) -> tuple[Array, Array]:
    """Return the group (n,) of each row of a data set, 0 to g - 1, and the label (g,) of each.

    Groups are counted by their ascending numbers in `bags`.

    Args:
        data: a data set with bags.
        names: of the groups, by number, for messages.

    Raises:
        ValueError: a group has rows of both kinds, or only one row.
    """
    assert data.bags is not None
    numbers, place, sizes = np.unique(data.bags, return_inverse=True, return_counts=True)
    n_anomalous = np.bincount(place, data.y).astype(int)

    def refuse(at: Array, why: str) -> None:
        if len(at):
            group = names[numbers[at[0]]] if names else int(numbers[at[0]])
            n = n_anomalous[at[0]]
            what = why.format(normal=sizes[at[0]] - n, anomalous=n)
            more = f" ({len(at)} groups are so)" if len(at) > 1 else ""
            msg = f"group {group!r} has {what}{more}"
            raise ValueError(msg)

    mixed = np.flatnonzero((n_anomalous > 0) & (n_anomalous < sizes))
    refuse(mixed, "{normal} normal and {anomalous} anomalous rows; a group has one label")
    refuse(np.flatnonzero(sizes < 2), "one row; a group needs at least two")
    return place, (n_anomalous > 0).astype(np.int8)
