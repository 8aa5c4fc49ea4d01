"""What a large store costs: rows inserted, the check of what is missing, the board, a merge.

CPU seconds for each million rows, measured on fewer: all of them grow in proportion.

    .venv/bin/python -m tests.perf.perf_store [ROWS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.boards import board
from bench.boards.rows import frame_of
from bench.history.perf import Measure
from bench.metrics.scored import compute
from bench.plan import planning, suite
from bench.plan.costs import SAMPLE, Costs
from bench.store.merge import merge
from bench.store.provenance import provenance
from bench.store.records import Row, Wanted
from bench.store.store import Store

AT_ONCE = 5_000  # rows in one transaction
MADE = 200  # different scores
COSTS: dict[str, float | None] = {
    "fit_seconds": 0.1, "model_fit_seconds": 0.1, "fit_wall_seconds": 0.1, "model_rows": 1,
    "score_us": 5.0, "peak_mib": 1.0, "parameters": None,
}  # fmt: skip
SETTINGS = {f"setting_{i}": i / 8 for i in range(8)}
SIZES = {"n_train": 90, "n_test": 100, "n_anomalies": 10}


def seeds_for(n_rows: int) -> int:
    """Return how many seeds of the default suite have at least so many rows."""
    return -(-n_rows // (len(planning.wanted_rows(suite.read("default"), "cpu")) // 5))


def wanted(n_seeds: int) -> Iterator[Wanted]:
    """Yield the rows of the default suite for so many seeds."""
    for one in planning.wanted_rows(suite.select(suite.read("default"), seeds=1), "cpu"):
        yield from (replace(one, seed=seed) for seed in range(n_seeds))


def fill(results: Path, n_rows: int) -> int:
    """Store at least `n_rows` rows of the default suite, with made-up scores.

    Returns:
        How many seeds that takes.
    """
    n_seeds = seeds_for(n_rows)
    rng = np.random.default_rng(0)
    truth = (np.arange(SIZES["n_test"]) < SIZES["n_anomalies"]).astype(np.int8)
    made = [rng.normal(size=len(truth)) + truth for _ in range(MADE)]
    parts = [{"scores": s, "truth": truth, "metrics": compute(truth, s)} for s in made]
    here, start = provenance(), datetime(2026, 1, 1, tzinfo=UTC)

    def row(i: int, one: Wanted) -> Row:
        made = here | {"date": (start + timedelta(seconds=i)).isoformat()}
        kept = {"effective_settings": SETTINGS | one.settings, "provenance": made}
        return Row(one, "ok", sizes=SIZES, costs=COSTS, **parts[i % MADE], **kept)

    rows = (row(i, one) for i, one in enumerate(wanted(n_seeds)))
    store = Store(results)
    while batch := list(islice(rows, AT_ONCE)):
        store.add_all(batch)
    store.close()
    return n_seeds


def measure(n_rows: int, folder: Path) -> list[Measure]:
    """Return CPU seconds and memory of a store, as of a million rows."""
    share = n_rows / 1e6
    found: list[Measure] = []

    def timed(name: str, work: Callable[[], Any], aim: float | None = None) -> Any:
        start = time.process_time()
        made = work()
        took = (time.process_time() - start) / share
        found.append(Measure(f"a million rows: {name}", took, "s CPU", aim))
        return made

    n_seeds = timed("insert, scores and keys made up", lambda: fill(folder / "one", n_rows))
    with_seeds = suite.select(suite.read("default"), seeds=n_seeds)
    rows = planning.wanted_rows(with_seeds, "cpu")
    store = Store(folder / "one", read_only=True)
    timed("resume check", lambda: planning.missing(rows, store.statuses()), 10)
    timed("records read", lambda: sum(1 for _ in store.as_kept()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def made() -> board.Board:
        frame, stale = frame_of(rows, store.as_kept(), store.renewed)
        return board.build(frame, title="", stale=stale, scores=store.scores)

    timed("board", made, 60)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = (after - before) / 2**20 / share  # KiB on Linux
    found.append(Measure("a million rows: memory of a board", grown, "GiB", 4))
    start = time.process_time()
    Costs(store.as_kept(most=SAMPLE))
    took = time.process_time() - start
    found.append(Measure("expected costs of jobs, from a sample of the store", took, "s CPU", 1))
    other = Store(folder / "other")
    timed("merge into an empty store", lambda: merge([store], other))
    other.close()
    store.close()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for one in measure(int([*sys.argv, "50000"][1]), Path(place)):
            sys.stdout.write(f"{one.name}: {one.value:.3g} {one.unit} {one.verdict}\n")
