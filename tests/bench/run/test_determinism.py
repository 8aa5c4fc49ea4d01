"""Same seed, same numbers: whatever the workers, the order, the company, or an interruption."""

import os
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

import bench as harness

MODELS = ("ae", "ae+lof", "vae:elbo")
SHALLOW = ("lof", "iforest", "random")
COUNTING = "tests/helpers/counting.py:Counting"


def write_suite(path: Path, detectors, datasets=("wine",), seeds=(0, 1, 2)) -> Path:
    lines = [f"datasets = {list(datasets)}", f"seeds = {list(seeds)}"]
    for spec in detectors:
        lines += ["[[detectors]]", f'spec = "{spec}"']
        if spec.startswith(("ae", "vae")):
            lines.append("settings = { epochs = 3 }")
    path.write_text("\n".join(lines).replace("'", '"') + "\n")
    return path


def blobs(results: Path) -> dict[str, bytes]:
    """Return the stored scores by key, as the bytes they are."""
    with sqlite3.connect(results / "store.db") as database:
        found = dict(database.execute("SELECT key, scores FROM rows WHERE status = 'ok'"))
    database.close()
    return found


@pytest.fixture(scope="module")
def whole(bench, tmp_path_factory):
    """The scores of every row, made in one run with one worker."""
    folder = tmp_path_factory.mktemp("whole")
    suite = write_suite(folder / "all.toml", [*MODELS, *SHALLOW])
    run = bench("run", suite, "--results", folder, "--jobs", 1)
    assert run.wait() == 0, run.stderr
    made = blobs(folder)
    assert len(made) == len([*MODELS, *SHALLOW]) * 3
    return made


def test_two_workers_and_another_order_make_the_same_scores(bench, whole, tmp_path):
    suite = write_suite(
        tmp_path / "shuffled.toml",
        [*SHALLOW[::-1], *MODELS[::-1]],
        seeds=(2, 0, 1),
    )
    run = bench("run", suite, "--results", tmp_path, "--jobs", 2)
    assert run.wait() == 0, run.stderr
    assert blobs(tmp_path) == whole


@pytest.mark.slow
def test_a_part_that_is_killed_and_then_the_rest_make_the_same_scores(bench, whole, tmp_path):
    suite = write_suite(tmp_path / "all.toml", [*MODELS, *SHALLOW])
    part = ("--detectors", "ae+lof,vae:elbo,random,lof", "--seeds", "2,1")
    first = bench("run", suite, "--results", tmp_path, "--jobs", 1, *part)
    assert bench.wait_until(lambda: len(blobs_if_any(tmp_path)) > 0, 60)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    kept = blobs(tmp_path)
    assert 0 < len(kept) < 8
    assert bench.wait_until(lambda: not first.sandboxes(), 20)
    second = bench("run", suite, "--results", tmp_path, "--jobs", 2)
    assert second.wait() == 0, second.stderr
    assert f"{len(kept)} stored, {len(whole) - len(kept)} to run" in second.stdout
    assert blobs(tmp_path) == whole


def blobs_if_any(results: Path) -> dict[str, bytes]:
    try:
        return blobs(results)
    except sqlite3.OperationalError:
        return {}


def test_one_fit_a_seed_serves_all_read_outs_and_heads(bench, tmp_path):
    specs = [f"{COUNTING}:sum", f"{COUNTING}:largest", f"{COUNTING}+lof", f"{COUNTING}+knn"]
    suite = write_suite(tmp_path / "counting.toml", specs, datasets=["wine"], seeds=[0, 5])
    count = tmp_path / "count"
    run = bench("run", suite, "--results", tmp_path, FATHOM_TEST_COUNT=str(count))
    assert run.wait() == 0, run.stderr
    assert Counter(count.read_text().split()) == {"0": 1, "5": 1}
    rows = harness.rows(tmp_path)
    assert len(rows) == 8
    assert (rows.model_rows == 4).all()
    fits = rows.groupby("seed").model_fit_seconds.unique()
    assert all(len(seconds) == 1 for seconds in fits)
    heads = rows[rows.family == "hybrid"]
    assert (heads.fit_seconds > heads.model_fit_seconds).all()
    own = rows[rows.family == "shallow"]
    assert (own.fit_seconds == own.model_fit_seconds).all()


def test_a_row_that_is_missing_alone_fits_the_model_again_and_says_so(bench, tmp_path):
    count = tmp_path / "count"
    for spec in (f"{COUNTING}:sum", f"{COUNTING}:largest"):
        arguments = ("run", "smoke", "--results", tmp_path, "--detectors", spec, "--seeds", 1)
        run = bench(*arguments, "--datasets", "wine", FATHOM_TEST_COUNT=str(count))
        assert run.wait() == 0, run.stderr
    assert count.read_text().split() == ["0", "0"]
    assert harness.rows(tmp_path).model_rows.tolist() == [1, 1]
