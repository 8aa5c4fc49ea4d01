"""What the tables of vectors share: reading a table that ships as csv, and traps out of figures."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from datasets.entry import Facts

Line = Mapping[str, str]


def read_lines(name: str) -> list[dict[str, str]]:
    """Return the lines of a csv file of this package, by column."""
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def facts(line: Line) -> Facts | None:
    """Return the pinned sizes of a line; None where they are not known."""
    if not line["n"]:
        return None
    n, d, n_anomalies = int(line["n"]), int(line["d"]), int(line["n_anomalies"])
    return Facts(n, (d,), n_anomalies, int(line["duplicates"]) if line["duplicates"] else None)


def counted_traps(line: Line) -> tuple[str, ...]:
    """Return what the columns of a line warn of."""
    if not line["n"]:
        return ()
    n, n_anomalies = int(line["n"]), int(line["n_anomalies"])
    traps = _counted(line, n) if line["duplicates"] else []
    if n_anomalies > 0.2 * n:
        rate = f"{n_anomalies / n:.0%}"
        traps.append(f"{rate} anomalies: average precision starts at that prevalence")
    return tuple(traps)


def _counted(line: Line, n: int) -> list[str]:
    duplicates, conflicts = int(line["duplicates"]), int(line["conflicts"])
    traps = []
    if duplicates > 0.01 * n:
        traps.append(
            f"{duplicates / n:.0%} of the rows equal an earlier one: the same row may train and "
            "test; LOF scores explode where a row has more copies than neighbours are asked for"
        )
    if conflicts:
        traps.append(f"{conflicts} distinct rows are there with both labels")
    if line["constant"] != "0":
        traps.append(f"{line['constant']} of {line['d']} columns are constant")
    if not line["dtype"].startswith("float"):
        traps.append(f"values are {line['dtype']}: cast before arithmetic")
    if line["by_label"]:
        traps.append("rows are sorted by label: split them in a random order")
    return traps
