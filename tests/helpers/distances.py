"""Distances of samples that tests compare methods with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def energy_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the unbiased estimate of 2 E|a - b| - E|a - a'| - E|b - b'| of (n, k), (m, k)."""

    def total(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(np.linalg.norm(a[:, None] - b, axis=-1).sum())

    n, m = len(a), len(b)
    return 2 * total(a, b) / (n * m) - total(a, a) / (n * n - n) - total(b, b) / (m * m - m)
