"""Where the time of a run went, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from bench.plan.stages import STAGES
from bench.render.table import Cell, Column, Table

TITLE = "where the time went"
COLUMNS = (
    Column("stage", "name"), Column("seconds"), Column("share"), Column("ms a row"),
    Column("what", "prose"),
)  # fmt: skip


def profile(seconds: Mapping[str, float], n_rows: int) -> Table:
    """Return the table of the wall seconds that each stage took for so many rows."""
    whole = sum(seconds.values()) or 1.0
    rows = [
        (name, f"{took:.1f}", f"{took / whole:.0%}", f"{1000 * took / n_rows:.1f}", STAGES[name])
        for name, took in seconds.items()
    ]
    note = (
        f"of the run of {n_rows} rows: wall seconds, those of jobs that ran at once added up; "
        "waiting for a core counts"
    )
    return Table(TITLE, COLUMNS, tuple(tuple(map(Cell, row)) for row in rows), notes=(note,))
