"""Figures of a board: critical differences, rank heat map, quality against cost.

Pure functions from a board to a matplotlib figure. Types of detectors differ by marker, and
nothing depends on colour alone, so that figures can be read in grey and by every reader.
matplotlib is imported when a figure is drawn, and neither a display nor its global state is used.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.boards.words import TYPES
from bench.render import palette
from bench.render.printable import printable
from bench.render.values import share, short_names
from bench.stats import averages, differences

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MARKERS = {"deep": "s", "shallow": "o", "hybrid": "D", "control": "x"}
DATES = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}  # left out
LINE = 0.17  # inches of a line of names
WIDTH = 7.2  # inches of a page's text
LETTER = 0.08  # inches of the widest letter of a name
TEXT = 8  # points
FEW = 12  # detectors up to which all are named in a figure of quality and cost
NUMBERED = 24  # data sets up to which a heat map has room for numbers
# With a fixed salt and without a date, equal figures are equal files.
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "fathom",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.size": TEXT,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Drawn:
    """A figure and the caption that belongs under it."""

    drawing: Figure
    caption: str


def draw(board: Board, comparison: Comparison | None = None) -> dict[str, Drawn]:
    """Return every figure that a board has the numbers for, by file name.

    Critical differences need a comparison; costs need a metric of quality and measured times.
    """
    drawn = {"ranks": ranks(board)}
    if comparison is not None:
        drawn["critical-differences"] = critical_differences(board, comparison)
    if board.metric.larger_is_better:
        for name in ("fit_seconds", "score_us"):
            ranked = board.detectors[board.detectors["rank"].notna()]
            if (ranked[f"median_{name}"] > 0).any():
                drawn[f"quality-{name.replace('_', '-')}"] = quality_and_cost(board, name)
    return drawn


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PDF, SVG and PNG; return the files."""
    import matplotlib

    _as_written(figure)
    with matplotlib.rc_context(SETTINGS):
        figure.draw_without_rendering()  # lays it out, which need not be done for each format
    figure.set_layout_engine("none")
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in DATES]
    for path in paths:
        write(figure, path, path.suffix[1:])
    return paths


def write(figure: Figure, file: Path | TextIO, suffix: str) -> None:
    """Write a figure in one format; equal figures give equal files."""
    import matplotlib

    _as_written(figure)
    with matplotlib.rc_context(SETTINGS):
        if suffix != "svg":
            figure.savefig(file, format=suffix, dpi=200, metadata=DATES[suffix])
            return
        drawn = io.StringIO()
        figure.savefig(drawn, format=suffix, metadata=DATES[suffix])
    text = printable(drawn.getvalue(), keep="\n\t")  # XML has no control signs
    if isinstance(file, Path):
        file.write_text(text, encoding="utf-8")
    else:
        file.write(text)


def write_as_named(draw: Callable[[], Figure], file: Path) -> None:
    """Draw a figure into a file, in the format of its suffix.

    Raises:
        ValueError: the suffix is not that of a figure, or there is nothing to draw.
        OSError: the file cannot be written.
    """
    check_suffix(file)
    write(draw(), file, file.suffix[1:])


def check_suffix(file: Path) -> None:
    """Check that a file's suffix is that of a figure.

    Raises:
        ValueError: it is not.
    """
    if file.suffix[1:] not in DATES:
        accepted = ", ".join(f".{suffix}" for suffix in DATES)
        msg = f"--figure {str(file)!r} ends in {file.suffix!r}; accepted are {accepted}"
        raise ValueError(msg)


