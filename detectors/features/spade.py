"""SPADE: an image's pixels against those of the training images that resemble it most.

Cohen and Hoshen, "Sub-image anomaly detection with deep pyramid correspondences", 2020,
arXiv:2005.02357.

Reference: [cohen2020spade]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from detectors.contract import Floats, require_rows
from detectors.localisation import Localizer
from detectors.networks.features import (
    FeatureDetector,
    as_pixels,
    mean_distances,
    nearest_of,
    on_grid,
)

GRID = 1  # the map of 8 pixels a cell


@dataclass(kw_only=True)
class SPADE(FeatureDetector, Localizer):
    """Mean distance of an image's pooled features to the nearest of the training images.

    The map has, for each cell of 8 pixels, the distance of its features, of three depths, to the
    nearest ones anywhere in these training images.

    Attributes:
        n_neighbors: training images; 50 in the paper, at most all.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": ""}

    n_neighbors: Annotated[int, Ge(1)] = 50

    def _learn(self, x: Floats) -> None:
        require_rows(x, 1, "a neighbour")
        parts = [(self._cells(each), each[-1]) for each in self._features(x)]
        self.cells_ = torch.stack([cells for cells, _ in parts])
        self.pooled_ = torch.cat([pooled for _, pooled in parts]).double()

    def _cells(self, features: list[Tensor]) -> Tensor:
        """Return the features (cells, d) of an image."""
        joined = on_grid(features[:-1], GRID)
        self.sides_ = joined.shape[1:]
        return joined.flatten(1).T

    def _localize(self, x: Floats, readout: str) -> Floats:
        maps = []
        for features in self._features(x):
            _, images = nearest_of(features[-1].double(), self.pooled_, self.n_neighbors)
            gallery = self.cells_[images[0]].flatten(0, 1)
            distances = nearest_of(self._cells(features), gallery, 1)[0]
            maps.append(as_pixels(distances.reshape(self.sides_), x.shape[2:]))
        return np.concatenate(maps)

    def _score(self, x: Floats, readout: str) -> Floats:
        return mean_distances(self._pooled(x), self.pooled_, self.n_neighbors)
