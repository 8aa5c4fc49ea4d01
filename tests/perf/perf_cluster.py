"""Short rows over four worker processes of a Dask cluster on this machine.

The fits wait and take no processor, so that four workers can be busy on two cores. The efficiency
is the share of fits in the time of the workers, from the start of the command to its end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.history.perf import Measure
from tests.helpers.dask_cluster import Cluster

N_ROWS, N_WORKERS, SECONDS = 2_000, 4, 0.25


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def measures(folder: Path) -> list[Measure]:
    """Return the efficiency of the workers, and the scheduler's CPU milliseconds a row."""
    cluster = Cluster(folder / "cluster")
    try:
        for _ in range(N_WORKERS):
            cluster.add_worker()
        cluster.wait_for_workers()
        command = (
            sys.executable, "-m", "bench", "run", "--detectors", "tests/perf/waiting.py:Waiting",
            "--datasets", "wine", "--seeds", str(N_ROWS), "--scheduler", cluster.address,
            "--results", str(folder / "results"),
        )  # fmt: skip
        used, wall = _cpu_seconds(cluster.scheduler.pid), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        used = _cpu_seconds(cluster.scheduler.pid) - used
        wall = time.perf_counter() - wall
    finally:
        cluster.close()
    busy = 100 * N_ROWS * SECONDS / (N_WORKERS * wall)
    return [
        Measure(f"{N_ROWS:,} rows of {SECONDS} s over {N_WORKERS} workers", busy, "%", 85, True),
        Measure("a row in the Dask scheduler", 1000 * used / N_ROWS, "ms CPU"),
    ]
