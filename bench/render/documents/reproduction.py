"""Reproductions of published tables: what was printed beside our values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.metrics.scored import METRICS
from bench.render.table import NONE, Column, Document, Page, Table, csv_text, plain
from bench.reproduce.comparison import AGREEMENTS, LEGEND, NOT_YET, Cell, Reproduction
from bench.reproduce.published import Description, PublishedTable

COLUMNS = (
    Column("data set", "name"), Column("detector", "name"), Column("metric", "text"),
    Column("printed"), Column("ours"), Column("difference"), Column("agreement", "text"),
)  # fmt: skip
LABELS = {"f1": "F1", "precision_at_n": "P@n"}
MOST_NAMED = 8  # data sets in a sentence, unless all are hardly more
HARDLY_MORE = 2
BAD = ("outside", "failed")
COUNTED = AGREEMENTS[:-1]  # without "not run"
INTRODUCTION = (
    "Written by `bench reproduce --write` from stored rows and, for rows that are stored "
    "elsewhere, from the CSV file beside this page, which has the same name and all our values. "
    "`bench reproduce NAME` runs what is missing and prints the cells that were run.",
    LEGEND,
    "A cell is required when its detector is deterministic, or draws its random numbers as the "
    "authors' code did, when protocol and settings are known, and no exception is listed. Off, "
    "unexplained: required and not exact. Off, explained: not exact, and only a listed exception "
    "keeps it from being required. All other cells are targets, for which the mean difference is "
    "reported. Of old code: computed by code that has changed since.",
)


@dataclass(frozen=True)
class ReproductionDocument(Document):
    """One reproduced table; its CSV has every cell."""

    made: Reproduction

    def page(self, *, narrow: bool) -> Page:
        """Return the page: what was published, the cells that were run, and notes."""
        made, description = self.made, self.made.table.description
        cells = [cell for cell in made.cells if cell.agreement != "not run"]
        notes = (*([LEGEND] if cells else []), *_notes(made))
        rows = [_row(cell, description) for cell in cells]
        text = (f"{description.paper}.", f"{made.summary}.")
        table = plain("", COLUMNS, rows, text=text, notes=(*description.notes, *notes))
        return Page(f"{made.table.name}: {description.title}", (table,))

    def csv(self) -> str:
        """Return every cell, with three decimals more than were printed."""
        heads = ("dataset", "detector", "metric", "printed", "printed_std", "ours", "ours_std",
                 "difference", "agreement", "deterministic", "source", "reason")  # fmt: skip
        return csv_text([heads, *map(self._line, self.made.cells)])

    def _line(self, cell: Cell) -> list[Any]:
        digits = self.made.table.description.decimals + 3
        ours = (cell.ours, cell.std, cell.difference)
        printed = cell.printed
        return [
            printed.dataset, printed.detector, printed.metric, printed.value, printed.std,
            *("" if math.isnan(value) else f"{value:.{digits}f}" for value in ours),
            cell.agreement, str(cell.deterministic).lower(), printed.source, cell.reason,
        ]  # fmt: skip


@dataclass(frozen=True)
class Overview(Document):
    """All reproduced tables: how many cells agree, which do not, and why."""

    made: Sequence[Reproduction]

    def page(self, *, narrow: bool) -> Page:
        """Return the page."""
        heads = ("cells", "required", "run", *COUNTED, "off, unexplained", "off, explained",
                 "of old code")  # fmt: skip
        columns = (Column("table", "name"), *map(Column, heads))
        summary = plain("", columns, map(_counts, self.made), text=INTRODUCTION)
        parts = [part for one in self.made for part in _sections(one)]
        return Page("Published tables, reproduced", (summary, *parts))


def _counts(made: Reproduction) -> list[object]:
    return [
        made.table.name,
        len(made.cells),
        len(made.required),
        len(made.cells) - made.counts["not run"],
        *(made.counts[agreement] for agreement in COUNTED),
        len(made.off),
        len(made.explained),
        sum(cell.outdated for cell in made.cells),
    ]


def _sections(made: Reproduction) -> list[Table]:
    """Return what a page of all tables says of one: its cells by detector, and those not exact."""
    description = made.table.description
    columns = (Column("detector", "name"), *map(Column, ("required", "run", *COUNTED)))
    is_run = made.counts["not run"] < len(made.cells)
    table = plain(
        f"{made.table.name}: {description.title}",
        columns,
        _by_detector(made) if is_run else (),
        text=(f"{description.paper}. {made.summary}.",),
        notes=(*description.notes, *_notes(made)),
    )
    inexact = made.inexact
    shown = [c for c in made.cells if c.agreement in BAD or c in inexact]
    title = f"{made.table.name}: cells that are outside, failed, or off"
    rows = [_row(cell, description) for cell in shown]
    return [table, plain(title, COLUMNS, rows)] if rows else [table]


def _by_detector(made: Reproduction) -> Iterable[list[object]]:
    for detector in made.table.runnable:
        cells = [cell for cell in made.cells if cell.printed.detector == detector]
        agreements = Counter(cell.agreement for cell in cells)
        counts = [agreements[agreement] for agreement in COUNTED]
        yield [detector, sum(cell.deterministic for cell in cells), sum(counts), *counts]


def _row(cell: Cell, description: Description) -> list[str]:
    printed, ours, difference = cell.printed, NONE, NONE
    if cell.agreement != "failed":
        ours = _value(cell.ours, None if math.isnan(cell.std) else cell.std, description.decimals)
        # A decimal more than printed shows what is just within a tolerance.
        difference = _signed(cell.difference, description.decimals + 1)
    value = _value(printed.value, printed.std, description.decimals)
    metric = _label(printed.metric)
    return [printed.dataset, printed.detector, metric, value, ours, difference, cell.agreement]


def _label(metric: str) -> str:
    if metric in METRICS:
        return METRICS[metric].label
    return LABELS.get(metric, metric.replace("_", " "))


def _signed(difference: float, decimals: int) -> str:
    return f"{round(difference, decimals) + 0.0:+.{decimals}f}"  # no -0.00


def _value(value: float, std: float | None, decimals: int) -> str:
    return f"{value:.{decimals}f}" + ("" if std is None else f" ± {std:.{decimals}f}")


def _notes(made: Reproduction) -> tuple[str, ...]:
    """Return the mean differences of targets, why cells were not run or differ, each reason once
    with the number of its cells, the sources of the printed values, and the code behind ours.
    """
    table = made.table
    notes = _mean_differences(made)
    reasons: dict[tuple[str, str], list[Cell]] = {}
    for cell in made.cells:
        if cell.reason:
            is_run = cell.agreement not in ("not run", "failed")
            effect = "known to differ" if is_run else cell.agreement
            reasons.setdefault((effect, cell.reason), []).append(cell)
    for (what, reason), cells in reasons.items():
        groups = _groups(cells, table) if reason.endswith(NOT_YET) else [cells]
        notes += [f"{_counted(group, what, table)}: {reason}" for group in groups]
    off = made.off
    unknown = [c for c in made.cells if not c.reason and (c.agreement == "outside" or c in off)]
    for group in _groups(unknown, table):
        notes.append(f"{_counted(group, 'not as printed', table)}: no reason known")
    for group in _groups([cell for cell in made.cells if cell.outdated], table):
        notes.append(_counted(group, "computed by code that has changed since", table))
    notes.append(_sources(made.cells))
    return (*notes, " ".join(made.made_by)) if made.made_by else tuple(notes)


def _mean_differences(made: Reproduction) -> list[str]:
    """Return the mean difference from the printed values for detectors that are targets."""
    notes = []
    decimals = made.table.description.decimals
    for detector in made.table.runnable:
        differences: dict[str, list[float]] = {}
        for cell in made.cells:
            if cell.printed.detector == detector and not math.isnan(cell.ours):
                differences.setdefault(cell.printed.metric, []).append(cell.difference)
        if differences and not made.table.description.detectors[detector].deterministic:
            means = ", ".join(
                f"{_label(metric)} {_signed(sum(each) / len(each), decimals)} "
                f"({len(each)} cell{'s' * (len(each) > 1)})"
                for metric, each in differences.items()
            )
            notes.append(f"{detector}, mean of ours less printed: {means}")
    return notes


def _sources(cells: Sequence[Cell]) -> str:
    """Return how many values each source printed; sources that begin alike are one."""
    alike: dict[str, list[str]] = {}
    for cell in cells:
        source = cell.printed.source
        alike.setdefault(", ".join(source.split(", ")[:2]), []).append(source)
    named = [
        f"{len(sources)} {sources[0] if len(set(sources)) == 1 else begin}"
        for begin, sources in alike.items()
    ]
    return f"Sources of the values: {'; '.join(named)}"


def _groups(cells: Sequence[Cell], table: PublishedTable) -> list[list[Cell]]:
    """Return cells by detector; detectors with the same data sets are one group."""
    by_detector: dict[str, list[Cell]] = {}
    for cell in cells:
        by_detector.setdefault(cell.printed.detector, []).append(cell)
    groups: dict[tuple[bool, tuple[str, ...]], list[Cell]] = {}
    for detector, its in by_detector.items():
        sets = tuple(dict.fromkeys(cell.printed.dataset for cell in its))
        place = (table.description.detectors[detector].deterministic, sets)
        groups.setdefault(place, []).extend(its)
    return list(groups.values())


def _counted(cells: Sequence[Cell], what: str, table: PublishedTable) -> str:
    """Return how many cells something holds for, and of which detectors and data sets they are.

    What all cells have in common is left out. The data sets of deterministic detectors are named
    in full.
    """
    detectors = tuple(dict.fromkeys(cell.printed.detector for cell in cells))
    sets = tuple(dict.fromkeys(cell.printed.dataset for cell in cells))
    in_full = all(table.description.detectors[detector].deterministic for detector in detectors)
    named = ", ".join(sets) if in_full else _some(sets)
    parts = [", ".join(detectors)] * (set(detectors) != set(table.detectors))
    parts += [named] * (set(sets) != set(table.datasets))
    return f"{len(cells)} cell{'s' * (len(cells) > 1)} {what} ({' on '.join(parts) or named})"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    if more <= HARDLY_MORE:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMED])} and {more} more"
