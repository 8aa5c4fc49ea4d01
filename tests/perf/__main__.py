"""`make perf`: what the harness and the training cost, beside the aims. All in one run.

Values of different machines or runs are not comparable; ratios within one run are.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.metrics.scored import compute
from bench.plan import planning, suite
from bench.plan.job import Limits
from bench.run.local import ForkServers, Running, run_jobs
from bench.run.workspace import prepare_tmp
from bench.store.records import Row
from bench.store.store import Store
from bench.tracking.parent_run import Summary
from bench.tracking.tracker import Tracker
from tests.perf import perf_posteriors, perf_steps, perf_training

BENCH = (sys.executable, "-m", "bench")
OUT = Console(width=100, highlight=False)


def timed(command: Sequence[str]) -> float:
    """Return the wall seconds of a command that must succeed; its output is dropped."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def best_of(times: int, command: Sequence[str]) -> float:
    """Return the least wall seconds of several runs."""
    return min(timed(command) for _ in range(times))


def harness_milliseconds(results: Path) -> float:
    """Return the cost of a row beyond fit and score in milliseconds: the median over jobs.

    Jobs of cheap detectors, five rows each, are made one after the other, with store and
    MLflow. The time from the last row of one job to the last of the next, less fits and
    scoring, is what the harness took for its rows. What MLflow still has to write at the end
    is shared out over them.
    """
    chosen = suite.select(suite.read("default"), detectors=["mean-distance", "max-abs-z", "knn"])
    wanted = planning.wanted_rows(chosen, "cpu")
    jobs = planning.jobs(wanted, None, Limits(600, 4096), "perf")
    servers = ForkServers(prepare_tmp(results), planning.modules(row.spec for row in wanted))
    store = Store(results)
    tracker = Tracker(store, "perf", {})
    moments: list[float] = []
    worked: list[float] = []
    guard = threading.Lock()

    def on_row(row: Row) -> None:
        with guard:
            store.add(row)
            tracker.log(row.record())
            moments.append(time.perf_counter())
            score = (row.costs["score_us"] or 0) * row.sizes["n_test"] / 1e6
            worked.append((row.costs["fit_wall_seconds"] or 0) + score)

    run_jobs(jobs, servers, 1, on_row, Running())
    servers.close()
    start = time.perf_counter()
    tracker.finish(Summary)
    drain = (time.perf_counter() - start) / len(moments)
    store.close()
    size = len(jobs[0].wanted)
    ends = np.array(moments)[size - 1 :: size]
    work = np.array(worked).reshape(-1, size).sum(axis=1)
    beyond = (np.diff(ends) - work[1:]) / size
    return (statistics.median(beyond) + drain) * 1000


def fill(results: Path, n_rows: int) -> int:
    """Store at least `n_rows` rows of the default suite, with made-up scores.

    Returns:
        How many seeds that takes.
    """
    n_seeds = -(-n_rows // (len(planning.wanted_rows(suite.read("default"), "cpu")) // 5))
    chosen = suite.select(suite.read("default"), seeds=n_seeds)
    rng = np.random.default_rng(0)
    store = Store(results)
    costs: dict[str, float | None] = {
        "fit_seconds": 0.1, "model_fit_seconds": 0.1, "fit_wall_seconds": 0.1, "model_rows": 1,
        "score_us": 5.0, "peak_mib": 1.0, "parameters": None,
    }  # fmt: skip
    for wanted in planning.wanted_rows(chosen, "cpu"):
        truth = (np.arange(100) < 10).astype(np.int8)
        scores = rng.normal(size=100) + truth
        sizes = {"n_train": 90, "n_test": 100, "n_anomalies": 10}
        row = Row(wanted, "ok", sizes=sizes, metrics=compute(truth, scores), costs=costs)
        store.add(replace(row, scores=scores, truth=truth))
    store.close()
    return n_seeds


def main() -> None:
    """Measure everything and print one table."""
    table = Table("measure", "value", "aim", title="Fathom's own costs")
    add: Callable[[str, str, str], None] = table.add_row
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        add("bench list", f"{best_of(3, [*BENCH, 'list']):.2f} s", "< 1 s")
        beyond = harness_milliseconds(folder / "beyond")
        add("harness, a row beyond fit and score", f"{beyond:.1f} ms", "25 ms")

        full = folder / "full"
        board = [*BENCH, "board", "--results", str(full), "--seeds", str(fill(full, 10_000))]
        add("bench board, 10,000 rows", f"{best_of(3, board):.2f} s", "< 5 s")
        tested = [*board, "--against", "knn", "--format", "md"]
        add("bench board, tests and all, 10,000 rows", f"{best_of(3, tested):.2f} s", "< 5 s")

        page = [*BENCH, "report", *board[4:]]
        add("bench report, 10,000 rows", f"{best_of(3, page):.2f} s", "< 20 s")

        small = folder / "small"
        again = [*BENCH, "run", "--results", str(small), "--seeds", str(fill(small, 1_000))]
        add("run with nothing to do, 1,000 rows", f"{best_of(3, again):.2f} s", "< 3 s")

        for label, value, aim in [
            *perf_training.rows(),
            *perf_steps.rows(),
            *perf_posteriors.rows(),
        ]:
            add(label, value, aim)

        two = timed([*BENCH, "run", "--jobs", "2", "--results", str(folder / "two")])
        one = timed([*BENCH, "run", "--jobs", "1", "--results", str(folder / "one")])
        add(f"default suite, 2 jobs on {os.cpu_count()} cores", f"{two:.0f} s", "< 360 s")
        add("two-core efficiency, T(1) / (2 T(2))", f"{one / (2 * two):.0%}", "85 %")
    OUT.print(table)


if __name__ == "__main__":
    main()
