"""How values are printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bench.boards.words import MARKS
from bench.metrics import scored
from bench.render.table import NONE, Record

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 3  # of shares
LONGEST_NAME = 30  # of a data set with its settings, in characters


def records(table: pd.DataFrame) -> list[Record]:
    """Return the lines of a table as dictionaries of Python's own types."""
    return [{str(k): v for k, v in line.items()} for line in table.to_dict("records")]


def finite(value: Any) -> Any:
    """Return a value for JSON, which has no numbers that are not finite: None in their place."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def marks(detector: Record) -> str:
    """Return the signs behind a detector's name, which the board's notes explain."""
    weak = MARKS["weak"] if detector["beats_baseline"] is False else ""
    return weak + (MARKS["transductive"] if detector["transductive"] else "")


def fit_cost(detector: Record) -> str:
    """Return the median CPU seconds of a fit, marked where one model serves several rows."""
    text = cost(detector["median_fit_seconds"])
    return text + MARKS["shared"] if detector["shared_model"] and text != NONE else text


def short_names(names: Sequence[str]) -> list[str]:
    """Names of more than 12 characters lose their prefix, where what remains is unique.

    Settings, without which it would be another data set, end in dots where they are long.
    """
    short = []
    for name in names:
        base, mark, settings = name.partition("?")
        base = base if len(name) <= 12 else base.rpartition("/")[2]
        is_long = len(base) + len(settings) > LONGEST_NAME
        short.append(base + mark + ("\N{HORIZONTAL ELLIPSIS}" if is_long and mark else settings))
    return [s if short.count(s) == 1 else n for s, n in zip(short, names, strict=True)]


def reach(dataset: Record) -> str:
    """Return how many ("7/40") of the detectors on a data set may equal its best."""
    if math.isnan(dataset["reaching"]):
        return NONE
    return f"{dataset['reaching']:.0f}/{dataset['compared']:.0f}"


def format_of(metric: str) -> Callable[[float], str]:
    """Return what prints values of a metric: `share` for quality, `cost` for costs."""
    return share if scored.get(metric).larger_is_better else cost


def bracketed(text: Callable[[float], str], value: float, low: float, high: float) -> str:
    """Return a value with its limits in brackets: ".912 [.870, .940]"."""
    return f"{text(value)} {limits(text, low, high)}"


def limits(text: Callable[[float], str], low: float, high: float) -> str:
    """Return limits in brackets, a dash in them where there are none."""
    return f"[{', '.join(ends(text, low, high)) or NONE}]"


def compact(text: Callable[[float], str], value: float, low: float, high: float) -> str:
    """Return a value with its limits in little space: ".912 .870-.940"."""
    return f"{text(value)} {NONE.join(ends(text, low, high))}".rstrip()


def ends(text: Callable[[float], str], low: float, high: float) -> tuple[str, ...]:
    """Return limits as texts, none where there are none: those of every format and of the page.

    They are rounded outward to the digits that `text` prints, so that an interval holds what it
    held, and no value seems to lie beyond its limits.
    """
    if math.isnan(low):
        return ()
    return text(_rounded(low, text, math.floor)), text(_rounded(high, text, math.ceil))


def _rounded(value: float, text: Callable[[float], str], whole: Callable[[float], int]) -> float:
    """Return a value that `text` prints without further rounding."""
    if not math.isfinite(value) or value == 0:
        return value
    digits = 1 - math.floor(math.log10(abs(value))) if text is cost else DECIMALS
    return whole(round(value * 10.0**digits, 6)) / 10.0**digits


def share(value: float, decimals: int = DECIMALS) -> str:
    """Return a number without its leading zero: ".912", "1.000", "-.012"."""
    text = fixed(value, decimals)
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def signed(value: float) -> str:
    """Return a change with its sign and three decimals."""
    text = f"{value:+.3f}".replace("0.", ".", 1).replace("-", "\N{MINUS SIGN}")
    return "0" if value == 0 else text


def cost(value: float) -> str:
    """Two significant digits or the whole number, in five cells: ".0012", "3.4", "120", "12k"."""
    for size, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= size:
            return f"{value / unit:.0f}{letter}"
    if 0 < value < 0.001:
        return "<.001"
    digits = 0 if math.isnan(value) or value == 0 else 1 - math.floor(math.log10(value))
    return share(value, max(digits, 0))


def fixed(value: float, decimals: int) -> str:
    return NONE if math.isnan(value) else f"{value:.{decimals}f}"


def whole(value: float) -> str:
    return fixed(value, 0)


def place(detector: Record) -> str:
    """Return a detector's place, and the range of it without one of the data sets: "3 (1-6)"."""
    text = whole(detector["rank"])
    low, high = detector["rank_low"], detector["rank_high"]
    return text if math.isnan(low) else f"{text} ({whole(low)}\N{EN DASH}{whole(high)})"
