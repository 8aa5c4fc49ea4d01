"""Distances to reconstructions that are decoded from the aggregated posterior: `reference`.

Chalapathy, Toth and Chawla, "Group anomaly detection using deep generative models", ECML PKDD 2018,
arXiv:1804.04876, algorithm 1: codes are drawn from the posterior of the training groups, decoded to
a reference, and a group is scored by its distance to it. The paper leaves three things open. The
number of draws: here one from the posterior of each of at most 1,000 training samples, drawn by the
seed, which is a sample of the aggregated posterior. The distance of a sample: to the nearest
reference, since the mean squared distance to all of them is the squared distance to their mean plus
a constant. The distance of a group: the energy distance of its rows and the references, which is 0
for equal distributions; by the mean of distances of its rows, a group of ordinary rows in unusual
shares would be ordinary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist
from torch import Tensor

from detectors.contract import Floats
from detectors.grouped import Groups
from detectors.networks.dense import rowwise_product

N_DECODED = 1000  # references


class Referring:
    """A model that scores samples, and groups of them, by their distance to references."""

    @abstractmethod
    def _decoded(self) -> Tensor:
        """Return the references (m, d), float64."""

    def _reference(self, rows: Tensor) -> Tensor:
        """Mean squared difference over the features to the nearest of 1,000 references.

        They are decoded from the aggregated posterior. Of a group it is the energy distance
        2 E|x - r| - E|x - x'| of its rows x and the references r, less the constant E|r - r'|.
        """
        x, references = rows.flatten(1), self._decoded()
        mixed = rowwise_product(x, references.T)
        squares = x.square().sum(-1)[:, None] - 2 * mixed + references.square().sum(-1)
        return squares.amin(-1).clamp(min=0) / x.shape[1]

    def _references_of_groups(self, groups: Groups) -> Floats:
        rows = Groups(groups.rows.reshape(len(groups.rows), -1), groups.sizes)
        with torch.no_grad():
            references = self._decoded().numpy()
        return np.array([2 * cdist(x, references).mean() - pdist(x).mean() for x in rows])

    group_scores: ClassVar[Mapping[str, Callable[[Any, Groups], Floats]]] = {
        "reference": _references_of_groups
    }
