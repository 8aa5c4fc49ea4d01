"""Units whose samples are groups: how they are made, handed over, fitted and scored.

The rows of groups are split, encoded and scaled as rows are. Then they are put together, the
groups of the test set in a random order, and the rows of a group in the random order of the split.
A child gets the rows and the size of each group, and neither number nor label of one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.protocols.grouped import of_groups
from bench.protocols.named import find
from bench.protocols.split import Indices
from bench.run.prepare import Samples, Unit, prepare
from bench.store.records import Wanted
from datasets import DataSet
from datasets.grouping import labels_of_groups
from detectors.contract import Detector
from detectors.grouped import GroupDetector, Groups, Pooled
from detectors.spec import Spec


def prepared(data: DataSet, wanted: list[Wanted]) -> Unit:
    """Return a unit of rows, or of groups where the protocol scores these; see `prepare`."""
    unit = prepare(data, wanted)
    return by_group(unit, data) if find(wanted[0].protocol).scores_groups else unit


def by_group(unit: Unit, data: DataSet) -> Unit:
    """Return a unit of rows as one of groups."""
    rows = unit.split
    group, labels = labels_of_groups(data)
    groups = of_groups(rows, group, unit.seed)
    return replace(
        unit,
        split=groups,
        x_train=_together(unit.x_train, group[rows.train], groups.train),
        x_test=_together(unit.x_test, group[rows.test[rows.order]], groups.test[groups.order]),
        truth=groups.truth(labels),
        masks=None,
    )


def _together(x: Samples, group: Indices, order: Indices) -> Groups:
    """Return rows x (n, *shape) of the groups `group` (n,) as groups in an order (g,) of these."""
    place = np.argsort(order)[np.searchsorted(np.sort(order), group)]  # (n,) of each row's group
    rows = np.argsort(place, kind="stable")
    return Groups(np.asarray(x)[rows], np.bincount(place))


def to_fit(spec: Spec, x: Samples) -> Samples:
    """Return what a model is fitted on: of groups, their rows unless it takes groups."""
    return x.rows if isinstance(x, Groups) and not spec.entry.takes_groups else x


def to_score(detector: Detector, x: Samples) -> Detector:
    """Return what scores samples: for groups, a detector of rows with its scores pooled."""
    of_rows = isinstance(x, Groups) and not isinstance(detector, GroupDetector)
    return Pooled(model=detector) if of_rows else detector


def save(file: Path, x: Samples) -> str:
    """Write samples to a file of that name, whose ending says what they are; return its path."""
    if isinstance(x, Groups):
        path = file.with_suffix(".npz")
        np.savez(path, rows=x.rows, sizes=x.sizes)
    else:
        path = file.with_suffix(".npy")
        np.save(path, x)
    return str(path)


def load(path: str, *, writable: bool = True) -> Any:
    """Return the samples of a file that `save` wrote."""
    content = np.load(path)
    if isinstance(content, np.ndarray):
        content.setflags(write=writable)
        return content
    with content:
        rows: NDArray[Any] = content["rows"]
        rows.setflags(write=writable)
        return Groups(rows, content["sizes"])
