"""Isolation forest.

Liu, Ting, Zhou, "Isolation forest", ICDM 2008, doi:10.1109/ICDM.2008.17.

Reference: [liu2008iforest]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from sklearn.ensemble import IsolationForest as SklearnIsolationForest

from detectors.contract import Detector, Floats, require_rows
from detectors.streams import integer_seed


@dataclass(kw_only=True)
class IsolationForest(Detector):
    """How few random splits isolate a sample: 2^(-mean depth / expected depth), in (0, 1].

    Attributes:
        n_estimators: number of trees; the paper takes 100 with 256 samples each.
        max_samples: training samples for each tree; all of them if there are fewer.
    """

    n_estimators: Annotated[int, Ge(1)] = 100
    max_samples: Annotated[int, Ge(2)] = 256

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "a split")
        self.forest_ = SklearnIsolationForest(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, len(x)),
            random_state=integer_seed(self.seed, "trees"),
            n_jobs=1,
        ).fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.forest_.score_samples(x)
        return scores
