"""Gaussian kernels of rows and of groups of rows.

The kernel of two groups is the mean of k(x, y) = exp(-gamma |x - y|^2) over the pairs of their
rows: the inner product of their mean embeddings in the space of the kernel (Muandet, Fukumizu,
Sriperumbudur, Schölkopf, "Kernel mean embedding of distributions", Foundations and Trends in
Machine Learning 10, 2017, doi:10.1561/2200000060).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt
from scipy.spatial.distance import cdist, pdist

from detectors.contract import Floats
from detectors.grouped import Groups

Gamma = Literal["median"] | Annotated[float, Gt(0)]

SAMPLED = 1000  # rows whose distances give the median


def width(gamma: str | float, x: Floats, rng: np.random.Generator) -> float:
    """Return gamma; for "median", 1 / (2 m^2) with the median distance m of rows of x (n, d).

    It is the heuristic of Gretton et al., "A kernel two-sample test", JMLR 13, 2012, section 8, on
    at most 1,000 rows; 1 if half of the distances are 0.
    """
    if gamma != "median":
        return float(gamma)
    median = float(np.median(pdist(x[rng.permutation(len(x))[:SAMPLED]], "sqeuclidean")))
    return 1 / (2 * median) if median > 0 else 1.0


def kernel(a: Floats, b: Floats, gamma: float) -> Floats:
    """Return the kernel of each pair, (n, d) and (m, d) -> (n, m)."""
    values: Floats = np.exp(-gamma * cdist(a, b, "sqeuclidean"))
    return values


def between(one: Groups, other: Groups, gamma: float) -> Floats:
    """Return the mean kernel of each pair of groups, (g,) and (h,) -> (g, h)."""
    return np.array([other.means(kernel(rows, other.rows, gamma).mean(axis=0)) for rows in one])


def within(rows: Floats, gamma: float) -> float:
    """Return the mean kernel over the pairs of distinct rows of x (m, d)."""
    return float(np.exp(-gamma * pdist(rows, "sqeuclidean")).mean())
