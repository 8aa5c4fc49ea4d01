"""MLflow after real runs: every row once, whatever happened, and nobody on the network asked."""

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bench.plan.stages import STAGES
from bench.store.store import Store
from tests.helpers.plain_shell import logged, python_environment, spied_environment

LOCAL = {"MLFLOW_TRACKING_URI": ""}
SUITE = """
title = "to be tracked"
detectors = ["random", "mean-distance", "max-abs-z", "row-index"]
datasets = ["wine", "synthetic/annulus"]
seeds = 8
"""
CURIOUS = """
import socket
from dataclasses import dataclass
from detectors.contract import Detector
@dataclass(kw_only=True)
class Curious(Detector):
    def _fit(self, x):
        socket.getaddrinfo("127.0.0.1", 1)
    def _score(self, x, readout):
        return x[:, 0]
"""
TELLING = """
import sys
from bench.cli.app import main
try:
    main()
finally:
    print("mlflow" in sys.modules)
"""


@pytest.fixture(autouse=True)
def no_server_given(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "tracked.toml"
    path.write_text(SUITE)
    return path


def stored(results: Path) -> list[str]:
    """Return the keys in the store, in order."""
    store = Store(results)
    try:
        return sorted(store.statuses())
    finally:
        store.close()


def tracked(results: Path, experiment: str) -> list[str]:
    """Return the keys that an experiment has a finished run of, in order."""
    runs = logged(results, experiment)[1]
    return sorted(run.data.tags["fathom.key"] for run in runs if run.info.status == "FINISHED")


def bench_in(folder: Path, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `bench` in a new interpreter, started in a folder."""
    command = [sys.executable, "-c", TELLING, *map(str, args)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_a_run_in_a_plain_shell_asks_nobody_and_mlflow_has_every_row_and_the_board(tmp_path):
    home, log = tmp_path / "home", tmp_path / "network.log"
    home.mkdir()
    env = spied_environment(log)

    ran = bench_in(home, "run", "smoke", "--jobs", 2, "--profile", **env)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert not log.exists(), log.read_text()
    assert [path.name for path in home.iterdir()] == ["results"]
    results = home / "results"
    keys = stored(results)
    assert len(keys) == 32
    assert f"mlflow: {len(keys)} runs in sqlite:///{results}/mlflow.db" in ran.stdout
    (parent,), children = logged(results, "smoke")
    assert tracked(results, "smoke") == keys
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.data.tags["suite"] for run in children} == {"smoke"}
    assert parent.info.status == "FINISHED"
    spent = {stage: parent.data.metrics[f"profile/{stage}"] for stage in STAGES}
    assert min(spent.values()) > 0
    table = ran.stdout.partition("where the time went\n")[2].splitlines()
    assert [line.split()[0] for line in table[1 : len(STAGES) + 1]] == list(STAGES)
    assert float(table[4].split()[1]) == pytest.approx(spent["fit"], abs=0.06)
    with closing(Store(results, read_only=True)) as store:
        (profile,) = store.profiles().values()
    assert profile.n_rows == len(keys)
    assert profile.seconds["fit"] == pytest.approx(spent["fit"])
    kept = results / "mlartifacts" / parent.info.run_id / "artifacts"
    for suffix in (".md", ".csv"):
        board = (results / "boards" / f"leaderboard-smoke{suffix}").read_text()
        assert (kept / f"leaderboard{suffix}").read_text() == board


def test_the_spy_on_the_network_sees_into_the_sandbox(tmp_path):
    log = tmp_path / "network.log"
    (tmp_path / "curious.py").write_text(CURIOUS)
    env = spied_environment(log)
    spec = f"{tmp_path / 'curious.py'}:Curious"

    ran = bench_in(
        tmp_path, "run", "smoke", "--detectors", spec, "--datasets", "wine", "--seeds", 1, **env
    )

    assert ran.returncode == 0, ran.stderr
    assert "getaddrinfo" in log.read_text()


@pytest.mark.slow
def test_rows_that_killed_runs_stored_are_tracked_once_by_the_next(bench, suite, tmp_path):
    results, n_missing = tmp_path / "results", 0
    for enough in (1, 20):
        running = bench("run", suite, "--results", results, "--jobs", 2, **LOCAL)
        assert bench.wait_until((results / "store.db").exists, 60)
        assert bench.wait_until(lambda n=enough: len(stored(results)) >= n, 60)
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        assert bench.wait_until(lambda r=running: not r.sandboxes(), 10)
        n_missing = len(stored(results)) - len(tracked(results, "tracked"))
    assert n_missing

    assert bench("run", suite, "--results", results, **LOCAL).wait() == 0

    keys = stored(results)
    assert len(keys) == 64
    assert tracked(results, "tracked") == keys
    assert {run.info.status for run in logged(results, "tracked")[1]} == {"FINISHED"}


@pytest.mark.slow
def test_the_command_that_a_run_names_when_its_server_is_away_sends_its_rows(
    bench, suite, tmp_path
):
    chosen = ("--detectors", "knn,random", "--datasets", "wine", "--seeds", 1)
    first = bench("run", "smoke", *chosen, "--results", tmp_path)
    assert first.wait() == 0
    smoke = stored(tmp_path)
    assert len(smoke) == 2
    other = ("--datasets", "synthetic/annulus", "--seeds", 1)
    assert bench("run", suite, *other, "--results", tmp_path).wait() == 0
    both = stored(tmp_path)
    assert len(both) == 6

    named = shlex.split(re.search(r"`(bench track [^`]*)`", first.stdout)[1])
    sent = bench(*named[1:], **LOCAL)
    assert sent.wait() == 0
    assert "smoke: 2 runs sent" in sent.stdout
    assert tracked(tmp_path, "smoke") == smoke
    assert tracked(tmp_path, "tracked") == []

    rest = bench("track", "--results", tmp_path, **LOCAL)
    assert rest.wait() == 0
    assert "smoke: 0 runs sent" in rest.stdout
    assert "tracked: 4 runs sent" in rest.stdout
    assert sorted(smoke + tracked(tmp_path, "tracked")) == both


def test_a_run_with_nothing_to_do_says_which_rows_mlflow_misses_without_importing_it(
    bench, tmp_path
):
    asked = ("run", "smoke", "--detectors", "random", "--datasets", "wine")
    assert bench(*asked, "--results", tmp_path / "results").wait() == 0
    env = python_environment()

    first = bench_in(tmp_path, *asked, **env)
    sent = bench_in(tmp_path, "track", "smoke", **env)
    again = bench_in(tmp_path, *asked, **env)

    hint = "2 stored rows are not in {}; `bench track smoke` sends them\nFalse\n"
    assert first.stdout.endswith(hint.format(tmp_path / "results" / "mlflow.db"))
    assert "smoke: 2 runs sent" in sent.stdout
    assert "stored rows are not in" not in again.stdout
    assert again.stdout.endswith("\nFalse\n")


def test_a_replay_keeps_the_board_of_a_suite_that_is_known(bench, suite, tmp_path):
    for name, seeds in (("smoke", 1), (suite, "7,")):
        asked = ("--detectors", "random", "--datasets", "wine", "--seeds", seeds)
        assert bench("run", name, *asked, "--results", tmp_path).wait() == 0

    assert bench("track", "--results", tmp_path, **LOCAL).wait() == 0

    (smoke,), _ = logged(tmp_path, "smoke")
    (own,), _ = logged(tmp_path, "tracked")
    artifacts = tmp_path / "mlartifacts"
    board = (artifacts / smoke.info.run_id / "artifacts" / "leaderboard.md").read_text()
    assert "random" in board
    assert not (artifacts / own.info.run_id).exists()


@pytest.mark.slow
def test_a_suite_has_the_rows_that_another_made_for_it(bench, suite, tmp_path):
    """Those of `random` and `mean-distance` on wine are wanted by both suites."""
    assert bench("run", suite, "--seeds", 2, "--results", tmp_path).wait() == 0
    asked = ("--detectors", "random,mean-distance,knn", "--datasets", "wine")
    again = bench("run", "smoke", *asked, "--results", tmp_path, **LOCAL)
    assert again.wait() == 0
    assert "6 rows, 4 stored, 2 to run" in again.stdout
    assert len(tracked(tmp_path, "smoke")) == 6
    sent = bench("track", "--results", tmp_path, **LOCAL)
    assert sent.wait() == 0
    assert re.search(
        r"smoke: 0 runs sent to .*, 6 already there\ntracked: 16 runs sent", sent.stdout
    )
    assert len(stored(tmp_path)) == 18
