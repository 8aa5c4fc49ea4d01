"""Quantiles of Student's t for any degrees of freedom, by numpy alone.

With t = sqrt(v) tan(a), v degrees of freedom, the density of the angle a is proportional to
cos(a)^(v - 1), which is bounded, and smooth from two degrees of freedom. There a sum over a grid
is exact to .0005 of the quantile up to a level of .99997, and to .0006 for any degrees of freedom
up to .97. Farther out it is too low between one degree and two: by 2 % at 1.5 and .99997.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOST = 1000  # degrees of freedom; beyond them t is normal to three digits
_ANGLES = np.linspace(0, np.pi / 2, 4001)


def quantile(level: float, freedom: ArrayLike) -> Floats:
    """Return (n,) the t with which [-t, t] holds `level` of each distribution.

    Args:
        level: 0 to 1, such as 0.95.
        freedom: (n,) degrees of freedom, 1 or more, not necessarily whole.
    """
    found = np.empty(np.shape(freedom))
    for place, v in np.ndenumerate(np.minimum(freedom, MOST)):
        density = np.cos(_ANGLES) ** (v - 1)
        held = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
        found[place] = np.sqrt(v) * np.tan(np.interp(level, held / held[-1], _ANGLES))
    return found
