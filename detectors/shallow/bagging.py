"""Feature bagging: local outlier factors over random subsets of the features.

Lazarevic and Kumar, "Feature bagging for outlier detection", KDD 2005, doi:10.1145/1081870.1081891.
PyOD's implementation needs the package combo, which is not maintained.

Reference: [lazarevic2005bagging]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.utils.random import sample_without_replacement

from detectors.contract import Detector, Floats, Unsupported
from detectors.shallow.neighbours import LOF

LARGEST_SEED = np.iinfo(np.int32).max


@dataclass(kw_only=True)
class FeatureBagging(Detector):
    """Mean local outlier factor over subsets of the features.

    A subset has at least half of the d features, rounded down, and, as in PyOD, at most all of
    them; Lazarevic and Kumar take at most d - 1. The subsets are those that PyOD draws from numpy's
    legacy generator, seeded by `seed`, so that published values can be reproduced.

    Attributes:
        n_estimators: number of subsets.
        n_neighbors: neighbours of the local outlier factor.
    """

    n_estimators: Annotated[int, Ge(1)] = 10
    n_neighbors: Annotated[int, Ge(1)] = 20

    def _fit(self, x: Floats) -> None:
        d = x.shape[1]
        if d < 2:
            msg = "feature bagging needs at least 2 features, there is 1"
            raise Unsupported(msg)
        generator = np.random.RandomState(self.seed)
        self.members_ = []
        for seed in generator.randint(LARGEST_SEED, size=self.n_estimators):
            own = np.random.RandomState(seed)
            subset = sample_without_replacement(d, own.randint(d // 2, d + 1), random_state=own)
            lof = LOF(n_neighbors=self.n_neighbors).fit(x[:, subset])
            self.members_.append((subset, lof))

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = np.mean([lof.score(x[:, subset]) for subset, lof in self.members_], axis=0)
        return scores
