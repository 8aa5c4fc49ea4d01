"""What a fitted detector reports of itself, read with care: code and values may be a user's.

`Detector.diagnostics_` holds numbers by name, and curves with one number an epoch; `n_parameters_`
is a count. What cannot be kept is left out with a warning; the row is kept in any case.
"""

from __future__ import annotations

import traceback
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le, Len, Predicate

from detectors.contract import Detector

MAX_NAMES = 50
MAX_NAME = 100  # characters
MAX_POINTS = 2000  # of a curve
MAX_PARAMETERS = 2**53  # up to here, every reader of JSON has whole numbers exactly

Name = Annotated[str, Len(1, MAX_NAME), Predicate(str.isprintable)]
Curve = Annotated[list[float], Len(0, MAX_POINTS)]
Diagnostics = Annotated[dict[Name, float | Curve], Len(0, MAX_NAMES)]
Parameters = Annotated[int, Ge(0), Le(MAX_PARAMETERS)]


def read_diagnostics(detector: Detector) -> tuple[Diagnostics, list[str]]:
    """Return numbers and curves of a fitted detector as floats, and what was left out."""
    try:
        given = detector.diagnostics_
        named = [(_printable(str(name)), given[name]) for name in given]
    except BaseException as error:  # also SystemExit and KeyboardInterrupt
        return {}, [f"diagnostics_ is left out: {_text(error)}"]
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


def read_parameters(detector: Detector) -> tuple[int | None, list[str]]:
    """Return the number of parameters of a fitted detector, and why it is left out if it is."""
    try:
        given = detector.n_parameters_
        n_parameters = None if given is None else int(given)
    except BaseException as error:  # also SystemExit and KeyboardInterrupt
        return None, [f"n_parameters_ is left out: {_text(error)}"]
    if n_parameters is not None and not 0 <= n_parameters <= MAX_PARAMETERS:
        return None, ["n_parameters_ is left out: it is below 0 or above 2**53"]
    return n_parameters, []


def _text(error: BaseException) -> str:
    message = traceback.TracebackException.from_exception(error)  # str(error) itself may raise
    return f"{type(error).__name__}: {message}"


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME]) or "?"