def _as_written(figure: Figure) -> None:
    """Show names with two dollar signs as they are; matplotlib would read them as formulas."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)


def critical_differences(board: Board, comparison: Comparison) -> Drawn:
    """Return mean ranks with Nemenyi's critical difference; bars join ties.

    Detectors are listed by rank from the top, so that sixty are as readable as six.
    """
    ranks, cd = comparison.mean_ranks, comparison.critical_difference
    labels = comparison.blocks.detectors
    order = np.argsort(ranks, kind="stable")
    types = _types(board)
    groups = differences.cliques(list(ranks[order]), cd)
    height = LINE * len(labels) + 1.0
    figure, axes = canvas(WIDTH, height)
    y = np.arange(len(labels))
    end = max(_right(ranks, len(groups), len(groups)), 1 + 1.02 * cd)
    axes.hlines(y, 1, end, color="0.9", linewidth=0.8, zorder=1)
    for name in TYPES:
        own = [i for i in y if types[labels[order[i]]] == name]
        if own:
            _points(axes, ranks[order][own], np.array(own), name)
    for column, group in enumerate(groups):
        at = _right(ranks, len(groups), column)
        axes.plot([at, at], [group[0] - 0.25, group[-1] + 0.25], color="0.2", linewidth=2,
                  solid_capstyle="butt")  # fmt: skip
    axes.set_yticks(y, [labels[i] for i in order])
    axes.set_ylim(len(labels) - 0.4, -1.6)
    axes.set_xlim(0.5, end)
    axes.set_xticks([x for x in axes.get_xticks() if 1 < x <= len(labels)] + [1])
    axes.plot([1, 1 + cd], [-1.0, -1.0], color="black", marker="|", linewidth=1.2)
    axes.annotate(f"critical difference {cd:.2f}", (1, -1.0), xytext=(0, 4), fontsize=TEXT,
                  textcoords="offset points")  # fmt: skip
    axes.set_xlabel(f"mean rank by {board.metric.label}, 1 is best")
    plain(axes)
    _legend(axes, [types[label] for label in labels])
    return Drawn(
        figure,
        f"Mean ranks by {board.metric.label}; {comparison.blocks.caption}. Bars at the right join "
        "detectors whose mean ranks span less than Nemenyi's critical difference at the 5 % "
        f"level, {cd:.2f}. Mean ranks depend on who else is compared.",
    )


def ranks(board: Board) -> Drawn:
    """Return the rank of every detector on every data set; 1 is best, hatched without a rank."""
    labels = list(board.detectors["label"])
    names = list(board.datasets["dataset"])
    whole = board.cells["value"].where(board.cells["rows_ok"] == board.cells["rows"])
    cells = board.cells.assign(value=whole)
    table = cells.pivot(index="label", columns="dataset", values="value").loc[labels, names]
    values = table.to_numpy(float)
    placed = np.array([_rank(column, bool(board.metric.larger_is_better)) for column in values.T]).T
    numbered = len(names) <= NUMBERED
    ticks = short_names(names)
    figure, axes = canvas(
        max(3.5, 1.9 + (0.27 if numbered else 0.15) * len(names)),
        LINE * len(labels) + max(1.6, LETTER * max(map(len, ticks)) + 0.4),
    )
    # light is good, dark is bad: the same order on grey paper
    image = axes.imshow(placed, cmap="cividis_r", aspect="auto", vmin=1, vmax=len(labels))
    for (i, j), rank in np.ndenumerate(placed):
        if np.isnan(rank):
            axes.add_patch(_hatched(j, i))
        elif numbered or rank == 1:
            figure_ = f"{rank:.0f}" if rank % 1 == 0 else f"{rank:.1f}"
            text = axes.text(j, i, figure_, ha="center", va="center", fontsize=TEXT - 2,
                             color="white" if rank > 0.5 * len(labels) else "black",
                             fontweight="bold" if rank == 1 else "normal")  # fmt: skip
            text.set_in_layout(False)  # thousands of texts take seconds to measure
    if not numbered:
        bar = figure.colorbar(image, ax=axes, location="bottom", fraction=0.02, pad=0.01)
        bar.ax.tick_params(labelsize=TEXT)
        bar.set_label("rank", fontsize=TEXT)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(range(len(names)), ticks, rotation=90)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return Drawn(
        figure,
        f"Rank of each detector on each data set by {board.metric.label}, seeds averaged, ties "
        "sharing their mean; 1 (light) is best. Hatched: rows are missing or failed.",
    )


def quality_and_cost(board: Board, name: str) -> Drawn:
    """Return the board's metric against a cost, with the detectors that none beats in both.

    Of more than FEW, only these and the best of each type are named, by numbers and a key beside
    the axes, so that names can be read; the others have only their marker.
    """
    ranked = board.detectors[board.detectors["rank"].notna()]
    ranked = ranked[ranked[f"median_{name}"] > 0]
    price, value = (ranked[c].to_numpy(float) for c in (f"median_{name}", board.metric.name))
    on_front = front(board, name)
    figure, axes = canvas(WIDTH, 4.2)
    for type_ in TYPES:
        own = (ranked["type"] == type_).to_numpy()
        if own.any():
            _points(axes, price[own], value[own], type_, size=34)
    labels = list(ranked["label"])
    by_price = [labels.index(label) for label in on_front]
    axes.step(price[by_price], value[by_price], where="post", color="black", linewidth=0.9,
              linestyle="--", zorder=1)  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.1)
    best = np.flatnonzero(ranked["label"].isin(board.types["best"]))
    chosen = range(len(labels)) if len(labels) <= FEW else {*by_price, *best}
    named = sorted(chosen, key=lambda i: (price[i], -value[i]))
    for number, i in enumerate(named, 1):
        _number(axes, price[i], value[i], str(number))
    key = [f"{number}  {ranked['label'].iloc[i]}" for number, i in enumerate(named, 1)]
    axes.text(1.02, 1, "\n".join(key), transform=axes.transAxes, va="top", fontsize=TEXT,
              linespacing=1.4)  # fmt: skip
    label_logarithms(axes.xaxis, price)
    label_shares(axes.yaxis)
    label = {"fit_seconds": "median CPU seconds to fit", "score_us":
             "median microseconds to score a sample"}[name]  # fmt: skip
    axes.set_xlabel(label)
    axes.set_ylabel(f"mean {board.metric.label}")
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    plain(axes)
    _legend(axes, list(ranked["type"]))
    return Drawn(
        figure,
        f"Mean {board.metric.label} against {label}; ranked detectors. The dashed line is the "
        "Pareto front of all but the baselines: none of them beats a detector on it in both."
        + " Its detectors and the best of each type are named." * (len(labels) > FEW)
        + " Times are of the machines that computed the rows.",
    )


def label_shares(axis: Axis) -> None:
    """Label an axis with shares, with as many digits as its ticks need, at least two."""

    def label(value: float, _: float) -> str:
        ticks = axis.get_majorticklocs()
        enough = (
            d for d in range(2, 6) if np.allclose(ticks, np.round(ticks, d), rtol=0, atol=1e-9)
        )
        return share(float(value), next(enough, 6))

    axis.set_major_formatter(label)


def label_logarithms(axis: Axis, values: averages.Floats) -> None:
    """Label a logarithmic axis of positive values (n,) with no more numbers than have room."""
    span = values.max() / values.min()
    written = range(1, 10) if span < 5 else (1, 2, 5) if span < 50 else (1,)

    def label(value: float, _: float) -> str:
        digit = round(value / 10 ** np.floor(np.log10(value) + 1e-9))
        return f"{value:g}" if digit in written else ""

    axis.set_major_formatter(label)
    axis.set_minor_formatter(label)


def front(board: Board, cost: str) -> list[str]:
    """Return the labels of the detectors that none beats in quality and cost, the cheapest first.

    Baselines are left out: a random score is the cheapest of all, so nothing beats it in both.
    """
    detectors = board.detectors
    chosen = detectors["rank"].notna() & (detectors["type"] != "control")
    chosen &= detectors[f"median_{cost}"] > 0
    price, value = (
        detectors.loc[chosen, name].to_numpy(float)
        for name in (f"median_{cost}", board.metric.name)
    )
    return list(detectors.loc[chosen, "label"].iloc[pareto(price, value)])


def pareto(price: averages.Floats, value: averages.Floats) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the indices (front,) of what nothing cheaper or as cheap is as good as."""
    order = np.lexsort((-value, price))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], value[order][:-1]]))
    return order[value[order] > best]


