"""Reproductions of published tables as text: for a terminal, as csv, Markdown and HTML."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from bench.render import html, markdown
from bench.render.tables import Cell, Table
from bench.render.values import NONE
from bench.reproduce.comparison import AGREEMENTS, LABELS, LEGEND, NOT_YET, Reproduction
from bench.reproduce.comparison import Cell as Compared
from bench.reproduce.published import Description, PublishedTable

HEADS = ("data set", "detector", "metric", "printed", "ours", "difference", "agreement")
MOST_NAMED = 8  # data sets in a sentence, unless all are hardly more
HARDLY_MORE = 2
BAD = ("outside", "failed")
COLUMNS = (
    "dataset", "detector", "metric", "printed", "printed_std", "ours", "ours_std", "difference",
    "agreement", "deterministic", "source", "reason",
)  # fmt: skip


def to_table(made: Reproduction) -> Table:
    """Return the cells that were run, with what the words mean, and why others were not run,
    beneath them.
    """
    rows = [_row(cell, made.table.told) for cell in made.cells if cell.agreement != "not run"]
    notes = (LEGEND, *_notes(made)) if rows else _notes(made)
    return Table("reproduction", made.table.told.title, HEADS, tuple(rows), notes)


def to_csv(made: Reproduction) -> str:
    """Return every cell, one line each."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    digits = made.table.told.decimals + 3
    for cell in made.cells:
        printed = cell.printed
        numbers = (cell.ours, cell.std, cell.difference)
        ours = ["" if math.isnan(v) else f"{v:.{digits}f}" for v in numbers]
        lines.writerow(
            [
                printed.dataset, printed.detector, printed.metric, printed.value,
                "" if printed.std is None else printed.std, *ours, cell.agreement,
                str(cell.deterministic).lower(), printed.source, cell.reason,
            ]
        )  # fmt: skip
    return text.getvalue()


def to_markdown(made: Reproduction) -> str:
    """Return a section: what was published, how it is made again, and the cells."""
    table, told = to_table(made), made.table.told
    parts = [f"# {made.table.name}: {told.title}", f"{told.paper}.", made.summary + "."]
    parts += ["\n".join(f"- {note}" for note in (*told.notes, *table.notes))]
    if table.rows:
        parts.append(markdown.table_text(table))
    return "\n\n".join(parts) + "\n"


def to_html(made: Reproduction) -> str:
    """Return the same as a page of its own."""
    table, told = to_table(made), made.table.told
    title = f"{made.table.name}: {told.title}"
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(told.paper)}.</p>"]
    parts += [f"<p>{escape(made.summary)}.</p>"]
    parts.append(html.table_text(table, (*told.notes, *table.notes)))
    return html.page(title, parts)


