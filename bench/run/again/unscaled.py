"""From scaled samples back to the units of a data set, for pictures of what a model makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.protocols.scalers import IMPUTE
from bench.run.prepare import Unit, prepare
from bench.store.records import Wanted
from datasets import DataSet

Floats = NDArray[np.float64]
ROUNDING = 1e-4  # of the range of a value, since images are single precision


def way_back(data: DataSet, wanted: Wanted, unit: Unit) -> Callable[[NDArray[Any]], Floats] | None:
    """Return the inverse of the scaling of a row's samples; None unless it is a line by value.

    It is found from the training samples, before and after the scaling. A value that is constant
    there is scaled as all others are, or not at all.
    """
    imputed = IMPUTE if wanted.scaler.startswith(IMPUTE) else ""
    plain = prepare(data, [replace(wanted, scaler=f"{imputed}none")]).x_train.astype(np.float64)
    scaled = unit.x_train.astype(np.float64)
    low, start = plain.min(axis=0), scaled.min(axis=0)
    extent, scaled_extent = np.ptp(plain, axis=0), np.ptp(scaled, axis=0)
    varies = scaled_extent > 0
    slopes = extent[varies] / scaled_extent[varies]
    slope = np.ones_like(low)
    if slopes.size and np.ptp(slopes) <= ROUNDING * slopes.max():
        slope[:] = np.median(slopes)
    slope[varies] = slopes

    def back(x: NDArray[Any]) -> Floats:
        plain: Floats = low + slope * (x - start)
        return plain

    return (
        back
        if (abs(back(scaled) - plain) <= ROUNDING * (extent + abs(low)) + 1e-12).all()
        else None
    )
