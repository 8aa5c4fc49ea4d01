"""What tests of tracking share: rows, sending them to MLflow, and a server on a results folder."""

import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bench.store.records import Row
from bench.store.store import Store
from bench.tracking.delivery import TrackingReport
from bench.tracking.pages import ui_command
from bench.tracking.parent_run import Summary
from bench.tracking.stored import send_stored
from bench.tracking.tracker import Tracker
from tests.helpers.plain_shell import logged, python_environment
from tests.helpers.rows_made_up import WANTED

BOARD = {
    "leaderboard.md": "| detector |\n",
    "figures/ranks.svg": "<svg/>",
    "leaderboard.json": '{"columns":["detector"],"data":[["vae"]]}',
}

API = "api/2.0/mlflow"

INVOCATION = {"command": "bench run default", "commit": "abc"}

METRICS = {"auroc": 0.9, "recall@fpr=0.05": 0.25, "prevalence": math.nan}


def made(seed: int, status: str = "ok", reason: str = "", **parts) -> Row:
    wanted = replace(
        WANTED,
        spec="vae+lof",
        model="vae",
        settings={"latent_dim": 4, "head": {"n_neighbors": 20}},
        label="vae+lof[n_neighbors=20]",
        family="hybrid",
        dataset="digits/3",
        dataset_family="digits",
        protocol="one-class(max_train=none)",
        seed=seed,
    )
    return Row(
        wanted,
        status,
        reason,
        sizes={"n_train": 90, "n_test": 100, "n_anomalies": 9},
        metrics=METRICS if status == "ok" else {},
        costs={"fit_seconds": 1.5, "fit_wall_seconds": 2.0, "parameters": None},
        provenance={
            "commit": "abc",
            "versions": {"numpy": "2"},
            "date": "2026-01-02T03:04:05+00:00",
        },
        **parts,
    )


def record(seed: int, status: str = "ok", reason: str = "") -> dict:
    return made(seed, status, reason).record()


def records(n: int) -> list[dict]:
    return [record(seed) for seed in range(n)]


def summary() -> Summary:
    return Summary(BOARD, ("leaderboard.json",), "# the board", {"auroc/vae:elbo": 0.9})


def track(results: Path, rows: list[dict], experiment: str = "default") -> TrackingReport:
    with closing(Store(results)) as store:
        tracker = Tracker(store, experiment, INVOCATION)
        for row in rows:
            tracker.log(row)
        return tracker.finish(summary)


def replay(results: Path, experiment: str, rows: list[dict]) -> TrackingReport:
    with closing(Store(results)) as store:
        return send_stored(store, experiment, rows, summary)


def assert_each_once(results: Path, rows: list[dict], experiment: str = "default") -> None:
    """Every row is one child, ended, with its metrics."""
    _, children = logged(results, experiment)
    assert sorted(run.data.tags["fathom.key"] for run in children) == sorted(r["key"] for r in rows)
    assert {run.info.status for run in children} <= {"FINISHED"}
    assert all(run.data.metrics["auroc"] == 0.9 for run in children)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


class Server:
    """MLflow's server on the database of a results folder, as `bench ui` starts it."""

    def __init__(self, results: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.command = ui_command(results, self.port)
        self.start()

    def start(self) -> None:
        """Start it in a process group of its own and wait until it answers."""
        self.process = subprocess.Popen(
            self.command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + 120
        while True:
            try:
                get(f"{self.address}/health")
                return
            except OSError:
                if time.monotonic() > end:
                    self.kill()
                    raise
                time.sleep(0.1)

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(20)


def run_python(script: str, **extra: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=python_environment(**extra),
        capture_output=True,
        text=True,
        timeout=120,
    )
