"""A board as text for a terminal.

Families are coloured where the console is a terminal; nothing else depends on colour.
"""

import io
import math
from collections.abc import Callable, Sequence

import pandas as pd
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.boards.against import Comparison
from bench.boards.board import MARKS, Board
from bench.boards.groups import FAMILIES
from bench.metrics import scored
from bench.render.tables import Table as Printed
from bench.render.tables import differences, families, means
from bench.render.values import (
    NONE,
    Record,
    cost,
    figure_of,
    fit_cost,
    fixed,
    marks,
    reach,
    records,
    share,
    short_names,
    whole,
)

MIN_NAME = 12  # cells left to the name of a detector however narrow the terminal
MAX_DATASET = 20  # cells of a data set's name
MAX_FAILURES = 24  # cells of why a detector is incomplete, before it wraps
MAX_REASONS = 8  # lines of reasons of failure
FAMILY_STYLES = {"deep": "cyan", "shallow": "green", "hybrid": "magenta", "control": "yellow"}


def to_table(
    board: Board,
    width: int = 100,
    console: Console | None = None,
    comparison: Comparison | None = None,
) -> str:
    """The board as text of at most `width` cells a line; styled if `console` is a terminal.

    Names shorten with an ellipsis to fit; 100 cells hold names of 28. Below about 95 cells other
    columns are cut too. The text is returned, not printed.
    """
    parts: list[RenderableType] = [
        Text(f"{board.title}: {board.metric.name}", style="bold"), Text(board.caption),
    ]  # fmt: skip
    ranked = board.detectors[board.detectors["rank"].notna()]
    rest = board.detectors[board.detectors["rank"].isna()]
    if len(ranked):
        parts += [Text(), _ranked_table(board, ranked, width)]
    if len(rest):
        parts += [Text(), Text("Incomplete, not ranked", style="bold")]
        parts += [_incomplete_table(board, rest, width), *_reasons(board, width)]
    if len(board.protocols):
        parts += [Text(), Text("By protocol", style="bold")]
        parts += _groups(board, "protocol", "protocols", width)
    if len(board.kinds):
        parts += [Text(), Text("By kind of data", style="bold")]
        parts += _groups(board, "kind", "kinds", width)
    parts += [Text(), Text("By family", style="bold"), _family_table(board, width)]
    if comparison is not None:
        parts += _differences(board, comparison, width)
    parts += [Text(), Text("By data set", style="bold"), _dataset_table(board, width), Text()]
    for note in board.notes:
        parts.append(Text(note, style="bold yellow" if note.startswith(MARKS["weak"]) else "dim"))
    styled = console is not None and console.is_terminal and not console.no_color
    out = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=styled,
        color_system="standard" if styled else None,
        highlight=False,
    )
    with out.capture() as capture:
        out.print(Group(*parts))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _ranked_table(board: Board, ranked: pd.DataFrame, width: int) -> Table:
    first, second = _columns_shown(board)
    rows = [
        [
            whole(d["rank"]), d["label"], d["family"], fixed(d["mean_rank"], 1),
            _spanned(d, first), _spanned(d, second),
            f"{d['rows_ok']}/{d['rows']}", fit_cost(d), cost(d["median_score_us"]),
        ]
        for d in records(ranked)
    ]  # fmt: skip
    heads = [
        "#",
        "detector",
        "family",
        "rank",
        *_heads(first, second),
        "rows",
        "fit s",
        "\N{MICRO SIGN}s/x",
    ]
    tails = [marks(d) for d in records(ranked)]
    return _table(heads, rows, width, names=1, left=(1, 2), tails=tails)


def _incomplete_table(board: Board, rest: pd.DataFrame, width: int) -> Table:
    first, second = _columns_shown(board)
    rows = [
        [
            d["label"], d["family"], _spanned(d, first), _spanned(d, second),
            f"{d['rows_ok']}/{d['rows']}", d["failures"],
        ]
        for d in records(rest)
    ]  # fmt: skip
    heads = ["detector", "family", *_heads(first, second), "rows", "why"]
    tails = [marks(d) for d in records(rest)]
    return _table(heads, rows, width, names=0, left=(0, 1, 5), tails=tails, wrapped=5)


def _family_table(board: Board, width: int) -> Table:
    """The best of each family of detectors and its price."""
    table = families(board, _span)
    heads = [head.replace("[95 %]", "95 %") for head in table.heads]
    heads[heads.index(f"median {board.metric.label}")] = "median"
    return _table(heads, _texts(table), width, names=2, left=(0, 2), tails=[""] * len(table.rows))


def _differences(board: Board, comparison: Comparison, width: int) -> list[RenderableType]:
    """Every detector against the reference."""
    table = differences(board, comparison)
    made = _table(
        table.heads, _texts(table), width, names=0, left=(0,), tails=[""] * len(table.rows)
    )
    notes = [Text(note, style="dim") for note in table.notes]
    return [Text(), Text(table.title, style="bold"), made, *notes]


