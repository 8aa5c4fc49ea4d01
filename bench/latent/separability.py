"""How well a hyperplane separates codes of normal samples from those of anomalies.

An analysis with test labels, which no detector has: it says what the codes hold, not what a score
finds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import auroc, auroc_se
from bench.stats.intervals import auroc_interval

Floats = NDArray[np.float64]

FOLDS = 5


@dataclass(frozen=True)
class Separability:
    """AUROC of samples of which the hyperplane was not fitted, with its 95 % interval."""

    auroc: float
    low: float
    high: float


def separability(codes: Floats, y: NDArray[np.int8], seed: int) -> Separability | None:
    """Return how a logistic regression on standardised codes (n, k) separates labels (n,).

    By cross-validation; None where a class has fewer than two samples.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fewest = int(np.bincount(y, minlength=2).min())
    if fewest < 2:
        return None
    model = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    scores = cross_val_predict(model, codes, y, cv=folds, method="decision_function")
    value, n_anomalies = auroc(y, scores), int(y.sum())
    low, high = auroc_interval(value, auroc_se(y, scores), n_anomalies, len(y) - n_anomalies)
    return Separability(value, float(low[0]), float(high[0]))
