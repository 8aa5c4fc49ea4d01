"""Configurations of a method: settings drawn from lists and ranges, or all of a grid.

The n-th draw depends on its number and the seed alone, so that more configurations add rows and
change none.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from bench.store.records import canonical

MOST = 1000  # configurations of a method
TRIES = 100  # draws for each configuration that is asked for, since some are equal
DIGITS = 3  # of a drawn value, so that it can be read
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*(log\s+)?({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")
Settings = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """Values from low to high, both included; whole ones where both limits are whole."""

    low: float
    high: float
    is_log: bool
    is_whole: bool

    def at(self, u: float) -> float | int:
        """Return the value at a share u of the range, 0 <= u < 1."""
        high = self.high + self.is_whole
        if self.is_log:
            value = math.exp(math.log(self.low) + u * math.log(high / self.low))
        else:
            value = self.low + u * (high - self.low)
        if self.is_whole:
            return min(math.floor(value), int(self.high))
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


def range_of(value: object) -> Range | None:
    """Return the range that a text says, "2..64" or "log 1e-4..1e-2"; None for anything else.

    Raises:
        ValueError: its limits are in the wrong order, or a logarithmic one reaches 0.
    """
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    low, high = float(found[2]), float(found[3])
    if not low < high < math.inf:
        msg = f"the range {value!r} has no values; write the smaller limit first, as in '2..64'"
        raise ValueError(msg)
    if found[1] and low <= 0:
        msg = f"the range {value!r} is logarithmic and starts at {low:g}; start it above 0"
        raise ValueError(msg)
    return Range(
        low, high, bool(found[1]), all(re.fullmatch(r"[-+]?\d+", found[i]) for i in (2, 3))
    )


def drawn(varied: Mapping[str, list[Any] | Range], number: int, seed: int) -> list[Settings]:
    """Return so many different settings, each value drawn from its list or range.

    Raises:
        ValueError: there are not so many.
    """
    generator = random.Random(seed)
    found: dict[str, Settings] = {}
    for _ in range(TRIES * number):
        one = {name: _at(values, generator.random()) for name, values in varied.items()}
        found.setdefault(canonical(one), one)
        if len(found) == number:
            return list(found.values())
    msg = (
        f"{number + 1} configurations: lists and ranges have only {len(found)} beside the default; "
        f"give configurations = {len(found) + 1}, or more values"
    )
    raise ValueError(msg)


def grid(varied: Mapping[str, list[Any] | Range]) -> list[Settings]:
    """Return every combination of lists of values.

    Raises:
        ValueError: a range, or too many combinations.
    """
    lists = {name: values for name, values in varied.items() if isinstance(values, list)}
    if ranges := sorted(varied.keys() - lists.keys()):
        msg = f"a grid takes lists, and {ranges[0]} is a range; list its values, or give a number"
        raise ValueError(msg)
    size = math.prod(map(len, lists.values()))
    if size > MOST:
        msg = (
            f"the grid has {size:,} configurations, {size / 3600:,.1f} hours for each data set and "
            f"seed at a second a fit; list fewer values (up to {MOST:,} in all), or give a number"
        )
        raise ValueError(msg)
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _at(values: list[Any] | Range, u: float) -> Any:
    return values.at(u) if isinstance(values, Range) else values[int(u * len(values))]
