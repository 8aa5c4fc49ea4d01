"""The history of detectors as text for a terminal, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.history.timeline import Line, Point
from bench.metrics import scored
from bench.render.comparison import STYLES, limits, say, signed
from bench.render.values import NONE, share

MARKS = {"better": "\N{BLACK UP-POINTING TRIANGLE}", "worse": "\N{BLACK DOWN-POINTING TRIANGLE}"}
COLUMNS, PANEL = 3, (3.4, 2.4)  # panels in a row, and inches of one
SUFFIXES = (".pdf", ".png", ".svg")


def print_history(lines: Sequence[Line], metric: str, console: Console) -> None:
    """Print a table a line of several versions, and name the lines of one."""
    for line in (one for one in lines if len(one.points) > 1):
        head = f"{line.label}: {metric} over {_sets(line)}; {line.under}"
        say(console, Text(head, style="bold"))
        console.print(_table(line, metric))
        for note in line.notes:
            say(console, note)
    single = [line for line in lines if len(line.points) <= 1]
    for line in single:
        value = share(line.points[0].value.mean) if line.points else "no common data set"
        where = f" at {line.points[0].commit}" if line.points else ""
        say(console, f"{line.label}: {value}{where}, over {_sets(line)}; {line.under}")
        for note in line.notes:
            say(console, f"  {note}")
    say(
        console,
        "A point is a version of a detector's code, named by the commit of its first row (+ with "
        "changes not committed). Intervals: 95 %, of these data sets, over seeds. "
        f"{MARKS['better']} and {MARKS['worse']} mark steps, as `bench compare` judges each alone.",
    )


def draw(lines: Sequence[Line], metric: str, file: Path) -> None:
    """Draw a panel for each line of several versions (of all, where there are none).

    Raises:
        ValueError: the suffix of the file is not of SUFFIXES.
    """
    if file.suffix not in SUFFIXES:
        msg = f"--figure {str(file)!r} ends in {file.suffix!r}; accepted are {', '.join(SUFFIXES)}"
        raise ValueError(msg)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = [line for line in lines if len(line.points) > 1] or [
        line for line in lines if line.points
    ]
    n_columns = min(COLUMNS, max(1, len(shown)))
    n_rows = max(1, math.ceil(len(shown) / n_columns))
    sheet = Figure(figsize=(PANEL[0] * n_columns, PANEL[1] * n_rows), layout="constrained")
    for i, line in enumerate(shown):
        axes = sheet.add_subplot(n_rows, n_columns, i + 1)
        places = range(len(line.points))
        values = [point.value for point in line.points]
        axes.plot(places, [value.mean for value in values], color="black", marker="o", markersize=3)
        axes.fill_between(
            places,
            [value.low for value in values],
            [value.high for value in values],
            color="0.85",
            linewidth=0,
        )
        for place, point in zip(places, line.points, strict=True):
            if (mark := _mark(point)) is not None:
                axes.plot(place, point.value.mean, mark, color="#d55e00", markersize=9)
        axes.set_title(f"{line.label}\n{_sets(line)}; {line.under}", fontsize=7)
        axes.set_xticks(list(places), [point.commit for point in line.points])
        axes.tick_params(labelsize=6, rotation=0)
        axes.set_ylabel(scored.get(metric).label, fontsize=7)
        axes.margins(x=0.1)
    with rc_context({"svg.hashsalt": "fathom"}):  # equal lines give equal files
        sheet.savefig(file, dpi=150, metadata=_dateless(file))


def _dateless(file: Path) -> dict[str, None]:
    """Return what keeps the time of day out of a file."""
    return {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix, {})


def _mark(point: Point) -> str | None:
    """Return matplotlib's marker of a step."""
    return {"better": "^", "worse": "v"}.get(point.step.verdict) if point.step else None


def _table(line: Line, metric: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("date", "commit"):
        table.add_column(head)
    for head in (scored.get(metric).label, "95 %", "change", "95 %"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("step", no_wrap=True)
    for point in line.points:
        low, high = point.value.low, point.value.high
        step, changed = point.step, point.step.change if point.step else None
        verdict = step.verdict if step else ""
        table.add_row(
            point.date[:10],
            point.commit,
            share(point.value.mean),
            NONE if math.isnan(low) else f"{share(low)} to {share(high)}",
            signed(changed.mean) if changed else "",
            limits(step) if step else "",
            Text(f"{MARKS.get(verdict, '')} {verdict}".strip(), style=STYLES.get(verdict, "")),
        )
    return table


def _sets(line: Line) -> str:
    return line.datasets[0] if len(line.datasets) == 1 else f"{len(line.datasets)} data sets"
