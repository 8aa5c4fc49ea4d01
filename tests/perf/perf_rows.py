"""What the harness costs a row: CPU milliseconds, which other work moves less than wall time."""

from __future__ import annotations

import gc
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.history.perf import Measure
from bench.metrics.scored import compute
from bench.plan import planning, suite
from bench.plan.job import Job, Limits
from bench.plan.stages import Stages
from bench.run.local import ForkServers, Running, run_jobs
from bench.run.workspace import prepare_tmp
from bench.store.records import Row
from bench.store.store import Store
from bench.tracking.parent_run import Summary
from bench.tracking.tracker import Tracker

CHEAP = ["mean-distance", "max-abs-z", "knn"]
FEW, MANY = 24, 480  # jobs of five rows; the difference has no part of what happens once
TRACKED = 500  # rows


def _seconds() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _made(jobs: list[Job], stages: Stages) -> tuple[int, float]:
    """Make the rows of jobs; return how many, and CPU seconds beyond fit and score."""
    worked: list[float] = []
    start = _seconds()
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        modules = planning.modules(row.spec for job in jobs for row in job.wanted)
        servers = ForkServers(prepare_tmp(Path(name)), modules)

        def on_row(row: Row) -> None:
            store.add(row)
            score = (row.costs["score_us"] or 0) * row.sizes["n_test"] / 1e6
            worked.append((row.costs["fit_seconds"] or 0) + score)

        run_jobs(jobs, servers, 1, on_row, Running(stages))
        servers.close()
        store.close()
    return len(worked), _seconds() - start - sum(worked)


def _tracked() -> float:
    """Return CPU milliseconds of a row in MLflow's local database, all of it but its import."""
    truth = (np.arange(300) % 5 == 0).astype(np.int8)
    scores = np.random.default_rng(0).normal(size=300) + truth
    every = planning.wanted_rows(suite.read("default"), "cpu")[:TRACKED]
    sizes = {"n_train": 90, "n_test": 300, "n_anomalies": 60}
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        made = Row(every[0], "ok", sizes=sizes, metrics=compute(truth, scores), scores=scores)
        records = [store.add(replace(made, wanted=one, truth=truth)) for one in every]
        for rows in (records[:1], records):
            tracker = Tracker(store, f"perf-{len(rows)}", {})
            start = time.process_time()
            for record in rows:
                tracker.log(record)
            tracker.finish(Summary)
            took = time.process_time() - start
        store.close()
    return 1000 * took / TRACKED


def measures() -> list[Measure]:
    """Return the costs of a row beyond fit and score, without MLflow, and of MLflow."""
    chosen = suite.select(suite.read("default"), detectors=CHEAP)
    wanted = planning.wanted_rows(chosen, "cpu")
    jobs = planning.jobs(wanted, None, Limits(600, 4096), "perf")
    jobs = (jobs * (MANY // len(jobs) + 1))[:MANY]
    few, before = _made(jobs[:FEW], Stages())
    small, stages = _resident_mib(), Stages()
    many, after = _made(jobs, stages)
    grown = _resident_mib() - small
    beyond = 1000 * (after - before) / (many - few)
    start = 1000 * stages.seconds["start"] / len(jobs)
    return [
        Measure("a cheap row beyond fit and score, without MLflow", beyond, "ms CPU", 15),
        Measure("start and end of a child", start, "ms", 10),
        Measure(
            "memory of the parent, a row", 1024 * grown / many, "KiB", 1, beside=f"{many} rows"
        ),
        Measure("a row in MLflow", _tracked(), "ms CPU", 4),
    ]
