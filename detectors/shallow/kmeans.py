"""k-means clustering, with CBLOF's rule for small clusters.

MacQueen, "Some methods for classification and analysis of multivariate observations", 1967.
He, Xu, Deng, "Discovering cluster-based local outliers", Pattern Recognition Letters 24, 2003,
doi:10.1016/S0167-8655(03)00003-5.

Reference: [macqueen1967kmeans], [he2003cblof]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans as SklearnKMeans

from detectors.contract import Detector, Floats, require_rows
from detectors.streams import integer_seed


@dataclass(kw_only=True)
class KMeans(Detector):
    """Euclidean distance to the centre of the nearest large cluster.

    A small cluster may consist of anomalies, so its centre does not count. The large clusters are
    the biggest ones that together hold the share `coverage` of the training samples (alpha of He
    et al.). Their CBLOF has a second rule, which this method lacks: the large clusters also end
    where one is beta times the size of the next (beta = 5). Nor does the size of a cluster multiply
    its distances. Sparse clusters may be anomalous too: the spread of a cluster does not divide the
    distance, so samples of a wide cluster score high.

    Attributes:
        n_clusters: number of clusters; at most the training samples.
        coverage: share of the training samples in large clusters; 1 makes all clusters large.
        n_init: number of starts; the best result is kept.
    """

    n_clusters: Annotated[int, Ge(1)] = 8
    coverage: Annotated[float, Gt(0), Le(1)] = 0.9
    n_init: Annotated[int, Ge(1)] = 10

    def _fit(self, x: Floats) -> None:
        require_rows(x, self.n_clusters, f"n_clusters = {self.n_clusters}")
        clusters = SklearnKMeans(
            self.n_clusters, n_init=self.n_init, random_state=integer_seed(self.seed, "centres")
        ).fit(x)
        sizes = np.bincount(clusters.labels_, minlength=self.n_clusters)
        by_size = np.argsort(-sizes, kind="stable")
        n_large = 1 + np.searchsorted(np.cumsum(sizes[by_size]), self.coverage * len(x))
        self.centres_ = clusters.cluster_centers_[by_size[:n_large]]

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = cdist(x, self.centres_).min(axis=1)
        return distances
