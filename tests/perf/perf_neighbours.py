"""`knn` and `lof` on a set with many copies, against scikit-learn's search of every query."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from bench.history.perf import Measure
from detectors import make

N_ROWS, COPIES = 100_000, 16


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a fit with scores."""
    start = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        work()
    return time.process_time() - start


def measures() -> list[Measure]:
    """Return ratios; of `adbench/donors`, whose shape this is, 94 % of the rows are copies."""
    rng = np.random.default_rng(0)
    n = N_ROWS // COPIES
    distinct = np.column_stack([rng.integers(0, 2, (n, 7)), rng.integers(0, 300, (n, 3)) / 7])
    x = distinct[rng.integers(0, n, N_ROWS)]
    plain: dict[str, Callable[[], object]] = {
        "knn": lambda: NearestNeighbors(n_neighbors=5).fit(x).kneighbors(x),
        "lof": lambda: LocalOutlierFactor(novelty=True).fit(x).score_samples(x),
    }
    found = []
    for name, search in plain.items():
        ours, theirs = seconds(lambda name=name: make(name).fit(x).score(x)), seconds(search)
        both = f"{ours:.2f} s / {theirs:.2f} s"
        label = f"{name} on {N_ROWS:,} rows of {COPIES} copies, against scikit-learn"
        found.append(Measure(label, ours / theirs, beside=both))
    return found
