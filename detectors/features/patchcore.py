"""PatchCore: the distance of the patches of an image to a memory of normal ones.

Roth, Pemula, Zepeda, Schölkopf, Brox and Gehler, "Towards total recall in industrial anomaly
detection", CVPR 2022, arXiv:2106.08265. The coreset is that of Sener and Savarese, "Active learning
for convolutional neural networks: a core-set approach", ICLR 2018, arXiv:1708.00489.

Reference: [roth2022patchcore], [sener2018coreset]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor
from torch.nn import functional

from detectors.contract import Floats
from detectors.localisation import Localizer
from detectors.networks.features import FeatureDetector, as_pixels, nearest_of, on_grid

GRID = 1  # the map of 8 pixels a cell


@dataclass(kw_only=True)
class PatchCore(FeatureDetector, Localizer):
    """Distance of the most anomalous patch to the nearest one of a memory, reweighted.

    A patch is a cell of 8 pixels, with features of three depths, each the mean of those around the
    cell. The memory is a coreset of the patches of the training images: each next one is the
    farthest from those before. The distance counts less where the nearest patch has near neighbours
    in the memory (equation 7). The map has the distance of each patch, without the weight.

    Attributes:
        neighbourhood: side of the square of cells around a cell, odd.
        share: of the training patches, those in the memory. The paper tries 0.25, 0.1 and 0.01.
        n_projected: the coreset is found among random projections to so many features. The paper's
            code takes 128; 32 is four times as fast, with a memory that is as good.
        n_neighbors: patches of the memory that reweight a distance; 1 for no weight.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": ""}

    neighbourhood: Annotated[int, Ge(1)] = 3
    share: Annotated[float, Gt(0), Le(1)] = 0.01
    n_projected: Annotated[int, Ge(1)] = 32
    n_neighbors: Annotated[int, Ge(1)] = 9

    def _learn(self, x: Floats) -> None:
        patches = torch.cat([*self._patches(x)])
        draws, shape = self.stream("coreset"), (patches.shape[1], self.n_projected)
        projected = patches @ torch.tensor(draws.normal(size=shape), dtype=torch.float32)
        n = max(1, round(self.share * len(patches)))
        self.memory_ = patches[farthest_first(projected, n, int(draws.integers(len(patches))))]

    def _patches(self, x: Floats) -> Iterator[Tensor]:
        """Yield the patches (cells, features) of each image."""
        size = self.neighbourhood
        for features in self._features(x):
            around = [
                functional.avg_pool2d(each, size, 1, size // 2, count_include_pad=False)
                for each in features[:-1]
            ]
            joined = on_grid(around, GRID)
            self.sides_ = joined.shape[1:]
            yield joined.flatten(1).T.contiguous()

    def _localize(self, x: Floats, readout: str) -> Floats:
        maps = []
        for patches in self._patches(x):
            distances, _ = nearest_of(patches, self.memory_, 1)
            maps.append(as_pixels(distances.reshape(self.sides_), x.shape[2:]))
        return np.concatenate(maps)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores = []
        for patches in self._patches(x):
            distances, nearest = nearest_of(patches, self.memory_, 1)
            worst = int(distances.argmax())
            weight = self._weight(patches[worst], self.memory_[nearest[worst]])
            scores.append(float(distances[worst]) * weight)
        return np.array(scores)

    def _weight(self, patch: Tensor, nearest: Tensor) -> float:
        """Return equation 7's weight of the distance of a patch (d,) to its nearest (1, d)."""
        _, around = nearest_of(nearest, self.memory_, self.n_neighbors)
        if around.numel() == 1:
            return 1.0
        distances = (self.memory_[around[0]] - patch).double().norm(dim=1)
        own = (nearest[0] - patch).double().norm()
        return 1 - float((own - distances.logsumexp(0)).exp())


def farthest_first(x: Tensor, n: int, first: int) -> Tensor:
    """Return n indices of x (rows, d): the first, then always the row farthest from all before."""
    chosen = torch.empty(n, dtype=torch.int64)
    squares, least = x.square().sum(1), torch.full((len(x),), torch.inf)
    chosen[0] = first
    for i in range(1, n):
        centre = x[chosen[i - 1]]
        distances = torch.addmv(squares, x, centre, alpha=-2).add_(centre.square().sum())
        torch.minimum(least, distances, out=least)
        chosen[i] = least.argmax()
    return chosen
