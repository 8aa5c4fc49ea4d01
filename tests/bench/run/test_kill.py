"""`kill -9` of anything at any moment: rows stay, nothing else does, and the next run goes on."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.helpers.fault_matrix import fault

SUITE = """
title = "to be killed"
detectors = ["random", "mean-distance", "max-abs-z", "row-index"]
datasets = ["wine", "synthetic/annulus"]
seeds = 20
"""
N_ROWS = 160
KEPT = {"store.db", "store.db-wal", "store.db-shm", "fathom.lock"}
BOARDS = {"boards/leaderboard-killed.md", "boards/leaderboard-killed.csv"}


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "killed.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="module")
def undisturbed(bench, suite, tmp_path_factory):
    """Scores and labels by key, and the boards, of a run that nobody killed."""
    results = tmp_path_factory.mktemp("undisturbed")
    assert bench("run", suite, "--results", results, "--jobs", 2).wait() == 0
    rows = read(results)
    assert len(rows) == N_ROWS
    boards = {name: (results / name).read_text() for name in BOARDS}
    return {key: row[-2:] for key, row in rows.items()}, boards


def read(results):
    """Return the stored rows by key, with every byte, after a check of the file."""
    if not (results / "store.db").exists():
        return {}
    database = sqlite3.connect(results / "store.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'rows'").fetchall():
            return {}
        rows = database.execute(
            "SELECT key, status, record, details, truth, scores, labels "
            "FROM rows LEFT JOIN truths ON truth = id"
        ).fetchall()
    finally:
        database.close()
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def stored(results):
    """Return how many rows are stored."""
    if not (results / "store.db").exists():
        return 0
    with closing(sqlite3.connect(results / "store.db")) as database:
        try:
            return database.execute("SELECT count(*) FROM rows").fetchone()[0]
        except sqlite3.OperationalError:  # no table yet
            return 0


def signal_all(pids, number):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def check_only_whole_files(results, boards):
    for name, text in boards.items():
        if (results / name).exists():
            assert (results / name).read_text().count("\n") == text.count("\n")


@pytest.mark.fault(
    area="results and loss",
    kind="SIGKILL of a run",
    how="`bench run` or its group, at ten random moments",
    promise="no row is lost or doubled, none differs by a bit, no process and no half file is left",
)
@pytest.mark.parametrize("n_kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_kills_at_random_moments_lose_and_double_nothing(
    bench, suite, undisturbed, tmp_path, n_kills
):
    scores, boards = undisturbed
    chance = random.Random(3)
    before, interrupted = {}, 0
    for turn in range(n_kills):
        running = bench("run", suite, "--results", tmp_path, "--jobs", 2)
        # some while it starts, most while rows come, a few near the end
        enough = len(before) + chance.randint(0, 24)
        if enough > len(before):
            bench.wait_until(lambda r=running, n=enough: stored(tmp_path) >= n or r.ended(), 60)
        time.sleep(chance.uniform(0, 0.02 if enough > len(before) else 1))
        with suppress(ProcessLookupError):  # it may be through
            (os.kill if turn % 2 else os.killpg)(running.pid, signal.SIGKILL)
        interrupted += running.wait() == -signal.SIGKILL
        assert bench.wait_until(lambda r=running: not r.sandboxes(), 10), "orphans are left"
        rows = read(tmp_path)
        assert {key: rows[key] for key in before} == before
        assert set(rows) <= set(scores)
        check_only_whole_files(tmp_path, boards)
        before = rows
    assert interrupted >= n_kills - 2

    last = bench("run", suite, "--results", tmp_path, "--jobs", 2)
    assert last.wait() == 0
    todo = N_ROWS - len(before)
    assert f"{N_ROWS} rows, {len(before)} stored, {todo} to run" in last.stdout
    rows = read(tmp_path)
    assert {key: rows[key] for key in before} == before
    assert {key: row[-2:] for key, row in rows.items()} == scores
    assert {path.name for path in tmp_path.iterdir()} - KEPT == {"boards"}
    links = Path(tempfile.gettempdir()).glob("fathom-*/tmp")
    assert not [link for link in links if link.readlink().is_relative_to(tmp_path)]
    again = bench("run", suite, "--results", tmp_path)
    assert again.wait() == 0
    assert f"{N_ROWS} rows, {N_ROWS} stored, 0 to run" in again.stdout
    assert read(tmp_path) == rows


@pytest.mark.parametrize(
    "who",
    [
        fault(
            f"SIGKILL of each {who} three times",
            "at random moments of a run",
            "a server costs no row, a child at most the one it makes; --retry makes that too",
            area="results and loss",
            case=who,
        )
        for who in ("server", "child")
    ],
)
def test_killed_parts_of_the_sandbox_cost_no_row_for_good(bench, suite, undisturbed, tmp_path, who):
    """A killed server costs nothing, a killed child at most the row that it was making."""
    scores, _ = undisturbed
    arguments = ("run", suite, "--seeds", 5, "--results", tmp_path, "--jobs", 1)
    running = bench(*arguments)
    chance, killed = random.Random(4), 0

    for _ in range(3):
        so_far = stored(tmp_path)
        assert bench.wait_until(lambda n=so_far: stored(tmp_path) > n, 60)
        time.sleep(chance.uniform(0, 0.05))
        servers = {pid for pid in running.sandboxes() if is_server(pid)}
        targets = servers if who == "server" else running.sandboxes() - servers - {running.pid}
        signal_all(targets, signal.SIGKILL)
        killed += len(targets)
    assert killed
    assert running.wait() == 0
    statuses = [row[0] for row in read(tmp_path).values()]
    assert len(statuses) == 40
    n_crashed = statuses.count("crashed")
    assert n_crashed <= (0 if who == "server" else killed)
    assert statuses.count("ok") == 40 - n_crashed
    told = re.findall(r"^(?:(\d+) more rows?: )?crashed: ", running.stdout, re.MULTILINE)
    assert sum(int(more or 1) for more in told) == n_crashed
    assert bench(*arguments, "--retry", "crashed").wait() == 0
    for key, row in read(tmp_path).items():
        assert row[-2:] == scores[key]


def is_server(pid):
    try:
        return os.getsid(pid) == pid == os.getpgid(pid)
    except ProcessLookupError:
        return False
