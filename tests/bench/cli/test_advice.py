"""What `bench` alone and `bench doctor` say, from the state of a folder and an environment."""

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.advice.next_step import next_step
from bench.store.invocations import Invocation
from bench.store.store import Store
from tests.helpers.rows_made_up import WANTED, made_up

ROOT = Path(__file__).parents[3]


def folder_with(folder, *rows, missing=()):
    """Return a results folder with the rows of a run, of which some are missing."""
    keys = tuple(row.wanted.key for row in rows) + tuple(row.key for row in missing)
    last = Invocation("mine", "r", "2026-01-01", "bench run mine.toml", {}, "auto", None, keys)
    with closing(Store(folder)) as store:
        for row in rows:
            store.add(row)
        store.add_invocations([last])
    return folder


def test_the_next_step_follows_from_the_last_run(tmp_path):
    assert "`bench run smoke` makes a first board" in next_step(tmp_path / "none")
    done = folder_with(tmp_path / "done", made_up())
    assert next_step(done).startswith("the run mine is complete, 1 rows: `bench board`")
    bad = made_up(seed=1, status="timeout")
    failed = next_step(folder_with(tmp_path / "failed", made_up(), bad))
    assert f"1 failed of 2 rows: `bench debug {bad.wanted.key[:8]}` shows one" in failed
    left = folder_with(tmp_path / "left", made_up(), bad, missing=[replace(WANTED, seed=2)])
    assert next_step(left) == "the run mine has 1 of 3 rows left: `bench run mine.toml`"
    (done / "store.db").write_bytes(b"no database, but longer than its head" * 9)
    assert next_step(done).endswith("`bench doctor` checks this environment")


def doctor(*arguments, **env):
    """Return the exit status of `bench doctor` in a process of its own, and its lines by name."""
    command = [sys.executable, "-m", "bench", "doctor", *map(str, arguments)]
    run = subprocess.run(
        command, cwd=ROOT, env={**env, "HOME": "/tmp"}, capture_output=True, text=True, check=False
    )
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout.splitlines()


def test_the_doctor_finds_nothing_wrong_with_this_environment_on_one_screen(tmp_path):
    status, lines = doctor("--results", tmp_path / "none")
    assert status == 0, lines
    assert len(lines) < 24
    assert all(line.startswith("ok ") for line in lines)
    names = {line.split()[1] for line in lines}
    assert {"python", "packages", "names", "torch", "machine", "disk", "mlflow", "data"} <= names


@pytest.mark.fault(
    area="commands and output",
    kind="an environment in which runs would fail",
    how="a store and an MLflow database that are none, a data folder that is a file, and "
    "another distribution with a package named datasets",
    promise="`bench doctor` names each with its remedy on one line, and exits 1",
)
def test_the_doctor_names_what_is_wrong_with_its_remedy(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database, but longer than its head" * 9)
    (tmp_path / "mlflow.db").write_bytes(b"no database, but longer than its head" * 9)
    other = tmp_path / "site"
    (other / "datasets").mkdir(parents=True)
    (other / "datasets-9.dist-info").mkdir()
    (other / "datasets-9.dist-info" / "METADATA").write_text("Name: datasets\nVersion: 9\n")
    (other / "datasets-9.dist-info" / "RECORD").write_text("datasets/other.py,,\n")
    status, lines = doctor(
        *("--results", tmp_path, "--data", tmp_path / "store.db"), PYTHONPATH=str(other)
    )
    wrong = {line.split()[1]: line for line in lines if line.startswith("WRONG")}
    assert status == 1
    assert wrong.keys() == {"names", "results", "mlflow", "data"}
    assert wrong["names"].endswith("`pip uninstall datasets`, or an environment of its own")
    assert wrong["mlflow"].endswith("move the file away and `bench track` rebuilds it")
    assert wrong["data"].endswith("name a folder by --data or BENCH_DATA")
    assert lines[-1] == "4 wrong; docs/troubleshooting.md has more"
