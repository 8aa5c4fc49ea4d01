"""Location and scale of the features, with one rule for constant features."""

from __future__ import annotations

import numpy as np

from detectors.contract import Floats


def location_and_scale(x: Floats) -> tuple[Floats, Floats]:
    """Return the mean (d,) and the standard deviation (d,) of the columns of x (n, d).

    A constant column has scale 1: a deviation in it counts in the column's own unit, so it is
    neither ignored nor infinite. A column that varies only by rounding counts as constant.
    """
    mean, scale = x.mean(axis=0), x.std(axis=0)
    rounding = 10 * np.finfo(np.float64).eps * np.abs(x).max(axis=0)
    return mean, np.where(np.ptp(x, axis=0) > rounding, scale, 1.0)
