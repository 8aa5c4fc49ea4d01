"""Diagnostics of a fitted detector, read with care: both code and values may be a user's.

`Detector.diagnostics_` holds numbers by name, and curves with one number an epoch. What cannot be
kept is left out with a warning; the row is kept in any case.
"""

from __future__ import annotations

import traceback

import numpy as np

from detectors.contract import Detector

MAX_NAMES = 50
MAX_NAME = 100  # characters
MAX_POINTS = 2000  # of a curve

Diagnostics = dict[str, float | list[float]]


def read_diagnostics(detector: Detector) -> tuple[Diagnostics, list[str]]:
    """Return numbers and curves of a fitted detector as floats, and what was left out."""
    try:
        given = detector.diagnostics_
        named = [(_printable(str(name)), given[name]) for name in given]
    except BaseException as error:  # also SystemExit and KeyboardInterrupt
        reason = str(traceback.TracebackException.from_exception(error))  # str(error) may raise
        return {}, [f"diagnostics_ is left out: {type(error).__name__}: {reason}"]
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
            left_out.append(f"diagnostics_[{name!r}] is left out: neither a number nor a curve")
            continue
        if numbers.size > MAX_POINTS:
            left_out.append(
                f"diagnostics_[{name!r}] has {numbers.size} points, the first {MAX_POINTS} are kept"
            )
        kept[name] = numbers[:MAX_POINTS].tolist() if numbers.ndim else float(numbers)
    return kept, left_out


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME])