def _rank(column: averages.Floats, larger_is_better: bool) -> averages.Floats:
    """(detectors,) ranks among those that have a value, nan elsewhere."""
    found = np.full(len(column), np.nan)
    there = np.isfinite(column)
    if there.any():
        found[there] = averages.ranks(column[there, None], larger_is_better=larger_is_better)[:, 0]
    return found


def _types(board: Board) -> dict[str, str]:
    return dict(zip(board.detectors["label"], board.detectors["type"], strict=True))


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
    axes.tick_params(labelsize=TEXT)
    return figure, axes


def _points(axes: Axes, x: Any, y: Any, type_: str, size: float = 22) -> None:
    filled = MARKERS[type_] != "x"
    axes.scatter(x, y, marker=MARKERS[type_], s=size, zorder=3, label=TYPES[type_],
                 facecolor=palette.LIGHT[type_], edgecolor="white" if filled else None,
                 linewidth=0.5 if filled else 1.3)  # fmt: skip


def _legend(axes: Axes, families: Sequence[str]) -> None:
    if len(set(families)) > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False,
                    fontsize=TEXT)  # fmt: skip


def plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _hatched(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor="0.6",
                     hatch="////", linewidth=0)  # fmt: skip


def _right(ranks: averages.Floats, n_groups: int, column: int) -> float:
    """Where the bar of a group stands, right of the largest mean rank."""
    most = float(ranks.max())
    step = max(most / 60, 0.02)
    return most + step * (2 + column)


def _number(axes: Axes, x: float, y: float, number: str) -> None:
    """Write a number up and left of a point, where nothing is if the point is on the front."""
    from matplotlib.patheffects import withStroke

    axes.annotate(number, (x, y), xytext=(-4, 3), textcoords="offset points", ha="right",
                  fontsize=TEXT, zorder=4,
                  path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip
