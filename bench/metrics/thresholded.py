"""Precision, recall and F1 of the rows that are called anomalous, as published tables have them.

They look at test labels, by the number of anomalies or by a share that fits it: oracles, on no
board.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats, Labels

Called = NDArray[np.bool_]


def most_anomalous(y: Labels, scores: Floats) -> Called:
    """Return which rows are called anomalous where as many are called so as are.

    Of equal scores at the cut numpy's partition takes some, as in the code of Livernoche et al.,
    so that the order of the rows counts.
    """
    n_anomalies = int(y.sum())
    called = np.zeros(len(y), dtype=np.bool_)
    called[np.argpartition(-scores, n_anomalies)[:n_anomalies]] = True
    return called


def above(scores: Floats, share: float) -> Called:
    """Return which rows lie above the percentile that leaves a share of them, as PyOD does."""
    called: Called = scores > np.percentile(scores, 100 * (1 - share))
    return called


def precision(y: Labels, called: Called) -> float:
    """Return the share of anomalies among the rows that are called so; 0 if none is."""
    return float(y[called].mean()) if called.any() else 0.0


def recall(y: Labels, called: Called) -> float:
    """Return the share of the anomalies that are called so."""
    return float(called[y == 1].mean())


def f1(y: Labels, called: Called) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * float(y[called].sum()) / (int(called.sum()) + int(y.sum()))


OF_CALLED = {"f1": f1, "precision": precision, "precision_at_n": precision, "recall": recall}
