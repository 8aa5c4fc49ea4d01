"""The history of detectors as tables, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.history.timeline import Line, Point
from bench.metrics import scored
from bench.render.documents.comparison import limits
from bench.render.table import NONE, Column, Page, Table, plain
from bench.render.values import ends, share, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = {"better": "\N{BLACK UP-POINTING TRIANGLE}", "worse": "\N{BLACK DOWN-POINTING TRIANGLE}"}
COLUMNS, PANEL = 3, (3.4, 2.4)  # panels in a row, and inches of one

LEGEND = (
    "A point is a version of the code: rows of one run or commit, on whose data sets the code is "
    "the same. It is named by the commit of its first row (+ for uncommitted changes), and by a "
    "digest of your own files (file). Intervals: 95 %, for these data sets, over seeds. "
    f"{MARKS['better']} and {MARKS['worse']} mark steps; `bench compare` judges each alone."
)


def page(lines: Sequence[Line], metric: str) -> Page:
    """Return a table for each line of several versions, and a list of the lines of one."""
    tables = [_table(line, metric) for line in lines if len(line.points) > 1]
    single = [line for line in lines if len(line.points) <= 1]
    if single:
        notes = tuple(note for line in single for note in (_sentence(line), *line.notes))
        tables.append(Table("One version", notes=notes))
    tables.append(Table("Notes", notes=(LEGEND,)))
    return Page(f"{metric} over the versions of the code", tuple(tables))


def _sentence(line: Line) -> str:
    """Return what is known of a line with at most one version."""
    none = "no row is ok" if line.datasets else "no common data set"
    value = share(line.points[0].value.mean) if line.points else none
    where = f" at {line.points[0].commit}" if line.points else ""
    return f"{line.label}: {value}{where}, over {_sets(line)}; {line.under}"


def draw(lines: Sequence[Line], metric: str) -> Figure:
    """Return a panel for each line of several versions (of all, where there are none)."""
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
        names = [point.commit.replace(", ", "\n") for point in line.points]
        axes.set_xticks(list(places), names)
        axes.tick_params(labelsize=6, rotation=0)
        axes.set_ylabel(scored.get(metric).label, fontsize=7)
        axes.margins(x=0.1)
    return sheet


def _mark(point: Point) -> str | None:
    """Return matplotlib's marker of a step."""
    return {"better": "^", "worse": "v"}.get(point.step.verdict) if point.step else None


def _table(line: Line, metric: str) -> Table:
    columns = (
        Column("date", "text"), Column("commit", "text"), Column(scored.get(metric).label),
        Column("95 %"), Column("change"), Column("95 %"), Column("step", "text"),
    )  # fmt: skip
    title = f"{line.label}: {metric} over {_sets(line)}; {line.under}"
    return plain(title, columns, map(_row, line.points), notes=line.notes)


def _row(point: Point) -> list[str]:
    low, high, step = point.value.low, point.value.high, point.step
    verdict = step.verdict if step else ""
    return [
        point.date[:10],
        point.commit,
        share(point.value.mean),
        " to ".join(ends(share, low, high)) or NONE,
        signed(step.change.mean) if step and step.change else "",
        limits(step) if step else "",
        f"{MARKS.get(verdict, '')} {verdict}".strip(),
    ]


def _sets(line: Line) -> str:
    return line.datasets[0] if len(line.datasets) == 1 else f"{len(line.datasets)} data sets"
