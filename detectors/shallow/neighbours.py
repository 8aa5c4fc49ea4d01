"""Distances to nearest neighbours and densities around them.

kNN: Ramaswamy, Rastogi, Shim, "Efficient algorithms for mining outliers from large data sets",
SIGMOD 2000, doi:10.1145/342009.335437 (largest distance); Angiulli, Pizzuti, "Fast outlier
detection in high dimensional spaces", PKDD 2002, doi:10.1007/3-540-45681-3_2 (mean distance).
LOF: Breunig, Kriegel, Ng, Sander, "LOF: identifying density-based local outliers", SIGMOD 2000,
doi:10.1145/342009.335388.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from detectors.contract import Detector, Floats, require_rows, warn_of_copies


@dataclass(kw_only=True)
class KNN(Detector):
    """Euclidean distance to the nearest training samples.

    Reference: [ramaswamy2000knn], [angiulli2002knn]

    Attributes:
        n_neighbors: number of neighbours; at most the training samples less one.
        aggregation: "largest" for the distance to the last neighbour, "mean" for the mean distance.
    """

    n_neighbors: Annotated[int, Ge(1)] = 5
    aggregation: Literal["largest", "mean"] = "largest"

    def _fit(self, x: Floats) -> None:
        require_rows(x, self.n_neighbors + 1, f"n_neighbors = {self.n_neighbors}")
        self.neighbours_ = NearestNeighbors(n_neighbors=self.n_neighbors, n_jobs=1).fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = self.neighbours_.kneighbors(x)[0]
        return distances[:, -1] if self.aggregation == "largest" else distances.mean(axis=1)


@dataclass(kw_only=True)
class LOF(Detector):
    """Local outlier factor: density around the neighbours over the density around the sample.

    It is about 1 for a sample as dense as its neighbours. Where more than `n_neighbors` training
    samples coincide, their density is infinite, and scores near them reach 1e9 and more; `fit`
    then warns.

    Reference: [breunig2000lof]

    Attributes:
        n_neighbors: number of neighbours; at most the training samples less one. Breunig et al.
            recommend 10 or more; 20 is scikit-learn's default.
    """

    n_neighbors: Annotated[int, Ge(1)] = 20

    def _fit(self, x: Floats) -> None:
        require_rows(x, self.n_neighbors + 1, f"n_neighbors = {self.n_neighbors}")
        warn_of_copies(x, self.n_neighbors)
        lof = LocalOutlierFactor(n_neighbors=self.n_neighbors, novelty=True, n_jobs=1)
        self.lof_ = lof.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.lof_.score_samples(x)
        return scores
