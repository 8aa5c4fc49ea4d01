"""Runs on a Dask cluster: a real scheduler with two workers, each a process of its own."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench as harness
from tests.helpers.marked import MARK, processes

ROOT = Path(__file__).parents[3]
FAULTY = "tests/helpers/faulty.py:Faulty"
SLOW = "tests/helpers/counting.py:Counting"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port)

    def _start(self, kind: str, *args: str, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
        count = str(len(list(self.folder.iterdir())))
        scratch = self.folder / count
        scratch.mkdir()
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *args, "--no-dashboard"]
        with open(scratch / "log", "wb") as log:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, MARK: str(self.folder), "TMPDIR": str(scratch)},
                stdout=log,
                stderr=log,
            )

    def add_worker(self, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
        told = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
        worker = self._start("worker", self.address, *told, cwd=cwd)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        from distributed import Client

        with Client(self.address, timeout=30) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def processes(self) -> set[int]:
        """Return the processes of this cluster, those in its sandboxes included."""
        return processes(str(self.folder))

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(30)

    def close(self) -> None:
        self.end_workers()
        self.scheduler.terminate()
        self.scheduler.wait(30)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add_worker()
    made.add_worker()
    made.wait_for_workers()
    yield made
    made.close()


def blobs(results: Path) -> dict[str, bytes]:
    with sqlite3.connect(results / "store.db") as database:
        found = dict(database.execute("SELECT key, scores FROM rows"))
    database.close()
    return found


@pytest.mark.fault(
    area="cluster",
    kind="segfault on a worker",
    how="a detector segfaults in a sandbox of a Dask worker",
    promise="its rows end as `crashed`; all others are equal to the bit to those made here",
)
def test_a_cluster_makes_the_same_scores_and_a_crash_there_costs_its_rows_alone(
    bench, cluster, tmp_path
):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'datasets = ["wine", "digits/3"]\nseeds = 2\ndetectors = ["lof", "random", '
        f'{{ spec = "{FAULTY}", settings = {{ fitting = "segfault" }}, label = "bad" }}]'
    )
    there, here = tmp_path / "there", tmp_path / "here"
    run = bench("run", suite, "--results", there, "--scheduler", cluster.address)
    assert run.wait() == 0, run.stderr
    rows = harness.rows(there)
    assert rows.groupby("label").status.unique().map(list).to_dict() == {
        "bad": ["crashed"],
        **{label: ["ok"] for label in ("lof", "random")},
    }
    assert "12 rows, 0 stored, 12 to run" in run.stdout
    run = bench("run", suite, "--results", here, "--detectors", "lof,random")
    assert run.wait() == 0, run.stderr
    local, remote = blobs(here), blobs(there)
    assert local == {key: remote[key] for key in rows[rows.label != "bad"].key}
    again = bench("run", suite, "--results", there, "--scheduler", cluster.address)
    assert again.wait() == 0
    assert "12 stored, 0 to run" in again.stdout


@pytest.mark.fault(
    area="cluster",
    kind="no scheduler",
    how="`--scheduler` names a port where nothing listens",
    promise="one sentence within seconds, exit 2",
)
def test_a_scheduler_that_is_not_there_is_one_sentence_within_seconds(bench, tmp_path):
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x"):
        arguments = ("run", "smoke", "--detectors", "random", "--results", tmp_path)
        start = time.monotonic()
        run = bench(*arguments, "--scheduler", address)
        assert run.wait() == 2
        assert time.monotonic() - start < 20
        assert run.stderr.startswith(f"bench: no Dask scheduler answers at {address!r} (")
        assert run.stderr.count("\n") == 1
    assert harness.rows(tmp_path).empty


@pytest.mark.fault(
    area="cluster",
    kind="no workers, or workers with other code",
    how="a scheduler alone; a worker started from an edited copy",
    promise="one sentence, and no row is stored",
)
def test_a_scheduler_without_workers_and_workers_with_other_code_say_so(bench, tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder)
    arguments = ("run", "smoke", "--detectors", "random", "--datasets", "wine")
    arguments = (*arguments, "--results", tmp_path, "--scheduler", cluster.address)
    try:
        run = bench(*arguments)
        assert run.wait() == 2
        assert run.stderr.startswith(f"bench: the scheduler {cluster.address} has no workers")
        copy = tmp_path / "copy"
        for package in ("bench", "datasets", "detectors"):
            shutil.copytree(ROOT / package, copy / package)
        edited = copy / "detectors/shallow/baselines.py"
        edited.write_text(edited.read_text().replace("2**53", "2**52"))
        cluster.add_worker(cwd=copy)
        cluster.wait_for_workers()
        run = bench(*arguments, "--strict")
        assert run.wait() == 1, run.stdout
        assert "not run: random: the worker on " in run.stdout
        assert "has other code or libraries than this machine" in run.stdout
    finally:
        cluster.close()
    assert harness.rows(tmp_path).empty


@pytest.mark.fault(
    area="cluster",
    kind="SIGKILL of all workers",
    how="while each runs a sandbox",
    promise="every sandbox and child is gone",
)
def test_sandboxes_and_their_children_end_when_the_workers_do(bench, cluster, tmp_path):
    suite = tmp_path / "slow.toml"
    suite.write_text(
        'datasets = ["wine", "digits/3"]\nseeds = 1\n[[detectors]]\nlabel = "slow"\n'
        f'spec = "{SLOW}"\nsettings = {{ seconds = 600.0 }}'
    )
    before = cluster.processes()
    run = bench("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
    # Two more sandboxes, each with a child.
    assert bench.wait_until(lambda: len(cluster.processes() - before) == 4, 60)
    for worker in cluster.workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert bench.wait_until(lambda: cluster.processes() == {cluster.scheduler.pid}, 20)
    os.kill(run.pid, signal.SIGINT)
    assert run.wait() == 130
