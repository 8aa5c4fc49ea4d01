"""Precision, recall and F1 of the rows that are called anomalous, for published tables.

The threshold uses test labels, by the number or the share of anomalies: these are oracle metrics
and on no board.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats, Labels

Called = NDArray[np.bool_]


def most_anomalous(y: Labels, scores: Floats) -> Called:
    """Return which rows are called anomalous, as many as there are anomalies.

    Among equal scores at the threshold numpy's partition decides, as in the code of Livernoche et
    al., so that the order of the rows matters.
    """
    n_anomalies = int(y.sum())
    called = np.zeros(len(y), dtype=np.bool_)
    called[np.argpartition(-scores, n_anomalies)[:n_anomalies]] = True
    return called


def above(scores: Floats, share: float) -> Called:
    """Return which rows score above the percentile that leaves a share of them, as PyOD does."""
    called: Called = scores > np.percentile(scores, 100 * (1 - share))
    return called


def precision(y: Labels, called: Called) -> float:
    """Return the share of anomalies among the rows that are called anomalous; 0 if none is."""
    return float(y[called].mean()) if called.any() else 0.0


def recall(y: Labels, called: Called) -> float:
    """Return the share of the anomalies that are called anomalous."""
    return float(called[y == 1].mean())


def f1(y: Labels, called: Called) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * float(y[called].sum()) / (int(called.sum()) + int(y.sum()))


OF_CALLED = {"f1": f1, "precision": precision, "precision_at_n": precision, "recall": recall}
