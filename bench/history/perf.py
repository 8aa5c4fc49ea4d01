"""Measures of speed over commits: a file of values, and their order for a table.

`make perf` adds to the file `perf.csv` of a results folder. Values of different machines, or of a
machine with other work, are not comparable, so that each carries both.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

FILE = "perf.csv"


@dataclass(frozen=True)
class Measure:
    """A measured value beside its aim.

    Attributes:
        name: of the measure.
        value: measured, in `unit`.
        unit: of value and aim.
        aim: at most this, or `at_least` this; None without an aim.
        at_least: whether larger is better.
        beside: what the value was computed from.
    """

    name: str
    value: float
    unit: str = ""
    aim: float | None = None
    at_least: bool = False
    beside: str = ""

    @property
    def verdict(self) -> str:
        """Return whether the aim is met; "" without one."""
        if self.aim is None:
            return ""
        met = self.value >= self.aim if self.at_least else self.value <= self.aim
        return "met" if met else "missed"


@dataclass(frozen=True)
class Kept:
    """A line of the file: a measure with where, when and beside which work it was made."""

    date: str
    commit: str
    machine: str
    processor: str
    cores: str
    load: str
    measure: str
    value: str
    unit: str
    aim: str
    verdict: str


COLUMNS = [field.name for field in fields(Kept)]


def append(
    folder: Path, measures: Iterable[Measure], where: Mapping[str, object], load: float
) -> None:
    """Add measures to the file of a results folder.

    Args:
        folder: of results, made if there is none.
        measures: of one run.
        where: date, commit, dirty, machine, processor and cores, as in the provenance of a row.
        load: mean number of other processes that ran when the measuring began.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    is_new = not file.exists()
    place = {name: str(where[name]) for name in ("date", "machine", "processor", "cores")}
    place["commit"] = f"{str(where['commit'])[:8]}{'+' * bool(where['dirty'])}"
    with file.open("a", encoding="utf-8", newline="") as opened:
        lines = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        if is_new:
            lines.writeheader()
        for one in measures:
            said = {"measure": one.name, "value": f"{one.value:.4g}", "unit": one.unit}
            aim = "" if one.aim is None else f"{one.aim:g}"
            judged = {"aim": aim, "verdict": one.verdict, "load": f"{load:.1f}"}
            lines.writerow(place | said | judged)


def read(folder: Path) -> list[Kept]:
    """Return the lines of the file of a results folder.

    Raises:
        ValueError: there is no such file, or it is of another kind.
    """
    file = folder / FILE
    if not file.exists():
        msg = f"no {FILE} in {folder}; `make perf` writes it, or name another with --results"
        raise ValueError(msg)
    with file.open(encoding="utf-8", newline="") as opened:
        lines = csv.DictReader(opened)
        if lines.fieldnames != COLUMNS:
            msg = f"{file} is not a file of `make perf`: its columns are not {', '.join(COLUMNS)}"
            raise ValueError(msg)
        return [Kept(**line) for line in lines]
