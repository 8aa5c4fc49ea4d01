"""An interrupted run: children gone at once, rows kept, one line, exit 130."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.bench.conftest import AWAY
from tests.helpers.fault_matrix import fault

SUITE = """
title = "to be interrupted"
datasets = ["wine"]
seeds = 3

[[detectors]]
spec = "random"

[[detectors]]
spec = "tests/helpers/faulty.py:Faulty"
label = "hangs"
settings = {fitting = "hang with the GIL"}

[[detectors]]
spec = "tests/helpers/faulty.py:Faulty"
label = "hangs with a grandchild"
settings = {fitting = "leave a daemon", scoring = "hang"}
"""
START = 120  # seconds for a run to get to its hanging jobs on a busy machine
LINE = (
    "bench: interrupted; finished rows are stored, and the same command goes on with the others\n"
)


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "interrupted.toml"
    path.write_text(SUITE)
    return path


def stored(results):
    """Return the statuses that are stored."""
    if not (results / "store.db").exists():
        return []
    with closing(sqlite3.connect(results / "store.db")) as database:
        try:
            return sorted(s for (s,) in database.execute("SELECT status FROM rows"))
        except sqlite3.OperationalError:  # no table yet
            return []


@pytest.mark.parametrize(
    "how",
    [
        fault(
            f"interrupt: {how}",
            "sent to `bench run` with three jobs that hang",
            "children are gone in 2 s, finished rows are stored, one line, exit 130",
            area="commands and output",
            case=how,
        )
        for how in ("SIGINT", "SIGTERM", "SIGINT to the group", "twice")
    ],
)
def test_an_interrupted_run_ends_at_once_and_keeps_its_rows(bench, suite, tmp_path, how):
    results = tmp_path / "results"
    running = bench("run", suite, "--results", results, "--jobs", 3)
    assert bench.wait_until(lambda: n_children(running) == 3 == len(stored(results)), START)
    number = signal.SIGINT if "SIGINT" in how or how == "twice" else getattr(signal, how)
    start = time.monotonic()
    if how.endswith("group"):
        os.killpg(running.pid, number)
    else:
        os.kill(running.pid, number)
    if how == "twice":
        time.sleep(0.1)
        os.kill(running.pid, number)
    assert bench.wait_until(lambda: not running.sandboxes(), 10)
    gone = time.monotonic() - start
    assert running.wait(20) == 130
    assert gone < 2
    assert running.stderr == LINE
    assert "Traceback" not in running.stdout
    assert stored(results) == ["ok"] * 3
    assert not (results / "fathom.work").exists()


def n_children(running):
    """Return how many sandboxes have a child; here each seed of a detector has one of its own."""
    found = set()
    for pid in running.sandboxes():
        try:
            if os.getpgid(pid) == pid != os.getsid(pid):
                found.add(pid)
        except ProcessLookupError:
            pass
    return len(found)


@pytest.mark.fault(
    area="commands and output",
    kind="interrupt: while a run starts",
    how="SIGINT 0, 0.1 and 0.4 s after the start",
    promise="one line, exit 130, no process is left",
)
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.4])
def test_a_run_interrupted_while_it_starts_ends_at_once(bench, suite, tmp_path, delay):
    running = bench("run", suite, "--results", tmp_path / "results", "--jobs", 2)
    pid = running.pid
    time.sleep(delay)
    os.kill(pid, signal.SIGINT)
    assert running.wait(20) == 130
    assert bench.wait_until(lambda: not running.sandboxes(), 2)
    assert running.stderr == LINE


@pytest.mark.fault(
    area="commands and output",
    kind="interrupt: while the command is imported",
    how="SIGINT during the imports of `bench list`",
    promise="one line, exit 130",
)
def test_the_command_itself_can_be_interrupted_while_it_imports():
    command = [sys.executable, "-X", "importtime", "-m", "bench", "list"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: restore(signal.SIGINT)
    ) as running:
        assert any("click" in line for line in running.stderr)  # bench.cli.app is being imported
        running.send_signal(signal.SIGINT)
        lines = [line for line in running.stderr if not line.startswith("import time:")]
    assert (running.returncode, lines) == (130, ["bench: interrupted\n"])


def restore(number):
    """Handle a signal as usual; a shell in the background ignores SIGINT for what it starts."""
    signal.signal(number, signal.SIG_DFL)


@pytest.mark.fault(
    area="commands and output",
    kind="signals that are ignored",
    how="`bench run` starts with SIGHUP (as under nohup) or SIGINT ignored, and gets it",
    promise="the run goes on to its end",
)
@pytest.mark.parametrize("name", ["HUP", "INT"])
@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_so(bench, tmp_path, name):
    suite, results = tmp_path / "napping.toml", tmp_path / "results"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\n[[detectors]]\nspec = "tests/helpers/faulty.py:Faulty"\n'
        'settings = {fitting = "nap longer"}\n'
    )
    command = [sys.executable, "-m", "bench", "run", suite, "--results", results]
    ignoring = ["sh", "-c", f'trap "" {name}; exec "$@"', "sh", *command]
    away = {**os.environ, "MLFLOW_TRACKING_URI": AWAY}
    with subprocess.Popen(ignoring, stdout=subprocess.PIPE, env=away) as running:
        assert bench.wait_until(lambda: list(results.glob("**/train-0.npy")), 60)
        running.send_signal(getattr(signal, f"SIG{name}"))
        running.communicate()
    assert running.returncode == 0
    assert stored(results) == ["ok"]


@pytest.mark.fault(
    area="commands and output",
    kind="a run after an interrupt",
    how="the same command again",
    promise="it makes the missing rows alone",
)
def test_the_next_run_does_what_was_left(bench, suite, tmp_path):
    results = tmp_path / "results"
    arguments = ("run", suite, "--results", results, "--jobs", 3)
    running = bench(*arguments)
    assert bench.wait_until(lambda: len(stored(results)) == 3, START)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait(20) == 130
    after = bench(*arguments, "--time-limit", 0.5)
    assert after.wait() == 0
    assert "9 rows, 3 stored, 6 to run" in after.stdout
    assert stored(results) == ["ok"] * 3 + ["timeout"] * 6
