"""Measures of speed as tables: of one run beside their aims, and over commits."""

from __future__ import annotations

from collections.abc import Sequence

from bench.history.perf import Kept, Measure
from bench.render.table import NONE, Cell, Column, Page, Table

MEASURED = (
    Column("measure", "name"), Column("value"), Column("aim"), Column("", "text"),
    Column("from", "prose"),
)  # fmt: skip
OVER_COMMITS = (
    Column("measure", "name"), Column("value"), Column("aim"), Column("", "text"),
    Column("commit", "name"), Column("date", "text"), Column("load"),
)  # fmt: skip


def measured(measures: Sequence[Measure], note: str = "") -> Page:
    """Return the page of the measures of one run."""
    rows = []
    for one in measures:
        sign = "\N{GREATER-THAN OR EQUAL TO}" if one.at_least else "\N{LESS-THAN OR EQUAL TO}"
        aim = NONE if one.aim is None else f"{sign} {one.aim:g} {one.unit}".rstrip()
        value = f"{one.value:.4g} {one.unit}".rstrip()
        rows.append(tuple(map(Cell, (one.name, value, aim, one.verdict, one.beside))))
    title = "what the harness costs"
    return Page(title, (Table("", MEASURED, tuple(rows), notes=(note,) * bool(note)),))


def over_commits(lines: Sequence[Kept]) -> Page:
    """Return a table for each machine: every measure, its values in the order of time."""
    tables = []
    for machine in dict.fromkeys((one.machine, one.processor, one.cores) for one in lines):
        own = [one for one in lines if (one.machine, one.processor, one.cores) == machine]
        places = {name: i for i, name in enumerate(dict.fromkeys(one.measure for one in own))}
        rows = [
            (
                one.measure, f"{one.value} {one.unit}".rstrip(), one.aim or NONE, one.verdict,
                one.commit, one.date[:16].replace("T", " "), one.load,
            )
            for one in sorted(own, key=lambda one: (places[one.measure], one.date))
        ]  # fmt: skip
        title = f"{machine[0]}, {machine[1]}, {machine[2]} cores"
        tables.append(Table(title, OVER_COMMITS, tuple(tuple(map(Cell, row)) for row in rows)))
    note = "load: other processes that ran when the measuring began; beside work, times are longer"
    return Page("speed over commits", (*tables, Table("", notes=(note,))))
