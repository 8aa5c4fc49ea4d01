"""k-means--: clustering in which the farthest samples do not affect the centres.

Chawla and Gionis, "k-means--: a unified approach to clustering and outlier detection", SDM 2013,
doi:10.1137/1.9781611972832.21.

Reference: [chawla2013kmeansmm]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt
from scipy.spatial.distance import cdist

from detectors.contract import Detector, Floats, require_rows


@dataclass(kw_only=True)
class KMeansMinusMinus(Detector):
    """Euclidean distance to the nearest centre, fitted with a share of the samples left out.

    Each round assigns the training samples to their nearest centres, leaves the l farthest samples
    out, and moves every centre to the mean of its other samples, until no centre moves (algorithm
    1). Of several starts, the one with the smallest sum of squared distances of the samples that
    are not left out is kept. As the authors do, a start draws k samples uniformly: k-means++ would
    draw outliers first.

    Attributes:
        n_clusters: number k of clusters; at most the training samples that are not left out.
        outlier_share: l as a share of the training samples.
        n_init: number of starts.
        max_iter: most rounds per start.
    """

    n_clusters: Annotated[int, Ge(1)] = 8
    outlier_share: Annotated[float, Ge(0), Lt(1)] = 0.1
    n_init: Annotated[int, Ge(1)] = 10
    max_iter: Annotated[int, Ge(1)] = 300

    def _fit(self, x: Floats) -> None:
        n_kept = len(x) - int(self.outlier_share * len(x))
        what = f"n_clusters = {self.n_clusters} with outlier_share = {self.outlier_share:g}"
        require_rows(x, self.n_clusters + len(x) - n_kept, what)
        draws = self.stream("centres")
        starts = [
            x[draws.choice(len(x), self.n_clusters, replace=False)] for _ in range(self.n_init)
        ]
        fits = [self._fitted(x, centres, n_kept) for centres in starts]
        self.centres_, self.inertia_ = min(fits, key=lambda fit: fit[1])

    def _fitted(self, x: Floats, centres: Floats, n_kept: int) -> tuple[Floats, float]:
        """Return centres (k, d) and the sum of squared distances of the samples that are kept."""
        for _ in range(self.max_iter):
            distances = cdist(x, centres, "sqeuclidean")
            nearest = distances.argmin(axis=1)
            kept = np.argsort(distances.min(axis=1), kind="stable")[:n_kept]
            moved = centres.copy()  # a centre without samples stays
            for cluster in np.unique(nearest[kept]):
                moved[cluster] = x[kept][nearest[kept] == cluster].mean(axis=0)
            if np.array_equal(moved, centres):
                break
            centres = moved
        least = cdist(x, centres, "sqeuclidean").min(axis=1)
        return centres, float(np.sort(least)[:n_kept].sum())

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = cdist(x, self.centres_).min(axis=1)
        return distances
