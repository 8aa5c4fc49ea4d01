"""Nearest neighbours among pooled pretrained features, which are also codes for any head.

Bergman, Cohen and Hoshen, "Deep nearest neighbor anomaly detection", 2020, arXiv:2002.10445.

Reference: [bergman2020dn2]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from detectors.contract import Floats, require_rows
from detectors.networks.features import FeatureDetector, mean_distances


@dataclass(kw_only=True)
class PooledFeatures(FeatureDetector):
    """Mean distance of an image's pooled features to the nearest of the training images.

    Attributes:
        n_neighbors: number of training images; 2 in the paper.
    """

    encodes: ClassVar[bool] = True

    n_neighbors: Annotated[int, Ge(1)] = 2

    def _learn(self, x: Floats) -> None:
        require_rows(x, self.n_neighbors, f"n_neighbors = {self.n_neighbors}")
        self.pooled_ = self._pooled(x)

    def _encode(self, x: Floats) -> Floats:
        codes: Floats = self._pooled(x).numpy()
        return codes

    def _score(self, x: Floats, readout: str) -> Floats:
        return mean_distances(self._pooled(x), self.pooled_, self.n_neighbors)
