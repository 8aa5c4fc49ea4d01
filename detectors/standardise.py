"""Location and scale of training columns, with one rule for constant ones."""

from __future__ import annotations

import numpy as np

from detectors.contract import Floats


def location_and_scale(x: Floats) -> tuple[Floats, Floats]:
    """Return the mean (d,) and the standard deviation (d,) of the columns of x (n, d).

    A column that is constant has scale 1: a deviation on it counts in the column's own unit, so
    it is neither ignored nor infinite. Rounding in the mean does not make a column vary.
    """
    mean, scale = x.mean(axis=0), x.std(axis=0)
    rounding = 10 * np.finfo(np.float64).eps * np.abs(x).max(axis=0)
    return mean, np.where(np.ptp(x, axis=0) > rounding, scale, 1.0)
