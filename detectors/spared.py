"""Results that are kept between processes, and the CPU time that they spare, which counts.

A run gives detectors a place for what they compute of single samples alone, such as features of a
frozen network. What a row costs must not depend on what ran before it: a kept result therefore has
with it the CPU seconds that it took, and `cpu_seconds` counts them as if it had been computed anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PART = "results"

Arrays = Sequence[NDArray[Any]]


class Keeper(Protocol):
    """A place for arrays."""

    def get(self, key: str, parts: Sequence[str]) -> tuple[NDArray[Any], ...] | None:
        """Return the arrays of a key by part; None if they are not there."""

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays by part, if there is room."""


class _Process:
    """What this process knows: where results are kept, and the seconds that count besides."""

    keeper: Keeper | None = None
    spared = 0.0


def keep_in(keeper: Keeper | None) -> None:
    """Let the detectors of this process keep results there; None for nowhere, as at first."""
    _Process.keeper = keeper


def once(key: str, compute: Callable[[], Arrays]) -> Arrays:
    """Return compute(), or what it returned when it was last called with this key.

    Args:
        key: of all that the results depend on, also code and machine; a text of hex digits.
        compute: returns arrays.
    """
    if _Process.keeper is None:
        return compute()
    start = time.process_time()
    found = _unpacked(_Process.keeper.get(key, [PART]))
    if found is None:
        computing = time.process_time()
        arrays = compute()
        seconds = time.process_time() - computing
        _Process.keeper.put(key, {PART: _packed(arrays, seconds)})
    else:
        arrays, seconds = found
    _Process.spared += seconds - (time.process_time() - start)
    return arrays


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, with those that kept results spared it.

    Those that keeping and finding results took are left out.
    """
    return time.process_time() + _Process.spared


def _packed(arrays: Arrays, seconds: float) -> NDArray[Any]:
    """Return arrays with their CPU seconds and a digest as one record."""
    fields = [(str(i), array.dtype, array.shape) for i, array in enumerate(arrays)]
    record = np.zeros(1, np.dtype([*fields, ("seconds", float), ("digest", "V16")]))
    for i, array in enumerate(arrays):
        record[str(i)][0] = array
    record["seconds"] = seconds
    record["digest"] = _digest(arrays, seconds)
    return record


def _unpacked(found: tuple[NDArray[Any], ...] | None) -> tuple[Arrays, float] | None:
    """Return arrays and their CPU seconds; None if there are none, or if they are others."""
    if found is None or found[0].dtype.names is None:
        return None
    record = found[0][0]
    names = [name for name in found[0].dtype.names if name.isdecimal()]
    arrays, seconds = [np.array(record[name]) for name in names], float(record["seconds"])
    whole = record["digest"].tobytes() == _digest(arrays, seconds).tobytes()
    return (arrays, seconds) if whole else None


def _digest(arrays: Arrays, seconds: float) -> NDArray[Any]:
    hashed = hashlib.blake2b(np.float64(seconds).tobytes(), digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return np.frombuffer(hashed.digest(), "V16")
