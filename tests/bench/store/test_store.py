"""The store: what goes in comes out, whole or not at all."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.store.folder import LOCK, STORE, StoreError, locked
from bench.store.records import Row
from bench.store.store import Store
from tests.helpers import rows_made_up

ROOT = Path(__file__).parents[3]
WANTED = replace(
    rows_made_up.WANTED,
    spec="ae+lof",
    model="ae",
    settings={"epochs": 3, "head": {"n_neighbors": 5}},
    label="Zwölf ✓",
    family="hybrid",
)
SCORES = np.array([0.1, -0.0, 5e-324, 1e300])
TRUTH = np.array([0, 1, 0, 1], dtype=np.int8)


def row(seed: int = 0, status: str = "ok", **parts) -> Row:
    return Row(
        replace(WANTED, seed=seed),
        status,
        sizes={"n_test": 4},
        metrics={"auroc": 1 / 3},
        costs={"parameters": None, "fit_seconds": 0.1},
        provenance={"commit": "abc", "versions": {"numpy": "2"}},
        details={"output": "said \x1b[1m ✓"},
        **{"scores": SCORES, "truth": TRUTH, **parts},
    )


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path)
    yield opened
    opened.close()


def test_a_row_comes_back_as_it_went_in(store):
    made = row()
    told = store.add(made)
    (record,) = store.records()
    assert record == json.loads(json.dumps(told))
    assert record == json.loads(json.dumps(made.record())) | {"metrics_id": told["metrics_id"]}
    assert record["settings"] == WANTED.settings
    assert store.details(made.wanted.key) == made.details
    truth, scores = store.scores(made.wanted.key)
    assert scores.tobytes() == SCORES.tobytes()
    assert truth.tolist() == TRUTH.tolist()


def test_metrics_of_other_code_are_recomputed_from_the_scores(store, monkeypatch):
    store.add(row())
    store.add(row(1, "timeout", scores=None, truth=None))
    assert {record["auroc"] for record in store.records()} == {1 / 3}
    monkeypatch.setattr("bench.store.store._metrics_id", lambda: "other code")
    ok, failed = sorted(store.records(), key=lambda record: record["seed"])
    assert ok["auroc"] == 0.5  # of the four scores: one anomaly above both normals, one below
    assert (ok["prevalence"], ok["metrics_id"]) == (0.5, "other code")
    assert failed["auroc"] == 1 / 3


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_store_on_a_read_only_disk_can_be_read(tmp_path):
    results = tmp_path / "results"
    store = Store(results)
    store.add(row())
    store.close()
    code = f"import bench; print(len(bench.rows({str(results)!r})))"
    mount = f"mount --bind {results} {results} && mount -o remount,bind,ro {results}"
    command = ["unshare", "-rm", "sh", "-c", f"{mount} && exec {sys.executable} -c {code!r}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_row_without_scores_has_none(store):
    failed = row(status="error", scores=None, truth=None)
    store.add(failed)
    assert store.scores(failed.wanted.key) is None
    assert store.scores("absent") is None
    assert store.details("absent") == {}


def test_a_row_takes_the_place_of_the_older_one_of_its_key(store):
    store.add(row(status="error", scores=None, truth=None))
    store.add(row())
    assert store.statuses() == {row().wanted.key: "ok"}


def test_rows_are_found_by_key(store):
    rows = [row(seed) for seed in range(20)]
    for made in rows:
        store.add(made)
    some = {made.wanted.key for made in rows[:3]}
    assert {record["key"] for record in store.records(some)} == some


def test_non_finite_scores_and_metrics_survive(store):
    bad = row(status="non-finite", scores=np.array([np.nan, np.inf, -np.inf, 1.0]))
    store.add(bad)
    assert store.scores(bad.wanted.key)[1].tobytes() == bad.scores.tobytes()


def test_labels_are_stored_once_for_all_rows_of_a_split(store):
    for seed in range(5):
        store.add(row(seed))
    with sqlite3.connect(store.path) as database:
        assert database.execute("SELECT count(*) FROM truths").fetchone() == (1,)
    database.close()


def test_threads_may_add_rows_at_once(store):
    def add(start: int) -> None:
        for seed in range(start, start + 25):
            store.add(row(seed))

    threads = [threading.Thread(target=add, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.statuses()) == 100


def test_rows_are_a_data_frame(store, tmp_path):
    store.add(row(0))
    store.add(row(1, "timeout", reason="not done", scores=None, truth=None))
    frame = bench.rows(tmp_path)
    assert sorted(frame.seed) == [0, 1]
    assert {"key", "label", "dataset", "status", "reason", "auroc", "fit_seconds"} <= {*frame}
    assert frame.set_index("seed").label[0] == "Zwölf ✓"
    with pytest.raises(FileNotFoundError, match=r"no store.db in .*run `bench run` first"):
        bench.rows(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_store_or_no_folder_is_one_sentence(tmp_path):
    (tmp_path / STORE).write_text("this is not a database, and longer than its header is")
    with pytest.raises(StoreError, match=r"cannot use the results folder .* --results"):
        Store(tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StoreError, match="cannot use the results folder"):
        Store(file)
    with pytest.raises(StoreError, match="cannot write the results folder"), locked(file):
        pass


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom bench.store.folder import locked\n"
        "with locked(Path(sys.argv[2])):\n    print('held', flush=True)\n    time.sleep(600)"
    )
    command = [sys.executable, "-c", program, "run smoke", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} on ") as raised:
            locked(tmp_path).__enter__()
        assert "run smoke" in str(raised.value)
        holder.kill()
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("page", [1, 2, 7, 8])
def test_records_are_the_same_whatever_number_is_read_at_once(store, monkeypatch, page):
    store.add_all([row(seed) for seed in range(7)])
    every = sorted(store.statuses())
    monkeypatch.setattr("bench.store.store.PAGE", page)
    assert [record["key"] for record in store.as_kept()] == every
    asked = ["absent", *every[5:0:-2]]
    assert [record["key"] for record in store.as_kept(asked)] == sorted(asked[1:])
    assert [record["key"] for record in store.as_kept(most=3)] == every[:3]
    assert list(store.as_kept([])) == []


def test_rows_stored_together_are_those_stored_one_by_one(store, tmp_path):
    together = Store(tmp_path / "together")
    together.add_all(row(seed) for seed in range(3))
    for seed in range(3):
        store.add(row(seed))
    for key in store.statuses():
        assert together.packed(key) == store.packed(key)
    together.close()
