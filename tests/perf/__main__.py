"""`make perf`: what the harness and the training cost, beside the aims. All in one run.

Values of different machines or runs are not comparable; ratios within one run are. They are added
to `perf.csv` of the results folder; `bench history --perf` shows them over commits.

    .venv/bin/python -m tests.perf [--results DIR] [PART...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench.history.perf import Measure, append
from bench.render import formats
from bench.render.documents.perf import measured
from bench.render.table import Plain
from bench.store.provenance import provenance
from tests.perf import (
    perf_cluster,
    perf_growth,
    perf_images,
    perf_neighbours,
    perf_posteriors,
    perf_rows,
    perf_steps,
    perf_store,
    perf_training,
)

BENCH = (sys.executable, "-m", "bench")
OUT = Console(width=120, highlight=False)
IDLE = 0.3  # processes that run on a machine without other work
MANY = 50_000  # rows of a large store


def timed(command: Sequence[str]) -> float:
    """Return the wall seconds of a command that must succeed; its output is dropped."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def best_of(times: int, command: Sequence[str]) -> float:
    """Return the least wall seconds of several runs."""
    return min(timed(command) for _ in range(times))


def commands(folder: Path) -> list[Measure]:
    """Return the wall seconds of commands that read."""
    full, small = folder / "full", folder / "small"
    board = [*BENCH, "board", "--results", str(full), "--seeds", str(perf_store.fill(full, 10_000))]
    tested = [*board, "--against", "knn", "--format", "md"]
    page = [*BENCH, "report", *board[4:]]
    again = ["run", "--results", str(small), "--seeds", str(perf_store.fill(small, 1_000))]
    return [
        Measure("bench --help", best_of(3, [*BENCH, "--help"]), "s", 0.3),
        Measure("bench list", best_of(3, [*BENCH, "list"]), "s", 1),
        Measure("bench board, 10,000 rows", best_of(3, board), "s", 5),
        Measure("bench board, tests and all, 10,000 rows", best_of(3, tested), "s", 5),
        Measure("bench report, 10,000 rows", best_of(3, page), "s", 20),
        Measure("run with nothing to do, 1,000 rows", best_of(3, [*BENCH, *again]), "s", 2),
    ]


def whole(folder: Path) -> list[Measure]:
    """Return the wall seconds of the default suite, and the efficiency of two cores."""
    two = timed([*BENCH, "run", "--jobs", "2", "--results", str(folder / "two")])
    one = timed([*BENCH, "run", "--jobs", "1", "--results", str(folder / "one")])
    return [
        Measure(f"default suite, 2 jobs on {os.cpu_count()} cores", two, "s", 180),
        Measure("two-core efficiency, T(1) / (2 T(2))", 100 * one / (2 * two), "%", 90, True),
    ]


PARTS: dict[str, Callable[[Path], list[Measure]]] = {
    "commands": commands,
    "rows": lambda folder: perf_rows.measures(),
    "store": lambda folder: perf_store.measure(MANY, folder),
    "cluster": perf_cluster.measures,
    "growth": lambda folder: perf_growth.measures(),
    "images": perf_images.measures,
    "neighbours": lambda folder: perf_neighbours.measures(),
    "training": lambda folder: perf_training.measures(),
    "steps": lambda folder: perf_steps.measures(),
    "posteriors": lambda folder: perf_posteriors.measures(),
    "suite": whole,
}


def main() -> None:
    """Measure all parts or some, print them beside their aims and add them to the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    load = os.getloadavg()[0]
    busy = ""
    if load > IDLE:
        busy = f"other work ran when this began ({load:.1f} processes): times are too long"
        OUT.print(f"warning: {busy}")
    found: list[Measure] = []
    for part in given.parts or PARTS:
        with tempfile.TemporaryDirectory() as name:
            made = PARTS[part](Path(name))
        append(given.results, made, provenance(), load)
        found += made
    formats.show(Plain(measured(found, busy)), formats.TABLE, OUT)


if __name__ == "__main__":
    main()
