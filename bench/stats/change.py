"""The change of a metric between paired rows, with its interval and a test of no change.

The question is of these data sets, so they stand as given and the seeds are the sample: the change
is the mean over seeds, data sets, then families, its variance the sum of the data sets' own, its
degrees of freedom Welch and Satterthwaite's. Where a data set has a single pair, the spread of the
data sets' means takes the place of that of the seeds, which is wider where a change helps one and
hurts another. A single pair has no interval.

B. L. Welch, Biometrika 34:28-35, 1947, doi:10.2307/2332510; F. E. Satterthwaite, Biometrics
Bulletin 2:110-114, 1946, doi:10.2307/3002019.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.intervals import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A mean change, its 95 % limits and the p-value of no change; nan for a single pair.

    `of_data_sets`: whether the interval is for the spread between data sets, not seeds.
    """

    mean: float
    low: float
    high: float
    p: float
    of_data_sets: bool


def mean(values: Mapping[str, Sequence[float]], families: Mapping[str, str]) -> float:
    """Return the mean of values (pairs,) by data set: over seeds, data sets, then families."""
    weights = _weights([families[name] for name in values])
    return float(weights @ np.array([np.mean(one) for one in values.values()]))


def change(differences: Mapping[str, Sequence[float]], families: Mapping[str, str]) -> Change:
    """Return the change of differences (pairs,) by data set, at least one each.

    Args:
        differences: of each pair of seeds, by data set.
        families: the family of each data set; families weigh alike.
    """
    names = list(differences)
    values = [np.asarray(differences[name], dtype=np.float64) for name in names]
    weights = _weights([families[name] for name in names])
    means = np.array([one.mean() for one in values])
    sizes = np.array([len(one) for one in values])
    centre = float(weights @ means)
    if all((one == one[0]).all() for one in values) and (sizes > 1).all():
        return Change(centre, centre, centre, float(centre == 0), of_data_sets=False)
    if (sizes > 1).all():
        parts = weights**2 * np.array([one.var(ddof=1) for one in values]) / sizes
        return _with_interval(centre, parts, sizes - 1, of_data_sets=False)
    if not means.any():
        return Change(0.0, 0.0, 0.0, 1.0, of_data_sets=False)
    if len(means) == 1:
        return Change(centre, math.nan, math.nan, math.nan, of_data_sets=False)
    spread = np.array([means.var(ddof=1) * (weights**2).sum()])
    return _with_interval(centre, spread, np.array([len(means) - 1]), of_data_sets=True)


def _with_interval(
    centre: float, parts: Floats, freedoms: NDArray[np.int64], *, of_data_sets: bool
) -> Change:
    """Return the change whose variance is the sum of `parts`, each of `freedoms` degrees."""
    from scipy.special import stdtr, stdtrit

    variance = float(parts.sum())
    if variance == 0:
        return Change(centre, centre, centre, float(centre == 0), of_data_sets)
    freedom = variance**2 / float((parts**2 / freedoms).sum())
    error = math.sqrt(variance)
    reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(centre) / error))
    return Change(centre, centre - reach, centre + reach, p, of_data_sets)


def _weights(families: Sequence[str]) -> Floats:
    """(data sets,) weights that sum to 1: families alike, and data sets alike within each."""
    counts = {family: families.count(family) for family in families}
    return np.array([1 / (len(counts) * counts[family]) for family in families])
