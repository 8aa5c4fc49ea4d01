"""Runs on a Dask cluster: a real scheduler with two workers, each a process of its own."""

import math
import os
import shutil
import signal
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

import bench as harness
from bench.plan import planning
from bench.plan import suite as suites
from bench.plan.job import Limits
from bench.run.cluster import _by_needs
from tests.helpers.dask_cluster import Cluster, free_port
from tests.helpers.fault_matrix import fault

ROOT = Path(__file__).parents[3]
FAULTY = "tests/helpers/faulty.py:Faulty"
SLOW = "tests/helpers/counting.py:Counting"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("shared") / "cluster")
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
    cluster = Cluster(tmp_path / "cluster")
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


def slow_suite(tmp_path, datasets):
    """Return a suite of jobs that do not end by themselves, one a data set."""
    suite = tmp_path / "slow.toml"
    suite.write_text(
        f'datasets = {datasets}\nseeds = 1\n[[detectors]]\nlabel = "slow"\n'
        f'spec = "{SLOW}"\nsettings = {{ seconds = 600.0 }}'
    )
    return suite


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [
        fault(
            f"{signals} of `bench run` on a cluster",
            "while two workers run a sandbox for it",
            "every sandbox and child on the workers is gone in 30 s; the workers stay",
            area="cluster",
            case=signals,
        )
        for signals in ("SIGINT", "SIGKILL")
    ],
)
def test_sandboxes_on_the_workers_end_when_the_command_does(bench, cluster, tmp_path, signals):
    suite = slow_suite(tmp_path, ["wine", "digits/3"])
    before = cluster.processes()
    run = bench("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
    # Two more sandboxes, each with a child.
    assert bench.wait_until(lambda: len(cluster.processes() - before) == 4, 60)
    os.kill(run.pid, getattr(signal, signals))
    assert run.wait(30) == (130 if signals == "SIGINT" else -signal.SIGKILL)
    assert bench.wait_until(lambda: not cluster.processes() - before, 30)
    assert all(worker.poll() is None for worker in cluster.workers)
    if signals == "SIGINT":
        assert run.stderr.startswith("bench: interrupted; finished rows are stored, and the same ")


@pytest.mark.slow
@pytest.mark.fault(
    area="cluster",
    kind="results folder moved",
    how="while two workers run a sandbox",
    promise="one sentence in 10 s, exit 2; every sandbox and child on the workers is gone",
)
def test_a_results_folder_that_is_moved_ends_a_run_on_a_cluster(bench, cluster, tmp_path):
    suite, results = slow_suite(tmp_path, ["wine", "digits/3"]), tmp_path / "results"
    before = cluster.processes()
    run = bench("run", suite, "--results", results, "--scheduler", cluster.address)
    assert bench.wait_until(lambda: len(cluster.processes() - before) == 4, 60)
    results.rename(tmp_path / "moved")
    assert run.wait(10) == 2
    assert run.stderr.count("\n") == 1
    assert bench.wait_until(lambda: not cluster.processes() - before, 30)


@pytest.mark.slow
@pytest.mark.fault(
    area="cluster",
    kind="memory runs out on a small worker",
    how="a detector fills memory on a worker that has 1 GiB; no `--memory-limit`",
    promise="the limit follows the worker; the row is `memory`",
)
def test_the_default_memory_limit_follows_the_worker(bench, tmp_path):
    cluster = Cluster(tmp_path / "cluster")
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\n[[detectors]]\nlabel = "full"\n'
        f'spec = "{FAULTY}"\nsettings = {{ fitting = "fill memory with arrays" }}'
    )
    try:
        cluster.add_worker("--memory-limit", "1GiB")
        cluster.wait_for_workers()
        run = bench("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
        assert run.wait() == 0, run.stderr
    finally:
        cluster.close()
    (row,) = harness.rows(tmp_path).itertuples()
    assert row.status == "memory"
    assert row.reason.endswith("limit 819 MiB")


@pytest.mark.slow
@pytest.mark.fault(
    area="cluster",
    kind="more memory than a worker has",
    how="`--memory-limit 2`, then 4, on a worker with `--resources MEMORY=3e9` and two threads",
    promise="one job at a time; then one sentence, exit 2, and no row is stored",
)
def test_jobs_take_of_the_memory_that_workers_declare(bench, tmp_path):
    cluster = Cluster(tmp_path / "cluster")
    suite = slow_suite(tmp_path, ["wine", "digits/3"])
    arguments = ("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
    try:
        cluster.add_worker("--resources", "MEMORY=3e9", "--nthreads", "2")
        cluster.wait_for_workers()
        before = cluster.processes()
        run = bench(*arguments, "--memory-limit", "2")
        assert bench.wait_until(lambda: len(cluster.processes() - before) == 2, 60)
        time.sleep(3)
        assert len(cluster.processes() - before) == 2  # one sandbox with its child
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(30) == 130
        run = bench(*arguments, "--memory-limit", "4")
        assert run.wait(60) == 2
        assert run.stderr == (
            "bench: a job takes 4.29497e+09 of the resource MEMORY, and no worker declares more "
            "than 3e+09; start one with more, or lower --memory-limit\n"
        )
    finally:
        cluster.close()
    assert harness.rows(tmp_path).empty


def test_jobs_that_train_on_a_gpu_take_one_of_those_that_workers_declare(tmp_path):
    from distributed import Client

    cluster = Cluster(tmp_path / "cluster")
    chosen = suites.select(suites.read("smoke"), detectors=["ae", "knn"], datasets=["wine"])
    jobs = planning.jobs(planning.wanted_rows(chosen, "cpu"), None, Limits(60, math.inf), "a run")
    first, *others = jobs
    on_gpu = replace(first, wanted=tuple(replace(row, device="cuda") for row in first.wanted))
    try:
        cluster.add_worker("--resources", "GPU=2")
        cluster.wait_for_workers()
        with Client(cluster.address) as client:
            assert _by_needs([on_gpu, *others], client) == [({"GPU": 1}, [on_gpu]), ({}, others)]
            assert _by_needs(jobs, client) == [({}, jobs)]
    finally:
        cluster.close()


@pytest.mark.slow
@pytest.mark.fault(
    area="cluster",
    kind="a worker that cannot run jobs",
    how="its folder for temporary files is removed",
    promise="one sentence, and no row is stored",
)
def test_a_job_that_fails_outside_its_sandbox_is_not_run_and_says_why(bench, tmp_path):
    cluster = Cluster(tmp_path / "cluster")
    try:
        cluster.add_worker()
        cluster.wait_for_workers()
        shutil.rmtree(cluster.folder / "1")
        arguments = ("--detectors", "random", "--datasets", "wine", "--results", tmp_path)
        run = bench("run", "smoke", *arguments, "--scheduler", cluster.address)
        assert run.wait() == 1, run.stderr
        assert "not run: a job failed on the cluster: [Errno 2] No such file" in run.stdout
    finally:
        cluster.close()
    assert harness.rows(tmp_path).empty


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [
        fault(
            f"{signals} of the scheduler",
            "while a worker runs a sandbox",
            "one sentence in 30 s, exit 2; what runs on the workers is gone in 30 s, too",
            area="cluster",
            case=signals,
        )
        for signals in ("SIGKILL", "SIGSTOP", "SIGTERM")
    ],
)
def test_a_scheduler_that_ends_or_hangs_is_one_sentence(bench, tmp_path, signals):
    cluster = Cluster(tmp_path / "cluster")
    try:
        cluster.add_worker(nanny="--nanny")
        cluster.wait_for_workers()
        before = cluster.processes()
        suite = slow_suite(tmp_path, ["wine"])
        run = bench("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
        assert bench.wait_until(lambda: len(cluster.processes() - before) == 2, 60)
        cluster.scheduler.send_signal(getattr(signal, signals))
        assert run.wait(30) == 2
        assert run.stderr.startswith("bench: the Dask scheduler ended, was restarted or ")
        assert run.stderr.count("\n") == 1
        assert bench.wait_until(lambda: not cluster.processes() - before, 15)
    finally:
        cluster.scheduler.send_signal(signal.SIGCONT)
        cluster.close()


@pytest.mark.slow
@pytest.mark.fault(
    area="cluster",
    kind="SIGKILL of all workers",
    how="while each runs a sandbox",
    promise="every sandbox and child is gone; one sentence in 30 s, exit 2",
)
def test_sandboxes_and_their_children_end_when_the_workers_do(bench, cluster, tmp_path):
    suite = slow_suite(tmp_path, ["wine", "digits/3"])
    before = cluster.processes()
    run = bench("run", suite, "--results", tmp_path, "--scheduler", cluster.address)
    # Two more sandboxes, each with a child.
    assert bench.wait_until(lambda: len(cluster.processes() - before) == 4, 60)
    for worker in cluster.workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert bench.wait_until(lambda: cluster.processes() == {cluster.scheduler.pid}, 20)
    assert run.wait(30) == 2
    assert run.stderr.startswith("bench: the Dask scheduler has had no workers for 20 s; ")
    assert run.stderr.count("\n") == 1
