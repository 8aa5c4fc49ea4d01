"""Figures of what is reached against a quantity: one line for each method or data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.render.figures import TEXT, WIDTH, canvas, label_logarithms, label_shares, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osDX^vP*"
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d")


def lines(
    x: Sequence[float],
    values: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    *,
    limits: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    is_log: bool = True,
) -> Figure:
    """Return a figure of lines by name, nan left out.

    Args:
        x: what they are drawn against.
        values: of each line.
        xlabel, ylabel: of the axes.
        limits: of some lines, drawn as a band.
        is_log: whether the axis of x is logarithmic.
    """
    figure, axes = canvas(WIDTH, 3.6)
    for number, (name, line) in enumerate(values.items()):
        color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
        axes.plot(x, line, color=color, marker=marker, markersize=4, linewidth=1.1, label=name)
        if limits and name in limits:
            low, high = (np.asarray(each, float) for each in limits[name])
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    if is_log:
        axes.set_xscale("log")
        label_logarithms(axes.xaxis, np.asarray(x, float))
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    label_shares(axes.yaxis)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    plain(axes)
    if len(values) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=TEXT)
    return figure
