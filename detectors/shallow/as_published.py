"""Two detectors with the details on which published values depend, to reproduce tables.

The tables are those of Livernoche et al., "On diffusion modeling for anomaly detection", ICLR 2024,
arXiv:2305.18593. For other comparisons use `iforest` and `pca`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from detectors.contract import Detector, Floats, Unsupported, require_rows


@dataclass(kw_only=True)
class LegacySeedIsolationForest(Detector):
    """An isolation forest whose trees come from numpy's legacy generator, seeded by `seed`.

    scikit-learn draws from one generator in several places. An integer `random_state` restarts the
    generator in each of them and so gives other trees.

    Reference: [liu2008iforest], [livernoche2024dte]

    Attributes:
        n_estimators: number of trees.
    """

    n_estimators: Annotated[int, Ge(1)] = 100

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "a split")
        generator = np.random.RandomState(self.seed)
        forest = IsolationForest(n_estimators=self.n_estimators, random_state=generator, n_jobs=1)
        self.forest_ = forest.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.forest_.score_samples(x)
        return scores


@dataclass(kw_only=True)
class EigenvectorDistance(Detector):
    """Sum of the distances to all eigenvectors, each over its share of the variance.

    The score of PyOD's PCA, after Shyu et al., "A novel anomaly detection scheme based on
    principal component classifier", ICDM 2003 workshop. It depends on the signs of the
    eigenvectors, not only on the subspaces. Here, as in scikit-learn before 1.5, the training
    sample with the largest coordinate along an eigenvector lies on its positive side; later
    versions choose the sign by the entries of the eigenvector and give other scores.

    Reference: [shyu2003pcc], [livernoche2024dte]
    """

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "a principal component")
        self.scaler_ = StandardScaler().fit(x)
        scaled = self.scaler_.transform(x)
        pca = PCA(svd_solver="full").fit(scaled)
        along = pca.transform(scaled)  # (n, k)
        farthest = along[np.abs(along).argmax(axis=0), np.arange(along.shape[1])]
        self.eigenvectors_ = np.where(farthest < 0, -1, 1)[:, None] * pca.components_
        self.shares_ = pca.explained_variance_ratio_
        if not (self.shares_ > 0).all():
            msg = "the training rows vary in too few directions to divide by each one's variance"
            raise Unsupported(msg)

    def _score(self, x: Floats, readout: str) -> Floats:
        distances = cdist(self.scaler_.transform(x), self.eigenvectors_)
        scores: Floats = (distances / self.shares_).sum(axis=1)
        return scores
