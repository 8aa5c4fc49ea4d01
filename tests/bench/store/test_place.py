"""A store that is removed, replaced or moved while it is written: noticed at once."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from bench.store.folder import StoreError, locked
from bench.store.store import Store
from tests.bench.store.test_store import row

SUITE = """
datasets = ["wine"]
detectors = ["random", { spec = "tests/helpers/faulty.py:Faulty", settings.scoring = "nap" }]
seeds = 30
"""
KIND = "the results folder changes under a run"
PROMISE = "the run ends within seconds with exit 2 and one sentence that names the file"


def other_database(path):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (text)")


def put_another(folder):
    other_database(folder.parent / "other.db")
    (folder.parent / "other.db").replace(folder / "store.db")


def copy_another_over(folder):
    other_database(folder.parent / "other.db")
    shutil.copyfile(folder.parent / "other.db", folder / "store.db")


def move_and_put_another(folder):
    folder.rename(folder.with_name("moved"))
    shutil.copytree(folder.with_name("moved"), folder)


CHANGES = {
    "store.db is removed": lambda folder: (folder / "store.db").unlink(),
    "another database takes the place of store.db": put_another,
    "another database is copied over store.db": copy_another_over,
    "store.db is truncated": lambda folder: (folder / "store.db").write_bytes(b""),
    "store.db-wal is removed": lambda folder: (folder / "store.db-wal").unlink(),
    "the lock is removed": lambda folder: (folder / "fathom.lock").unlink(),
    "the folder is removed": shutil.rmtree,
    "the folder is moved": lambda folder: folder.rename(folder.with_name("moved")),
    "the folder is moved and a copy put in its place": move_and_put_another,
}


def cases(slow):
    """Return a case for each change, with its mark; those of whole runs are slow but for two."""
    made = []
    for how in CHANGES:
        fault = pytest.mark.fault(area="results and loss", kind=KIND, how=how, promise=PROMISE)
        quick = how in ("store.db is removed", "the folder is moved")
        marks = [fault, pytest.mark.slow] if slow and not quick else [fault]
        made.append(pytest.param(how, marks=marks))
    return made


@pytest.mark.parametrize("how", cases(slow=False))
def test_a_row_is_stored_only_in_the_file_that_was_opened(tmp_path, how):
    folder = tmp_path / "results"
    with locked(folder), closing(Store(folder)) as store:
        for seed in range(20):
            store.add(row(seed))
        store.check_place()
        CHANGES[how](folder)
        with pytest.raises(StoreError, match="was removed, replaced or moved during the run"):
            store.check_place()
        with pytest.raises(StoreError, match="was removed, replaced or moved during the run"):
            store.add(row(20))


@pytest.mark.parametrize("how", cases(slow=True))
def test_a_run_ends_at_once_when_its_store_is_gone(bench, tmp_path, how):
    (tmp_path / "slow.toml").write_text(SUITE)
    folder = tmp_path / "results"
    run = bench("run", tmp_path / "slow.toml", "--results", folder, "--jobs", 1)
    assert bench.wait_until(lambda: "Faulty" in stored_labels(folder), 60)
    CHANGES[how](folder)
    start = time.monotonic()
    assert run.wait(30) == 2
    assert time.monotonic() - start < 10
    assert run.stderr.startswith(f"bench: {folder}")
    assert "was removed, replaced or moved during the run, which ends here" in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.sandboxes() == set()


def stored_labels(folder):
    """Return the labels in a store as one text, empty if there is none yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True)) as database:
            return str(database.execute("SELECT record FROM rows").fetchall())
    except sqlite3.OperationalError:
        return ""


def test_readers_beside_a_run_are_no_change(tmp_path):
    with locked(tmp_path), closing(Store(tmp_path)) as store:
        for seed in range(40):
            store.add(row(seed))
            with closing(Store(tmp_path, read_only=True)) as reader:
                assert len(reader.statuses()) == seed + 1
        store.check_place()