TEXTS: dict[str, Callable[[Reproduction], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "html": to_html,
}


def overview(made: Sequence[Reproduction]) -> str:
    """Return a page of all tables: how many cells agree, and which do not and why."""
    heads = (
        "table", "cells", "have to come out", "run", *AGREEMENTS[:-1], "off, unexplained",
        "off, explained", "of old code",
    )  # fmt: skip
    lines = [
        tuple(
            Cell(str(text))
            for text in (
                one.table.name,
                len(one.cells),
                len(one.required),
                len(one.cells) - one.counts["not run"],
                *(one.counts[agreement] for agreement in AGREEMENTS[:-1]),
                len(one.off),
                len(one.explained),
                sum(cell.outdated for cell in one.cells),
            )
        )
        for one in made
    ]
    parts = [
        "# Published tables, reproduced",
        "Written by `bench reproduce --write` from stored rows, and from the csv of the same name "
        "beside it, which has every figure of ours, for rows that are elsewhere. `bench reproduce "
        "NAME` runs what is missing and prints the cells that were run.",
        LEGEND,
        "A cell has to come out where its detector is deterministic, or draws its random numbers "
        "as the authors' code did, protocol and settings are known, and the table tells no reason "
        "against it. Off, unexplained: it has to come out, and is not exact. Off, explained: but "
        "for the reason that is told it would have to. All other cells are targets, for which the "
        "difference in the mean is told. Of old code: made by code of ours that has changed since.",
        markdown.table_text(Table("overview", "", heads, tuple(lines))),
    ]
    for one in made:
        told = one.table.told
        parts += [f"## {one.table.name}: {told.title}", f"{told.paper}. {one.summary}."]
        parts.append("\n".join(f"- {note}" for note in (*told.notes, *_notes(one))))
        if one.counts["not run"] < len(one.cells):
            parts.append(markdown.table_text(_by_detector(one)))
        inexact = one.inexact
        shown = [c for c in one.cells if c.agreement in BAD or c in inexact]
        rows = tuple(_row(cell, told) for cell in shown)
        if rows:
            parts.append("Cells that are outside, failed, or off:")
            parts.append(markdown.table_text(Table("off", "", HEADS, rows)))
    return "\n\n".join(parts) + "\n"


def _by_detector(made: Reproduction) -> Table:
    heads = ("detector", "have to come out", "run", *AGREEMENTS[:-1])
    rows = []
    for detector in made.table.runnable:
        cells = [cell for cell in made.cells if cell.printed.detector == detector]
        counts = Counter(cell.agreement for cell in cells)
        required = sum(cell.deterministic for cell in cells)
        figures = [counts[agreement] for agreement in AGREEMENTS[:-1]]
        rows.append(tuple(Cell(str(t)) for t in (detector, required, sum(figures), *figures)))
    return Table("detectors", "", heads, tuple(rows))


def _row(cell: Compared, told: Description) -> tuple[Cell, ...]:
    printed = cell.printed
    ours = difference = NONE
    if cell.agreement != "failed":
        ours = _figure(cell.ours, None if math.isnan(cell.std) else cell.std, told.decimals)
        # A decimal more than printed shows what is just within a tolerance.
        difference = _signed(cell.difference, told.decimals + 1)
    return tuple(
        Cell(text)
        for text in (
            printed.dataset,
            printed.detector,
            LABELS[printed.metric],
            _figure(printed.value, printed.std, told.decimals),
            ours,
            difference,
            cell.agreement,
        )
    )


def _signed(difference: float, decimals: int) -> str:
    return f"{round(difference, decimals) + 0.0:+.{decimals}f}"  # no -0.00


def _figure(value: float, std: float | None, decimals: int) -> str:
    return f"{value:.{decimals}f}" + ("" if std is None else f" ± {std:.{decimals}f}")


def _notes(made: Reproduction) -> tuple[str, ...]:
    """Return how far targets are off in the mean, why cells were not run or differ, each reason
    once with how many it is, where the figures are from, and by which code ours are.
    """
    notes = _in_the_mean(made)
    reasons: dict[tuple[str, str], list[Compared]] = {}
    for cell in made.cells:
        if cell.reason:
            told = cell.agreement if cell.agreement in ("not run", "failed") else "known to differ"
            reasons.setdefault((told, cell.reason), []).append(cell)
    for (what, reason), cells in reasons.items():
        groups = _groups(cells, made.table) if reason.endswith(NOT_YET) else [cells]
        notes += [f"{_counted(group, what, made.table)}: {reason}" for group in groups]
    off = made.off
    unknown = [c for c in made.cells if not c.reason and (c.agreement == "outside" or c in off)]
    notes += [
        f"{_counted(group, 'not as printed', made.table)}: no reason known"
        for group in _groups(unknown, made.table)
    ]
    notes += [
        _counted(group, "made by code that has changed since", made.table)
        for group in _groups([c for c in made.cells if c.outdated], made.table)
    ]
    notes.append(_sources(made.cells))
    return (*notes, " ".join(made.made_by)) if made.made_by else tuple(notes)


def _in_the_mean(made: Reproduction) -> list[str]:
    """Return our mean less the printed one of detectors whose figures cannot come out again."""
    notes = []
    decimals = made.table.told.decimals
    for detector in made.table.runnable:
        differences: dict[str, list[float]] = {}
        for cell in made.cells:
            if cell.printed.detector == detector and not math.isnan(cell.ours):
                differences.setdefault(cell.printed.metric, []).append(cell.difference)
        if differences and not made.table.told.detectors[detector].deterministic:
            told = ", ".join(
                f"{LABELS[metric]} {_signed(sum(each) / len(each), decimals)} "
                f"({len(each)} cell{'s' * (len(each) > 1)})"
                for metric, each in differences.items()
            )
            notes.append(f"{detector}, mean of ours less printed: {told}")
    return notes


def _sources(cells: Sequence[Compared]) -> str:
    """Return how many figures are of which source; those that begin alike are one."""
    alike: dict[str, list[str]] = {}
    for cell in cells:
        source = cell.printed.source
        alike.setdefault(", ".join(source.split(", ")[:2]), []).append(source)
    told = [
        f"{len(sources)} {sources[0] if len(set(sources)) == 1 else begin}"
        for begin, sources in alike.items()
    ]
    return f"Sources of the figures: {'; '.join(told)}"


def _groups(cells: Sequence[Compared], table: PublishedTable) -> list[list[Compared]]:
    """Return cells by detector; detectors that lack the same data sets are together."""
    by_detector: dict[str, list[Compared]] = {}
    for cell in cells:
        by_detector.setdefault(cell.printed.detector, []).append(cell)
    groups: dict[tuple[bool, tuple[str, ...]], list[Compared]] = {}
    for detector, its in by_detector.items():
        sets = tuple(dict.fromkeys(cell.printed.dataset for cell in its))
        place = (table.told.detectors[detector].deterministic, sets)
        groups.setdefault(place, []).extend(its)
    return list(groups.values())


def _counted(cells: Sequence[Compared], what: str, table: PublishedTable) -> str:
    return f"{len(cells)} cell{'s' * (len(cells) > 1)} {what} ({_where(cells, table)})"


def _where(cells: Sequence[Compared], table: PublishedTable) -> str:
    """Return which detectors and data sets cells are of; what all cells have goes unsaid.

    The data sets of deterministic detectors are named in full.
    """
    detectors = tuple(dict.fromkeys(cell.printed.detector for cell in cells))
    sets = tuple(dict.fromkeys(cell.printed.dataset for cell in cells))
    whole = all(table.told.detectors[detector].deterministic for detector in detectors)
    named = ", ".join(sets) if whole else _some(sets)
    parts = [", ".join(detectors)] * (set(detectors) != set(table.detectors))
    parts += [named] * (set(sets) != set(table.datasets))
    return " on ".join(parts) or named


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    if more <= HARDLY_MORE:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMED])} and {more} more"
