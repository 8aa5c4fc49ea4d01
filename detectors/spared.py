"""Results that are kept between processes, and the time that they spare, which counts.

A run gives detectors a place for what they compute of single samples alone, such as features of a
frozen network. What a row costs must not depend on what ran before it: a kept result therefore has
with it the seconds that it took, and `cpu_seconds` and `wall_seconds` count them as if it had been
computed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

PART = "results"
TIMES = "times"  # the field of a record beside the results

Arrays = Sequence[NDArray[Any]]


class Keeper(Protocol):
    """A place for arrays, which gives them back as they were, or not at all."""

    def get(self, key: str, parts: Sequence[str]) -> tuple[NDArray[Any], ...] | None:
        """Return the arrays of a key by part; None if they are not there."""

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays by part, if there is room."""


class _Seconds(NamedTuple):
    cpu: float
    wall: float

    def since(self, start: _Seconds) -> _Seconds:
        return _Seconds(self.cpu - start.cpu, self.wall - start.wall)


class _Process:
    """What this process knows: where results are kept, and the seconds that count besides."""

    keeper: Keeper | None = None
    spared = _Seconds(0.0, 0.0)


def keep_in(keeper: Keeper | None) -> None:
    """Let the detectors of this process keep results there; None for nowhere, as at first."""
    _Process.keeper = keeper


def once(key: Callable[[], str], compute: Callable[[], Arrays]) -> Arrays:
    """Return compute(), or what it returned when it was last called with this key.

    Args:
        key: returns a text of hex digits, of all that the results depend on, also code and machine;
            or "" for results that are not to be kept.
        compute: returns arrays.
    """
    start, keeper = _now(), _Process.keeper
    if keeper is None or not (known_by := key()):
        return compute()
    found = keeper.get(known_by, [PART])
    if found is None:
        computing = _now()
        arrays = compute()
        took = _now().since(computing)
        keeper.put(known_by, {PART: _packed(arrays, took)})
    else:
        arrays, took = _unpacked(found[0])
    lost = _now().since(start)
    cpu, wall = _Process.spared
    _Process.spared = _Seconds(cpu + took.cpu - lost.cpu, wall + took.wall - lost.wall)
    return arrays


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, with those that kept results spared it.

    Those that keeping and finding results took are left out.
    """
    return time.process_time() + _Process.spared.cpu


def wall_seconds() -> float:
    """Return the time of a clock, with the seconds that kept results spared, as `cpu_seconds`."""
    return time.perf_counter() + _Process.spared.wall


def _now() -> _Seconds:
    return _Seconds(time.process_time(), time.perf_counter())


def _packed(arrays: Arrays, took: _Seconds) -> NDArray[Any]:
    """Return arrays with the seconds that they took as one record (1,)."""
    fields = [(str(i), array.dtype, array.shape) for i, array in enumerate(arrays)]
    record = np.zeros(1, np.dtype([*fields, (TIMES, float, (2,))]))
    for i, array in enumerate(arrays):
        record[str(i)][0] = array
    record[TIMES] = took
    return record


def _unpacked(record: NDArray[Any]) -> tuple[Arrays, _Seconds]:
    names = [name for name in record.dtype.names or () if name != TIMES]
    return [np.array(record[name][0]) for name in names], _Seconds(*record[TIMES][0].tolist())
