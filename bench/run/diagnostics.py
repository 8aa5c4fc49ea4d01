"""What a fitted detector says of its fit, read with care: it is a user's code and a user's values.

Figures by name, and curves with one figure an epoch, as `Detector.diagnostics_` gives them. What
cannot be kept is left out with a sentence; it never costs the row.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from detectors.contract import Detector

MAX_NAMES = 50
MAX_NAME = 100  # characters
MAX_POINTS = 2000  # of a curve

Diagnostics = dict[str, float | list[float]]


def read_diagnostics(detector: Detector) -> tuple[Diagnostics, list[str]]:
    """Return figures and curves of a fitted detector as plain floats, and what was left out."""
    try:
        given = detector.diagnostics_
        named = [(_printable(str(name)), given[name]) for name in given]
    except BaseException as error:  # also SystemExit and KeyboardInterrupt
        told = str(traceback.TracebackException.from_exception(error))  # str(error) may raise
        return {}, [f"diagnostics_ is left out: {type(error).__name__}: {told}"]
    kept: Diagnostics = {}
    left_out = []
    if len(named) > MAX_NAMES:
        left_out.append(f"diagnostics_ has {len(named)} names, the first {MAX_NAMES} are kept")
    for name, value in named[:MAX_NAMES]:
        try:
            numbers = np.asarray(value).astype(np.float64, casting="same_kind")
        except BaseException:  # a value's own code may do anything
            numbers = np.empty((0, 0))
        if numbers.ndim > 1:
            left_out.append(f"diagnostics_[{name!r}] is left out: neither a figure nor a curve")
            continue
        if numbers.size > MAX_POINTS:
            left_out.append(
                f"diagnostics_[{name!r}] has {numbers.size} points, the first {MAX_POINTS} are kept"
            )
        kept[name] = numbers[:MAX_POINTS].tolist() if numbers.ndim else float(numbers)
    return kept, left_out


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME])


def figures(diagnostics: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures alone, by name."""
    return {name: value for name, value in diagnostics.items() if not isinstance(value, list)}


def curves(diagnostics: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the curves alone, by name; the first point is of the first epoch."""
    return {name: value for name, value in diagnostics.items() if isinstance(value, list)}