def _groups(board: Board, by: str, field: str, width: int) -> list[RenderableType]:
    """Means under each protocol, or on each kind of data, in numbered columns named below."""
    table = means(board, by, field, span=_span)
    names = table.heads[1:]
    heads = ["detector", *(f"({i})" for i in range(1, len(names) + 1))]
    told = [
        Text(f"{head} {name}", style="dim") for head, name in zip(heads[1:], names, strict=True)
    ]
    tails = [marks(d) for d in records(board.detectors)]
    return [_table(heads, _texts(table), width, names=0, left=(0,), tails=tails), *told]


def _reasons(board: Board, width: int) -> list[Text]:
    """A line each for the first reasons of failure, cut to the width."""
    lines = [
        Text(_cut(f"{f['label']}: {f['status']} {f['rows']}: {f['reason']}", width), style="dim")
        for f in records(board.failures)
        if f["reason"]
    ]
    if len(lines) > MAX_REASONS:
        more = len(lines) - MAX_REASONS
        lines = [*lines[:MAX_REASONS], Text(f"and {more} more, in the md and json formats")]
    return lines


def _dataset_table(board: Board, width: int) -> Table:
    figure = figure_of(board.metric.name)
    names = short_names(list(board.datasets["dataset"]))
    rows = [
        [
            _cut(name, MAX_DATASET), whole(d["n_train"]),
            f"{whole(d['n_test'])} ({whole(d['n_anomalies'])})",
            d["best"] or NONE, _interval(figure, d["best_value"], d["best_low"], d["best_high"]),
            *(figure(d[f"best_{family}_value"]) for family in FAMILIES), reach(d),
        ]
        for name, d in zip(names, records(board.datasets), strict=True)
    ]  # fmt: skip
    tails = [f" +{d['ties']}" if d["ties"] else "" for d in records(board.datasets)]
    heads = ["data set", "train", "test (anom.)", "best", board.metric.label]
    heads[-1] += " 95 %" if board.datasets["best_low"].notna().any() else ""
    heads += ["deep", "shal.", "hybr.", "ctrl", "reach"]
    return _table(heads, rows, width, names=3, left=(0, 3), tails=tails)


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    names: int,
    tails: Sequence[str],
    left: Sequence[int],
    wrapped: int | None = None,
) -> Table:
    """A bare rich table whose column `names` shrinks so that the lines fit `width`.

    tails: (rows,) what stands behind the names, never cut. left: columns that are left-aligned.
    wrapped: the column, if any, whose text may run over several lines.
    """
    sizes = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    if wrapped is not None:
        sizes[wrapped] = min(sizes[wrapped], MAX_FAILURES)
    taken = sum(sizes) - sizes[names] + len(heads) - 1 + max(map(cell_len, tails))
    room = max(MIN_NAME, width - taken)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i in left else "right", no_wrap=i != wrapped)
    for row, tail in zip(rows, tails, strict=True):
        cells = [Text(cell, style=FAMILY_STYLES.get(cell, "")) for cell in row]
        cells[names] = Text(_cut(row[names], room) + tail)
        table.add_row(*cells)
    return table


def _columns_shown(board: Board) -> tuple[str, str]:
    """The board's metric and one companion: AUROC, or lifted AP beside AUROC."""
    name = board.metric.name
    return name, "lifted_average_precision" if name == "auroc" else "auroc"


def _heads(*names: str) -> list[str]:
    return [f"{scored.get(name).label} 95 %" for name in names]


def _spanned(detector: Record, name: str) -> str:
    low, high = detector[f"{name}_low"], detector[f"{name}_high"]
    text = _interval(figure_of(name), detector[name], low, high)
    return text.replace(" ", MARKS["near"], 1) if detector[f"{name}_near"] else text


def _texts(table: Printed) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def _span(figure: Callable[[float], str], line: Record) -> str:
    return _interval(figure, line["value"], line["low"], line["high"])


def _interval(figure: Callable[[float], str], value: float, low: float, high: float) -> str:
    """Like ".912 .87-.94"; limits of shares are one digit coarser than the value.

    They are rounded outward, or the value could seem to lie beyond them.
    """
    if math.isnan(low):
        return figure(value)
    limits = [figure(low), figure(high)]
    if figure is share:
        hundredths = math.floor(round(100 * low, 6)), math.ceil(round(100 * high, 6))
        limits = [share(each / 100, 2) for each in hundredths]
    return f"{figure(value)} {NONE.join(limits)}"


def _cut(text: str, cells: int) -> str:
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "\N{HORIZONTAL ELLIPSIS}"
