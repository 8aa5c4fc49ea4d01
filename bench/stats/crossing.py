"""Where a curve with limits changes its sign.

The interval inverts the limits of the curve: it holds every place whose own interval contains 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.stats import student
from bench.stats.averages import Floats
from bench.stats.intervals import LEVEL


@dataclass(frozen=True)
class Crossing:
    """Where a curve changes its sign for the last time.

    Attributes:
        at: the place, interpolated; -inf or inf if the curve has one sign.
        low, high: its limits; infinite on a side where the data do not reach, nan without limits.
        rises: whether the curve is larger at its end than at its start.
    """

    at: float
    low: float
    high: float
    rises: bool


def crossing(x: Floats, means: Floats, low: Floats, high: Floats) -> Crossing:
    """Return where a curve changes its sign.

    Args:
        x: (places,) ascending.
        means: (places,) the curve.
        low, high: (places,) its limits; nan where there are none.
    """
    rises = bool(means[-1] >= means[0])
    if not rises:
        means, low, high = -means, -high, -low
    has_limits = not (np.isnan(low).any() or np.isnan(high).any())
    ends = (_zero(x, high), _zero(x, low)) if has_limits else (math.nan, math.nan)
    return Crossing(_zero(x, means), *ends, rises)


def _zero(x: Floats, y: Floats) -> float:
    """Return the place after which a curve stays above 0; inf if it ends below, -inf if never."""
    below = np.flatnonzero(y <= 0)
    if not len(below):
        return -math.inf
    last = int(below[-1])
    if last == len(x) - 1:
        return math.inf
    share = y[last] / (y[last] - y[last + 1])
    return float(x[last] + share * (x[last + 1] - x[last]))


def line(x: Floats, y: Floats, at: Floats) -> tuple[Floats, Floats, Floats]:
    """(places,) a least-squares line through points, with its 95 % limits, at some places.

    The limits are nan with fewer than four points.
    """
    n, center = len(x), x.mean()
    apart = x - center
    slope = (apart @ y) / (apart @ apart)
    means = y.mean() + slope * (at - center)
    if n < 4:
        return means, np.full_like(means, np.nan), np.full_like(means, np.nan)
    variance = ((y - y.mean() - slope * apart) ** 2).sum() / (n - 2)
    error = np.sqrt(variance * (1 / n + (at - center) ** 2 / (apart @ apart)))
    reach = float(student.quantile(LEVEL, n - 2)) * error
    return means, means - reach, means + reach
