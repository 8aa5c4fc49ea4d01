"""What reaches a detector: clean samples, whatever the data are like, and never a label."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.plan import planning
from bench.protocols import named
from bench.protocols.scalers import scale
from bench.run import converse
from datasets import DataSet, card, content_sha256, load
from datasets.catalogue import TABLE
from datasets.entry import Entry, Facts
from tests.helpers.fault_matrix import DETECTORS

FAULTY = "tests/helpers/faulty.py"
MASK = 0x5A


@pytest.fixture
def plant(monkeypatch):
    """A function that puts a data set "planted" of given samples and labels in the catalogue."""

    def plant(x, y, load=None):
        entry = Entry(
            name="planted",
            kind="tabular",
            family="planted",
            source="this test",
            licence="none",
            citation="none",
            loader="datasets.families.employees:employees",
            content_sha256=content_sha256(x, y),
            facts=Facts(len(x), x.shape[1:], int(y.sum())),
        )
        loader = load or (lambda card, paths: DataSet(card, x, y))
        monkeypatch.setattr("datasets.families.employees.employees", loader)
        monkeypatch.setitem(TABLE, "planted", entry)
        converse._load.cache_clear()

    yield plant
    converse._load.cache_clear()


@pytest.fixture
def samples():
    """(80, 4) samples, 20 of them anomalies, and labels that follow no order."""
    rng = np.random.default_rng(5)
    y = np.zeros(80, np.int8)
    y[rng.choice(80, 20, replace=False)] = 1
    x = rng.normal(size=(80, 4)) + 3 * y[:, None]
    return x, y


def spoiled(x):
    x = x.copy()
    x[3, 1], x[10, 2], x[11, 2] = np.nan, np.inf, -np.inf
    return x


@pytest.mark.fault(
    area="data",
    kind="NaN and infinite values",
    how="in three samples of a data set",
    promise="`unsupported`, with the scaler that imputes them",
)
def test_values_that_are_not_finite_are_unsupported_without_imputation(make_rows, plant, samples):
    x, y = samples
    plant(spoiled(x), y)
    rows = make_rows("mean-distance", "random", dataset="planted", seeds=2)
    assert {row.status for row in rows} == {"unsupported"}
    assert rows[0].reason == (
        "planted has 3 values that are NaN or infinite; --scaler median+standard puts the "
        "training median in their place"
    )


def test_values_that_are_not_finite_become_the_training_median(make_rows, plant, samples):
    x, y = samples
    bad = spoiled(x)
    plant(bad, y)
    (row,) = make_rows("mean-distance", dataset="planted", scaler="median+none")
    assert row.status == "ok"

    split = named.split("one-class", DataSet(card("planted"), bad, y), 0)
    filled = np.where(np.isfinite(bad), bad, np.nan)
    filled = np.where(np.isnan(filled), np.nanmedian(filled[split.train], axis=0), filled)
    distances = np.linalg.norm(filled[split.test] - filled[split.train].mean(axis=0), axis=1)
    np.testing.assert_allclose(row.scores, distances, rtol=1e-12)


@pytest.mark.fault(
    area="data",
    kind="test samples of one kind",
    how="a split with only normal or only anomalous ones",
    promise="`unsupported` with the reason",
)
@pytest.mark.parametrize(("label", "kind"), [(0, "normal"), (1, "anomalous")])
def test_a_test_part_of_one_kind_is_unsupported(
    make_rows, plant, samples, monkeypatch, label, kind
):
    x, y = samples
    plant(x, y)
    train, test = np.flatnonzero(y == 1 - label), np.flatnonzero(y == label)
    only = named.Split(train, test, np.arange(len(test)), held=np.arange(0))
    monkeypatch.setattr("bench.run.prepare.split", lambda *_: only)
    (row,) = make_rows("knn", dataset="planted")
    assert row.status == "unsupported"
    assert row.reason == f"all {len(test)} test rows of planted are {kind}; metrics need both kinds"


@pytest.mark.fault(
    area="data",
    kind="constant column",
    how="added to a data set",
    promise="scores are equal to the bit",
)
def test_a_constant_column_changes_nothing(make_rows, plant, samples):
    x, y = samples
    plant(x, y)
    (alone,) = make_rows("knn", dataset="planted")
    plant(np.column_stack([x, np.full(len(x), 7.0)]), y)
    (beside,) = make_rows("knn", dataset="planted")
    assert alone.status == beside.status == "ok"
    np.testing.assert_array_equal(alone.scores, beside.scores)


@pytest.mark.fault(
    area="data",
    kind="fewer samples than neighbours",
    how="four training samples",
    promise="`unsupported` for those that need more",
)
def test_fewer_training_rows_than_neighbours_are_unsupported(make_rows, plant, samples):
    x, y = samples
    keep = np.concatenate([np.flatnonzero(y == 0)[:8], np.flatnonzero(y == 1)[:3]])
    plant(x[keep], y[keep])
    rows = make_rows("lof", "knn", "mean-distance", dataset="planted")
    told = {row.wanted.spec: row for row in rows}
    assert told["lof"].status == "unsupported"
    assert "there are 4" in told["lof"].reason
    assert told["knn"].status == "unsupported"
    assert told["mean-distance"].status == "ok"


@pytest.mark.fault(
    area="data",
    kind="one normal sample",
    how="a data set with a single normal sample",
    promise="`unsupported` with the reason",
)
def test_one_normal_row_is_unsupported(make_rows, plant, samples):
    x, y = samples
    keep = np.concatenate([np.flatnonzero(y == 0)[:1], np.flatnonzero(y == 1)[:3]])
    plant(x[keep], y[keep])
    (row,) = make_rows("mean-distance", dataset="planted")
    assert row.status == "unsupported"
    assert row.reason == "planted has 1 normal rows; one-class needs at least two"


@pytest.mark.fault(
    area="data",
    kind="one feature",
    how="a data set of one column",
    promise="every detector ends in a status",
)
def test_one_feature_is_enough(make_rows, plant, samples):
    x, y = samples
    plant(x[:, :1].copy(), y)
    rows = make_rows("knn", "lof", "pca", "mean-distance", "max-abs-z", dataset="planted")
    told = {row.wanted.spec: row for row in rows}
    assert told.pop("pca").status in ("ok", "unsupported", "constant")
    for row in told.values():
        assert row.status == "ok"
        assert row.metrics["auroc"] > 0.9


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda x: x.astype(np.int16),
        lambda x: (x - x.min()).astype(np.uint8),
        lambda x: x.astype(np.float32),
        lambda x: x[:, ::-1][:, ::-1],
    ],
    ids=["fortran", "int16", "uint8", "float32", "strided"],
)
def test_samples_of_any_layout_and_type_come_as_float64_in_c_order(
    make_rows, plant, samples, change
):
    x, y = samples
    x = np.round(x * 10)  # whole numbers, which every type holds
    plant(x - x.min() if change(x).dtype == np.uint8 else x, y)
    expected = make_rows("knn", "mean-distance", dataset="planted")
    plant(change(x), y)
    rows = make_rows("knn", "mean-distance", dataset="planted")
    for row, other in zip(rows, expected, strict=True):
        assert row.status == "ok"
        np.testing.assert_array_equal(row.scores, other.scores)
    for part in scale("standard", change(x)[:50], change(x)[50:]):
        assert part.dtype == np.float64
        assert part.flags.c_contiguous


@pytest.mark.fault(
    area="data",
    kind="data that change during a run",
    how="samples are changed after planning",
    promise="no row is stored",
)
def test_data_that_change_during_the_run_are_no_result(make_rows, plant, samples, monkeypatch):
    x, y = samples
    plant(x, y)
    planned = planning.jobs

    def jobs_of_data_that_then_change(*args):
        made = planned(*args)
        plant(x + 1, y)
        return made

    monkeypatch.setattr("bench.plan.planning.jobs", jobs_of_data_that_then_change)
    with pytest.raises(converse.NotRun, match=r"planted was changed during the run; run again"):
        make_rows("random", dataset="planted")


@pytest.mark.fault(
    area="data",
    kind="data that are missing or have another content",
    how="the loader fails, or the sha256 differs",
    promise="no row is stored, and the message says what to do",
)
def test_data_that_are_not_there_or_broken_are_no_result(make_rows, plant, samples):
    def missing(card, paths):
        msg = "planted.npz is not there; get it with `bench data fetch planted`"
        raise FileNotFoundError(msg)

    plant(*samples, load=missing)
    with pytest.raises(converse.NotRun, match=r"planted\.npz is not there; get it with"):
        make_rows("random", dataset="planted")
    x, y = samples
    plant(x, y, load=lambda card, paths: DataSet(card, x + 1, y))
    with pytest.raises(converse.NotRun, match=r"planted: content has sha256 .* restore the source"):
        make_rows("random", dataset="planted")


def mask(labels):
    return (np.asarray(labels, np.uint8) ^ MASK).tobytes().hex()


def labels_to_look_for(data, seed):
    """Runs of 40 labels: of all rows, and of the test rows in either order."""
    split = named.split("one-class", data, seed)
    test = data.y[split.test]
    return [labels[20:60] for labels in (data.y, test, test[split.order])]


@pytest.mark.fault(
    area=DETECTORS,
    kind="search for labels",
    how="a detector searches its memory, arguments, environment and files",
    promise="no label is found",
)
def test_a_detector_that_looks_for_labels_finds_none(make_rows, plant):
    rng = np.random.default_rng(7)
    y = (rng.random(400) < 0.4).astype(np.int8)
    plant(rng.normal(size=(400, 3)) + y[:, None], y)
    needles = labels_to_look_for(load("planted"), seed=0)
    assert all(0 < needle.sum() < 40 for needle in needles)
    searcher = {
        "spec": f"{FAULTY}:LabelSearch",
        "settings": {"masked": " ".join(mask(needle) for needle in needles)},
    }
    (row,) = make_rows(searcher, dataset="planted")
    assert row.status == "ok", row.details
    told = [json.loads(line) for line in row.details["output"].splitlines()]
    assert [when for when, _ in told] == ["fit", "score"]
    for _, found in told:
        assert found == {"memory": [], "arguments": [], "environment": [], "files": []}


def test_the_search_finds_labels_where_they_are(tmp_path):
    labels = (np.random.default_rng(8).random(40) < 0.4).astype(np.int8)
    digits = "".join(map(str, labels))
    (tmp_path / "handed").write_bytes(labels.tobytes())
    code = f"""
import runpy, sys, numpy as np
faulty = runpy.run_path({FAULTY!r})
labels = np.frombuffer(bytes.fromhex(sys.argv[2]), np.uint8) ^ np.uint8({MASK})
held = [labels.astype(dtype) for dtype in (np.int8, np.int64, np.float64)]
file = open(sys.argv[3], "rb")
print(faulty["search_for_labels"](sys.argv[2:3]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, digits, mask(labels), str(tmp_path / "handed")],
        env={"LABELS": digits},
        capture_output=True,
        text=True,
        check=True,
    )
    found = ast.literal_eval(done.stdout)
    kinds = {hit.partition(" ")[0] for hit in found["memory"]}
    assert {"int8", "int64", "float64"} <= kinds
    assert found["arguments"] == ["digits in command line"]
    assert found["environment"] == ["digits in environment"]
    assert found["files"] == [f"int8 in {tmp_path / 'handed'}"]


@pytest.mark.fault(
    area=DETECTORS,
    kind="scores by position",
    how="a detector returns the index of each test sample",
    promise="AUROC .5",
)
@pytest.mark.parametrize("dataset", ["wine", "digits/3", "breast-cancer"])
def test_the_row_index_scores_one_half(make_rows, dataset):
    rows = make_rows("row-index", dataset=dataset, seeds=100)
    aurocs = np.array([row.metrics["auroc"] for row in rows])
    assert abs(aurocs.mean() - 0.5) < 4 * aurocs.std() / np.sqrt(len(aurocs))
    assert abs(aurocs.mean() - 0.5) < 0.02


def test_test_rows_come_in_another_order_than_the_files_and_for_each_seed():
    data = load("wine")
    splits = [named.split("one-class", data, seed) for seed in range(3)]
    for split in splits:
        n = len(split.test)
        assert (np.diff(split.test) > 0).all()
        assert sorted(split.order) == list(range(n))
        assert abs(np.corrcoef(split.order, np.arange(n))[0, 1]) < 0.3
        assert abs(roc_auc_score(data.y[split.test[split.order]], np.arange(n)) - 0.5) < 0.2
        assert abs(np.corrcoef(split.train, np.arange(len(split.train)))[0, 1]) < 0.4
        assert not data.y[split.train].any()
    assert not np.array_equal(splits[0].order, splits[1].order)
    scores = np.random.default_rng(0).random(len(splits[0].test))
    put_back = splits[0].put_back(scores[splits[0].order])
    np.testing.assert_array_equal(put_back, scores)


def test_small_data_sets_are_loaded_once_for_all_jobs_and_large_ones_do_not_stay(
    monkeypatch, tmp_path
):
    loaded = []

    def load(name, folder):
        loaded.append(name)
        return datasets_load(name, folder)

    datasets_load = converse.load
    monkeypatch.setattr(converse, "load", load)
    names = [f"digits/{k}" for k in range(8)]
    for name in names * 2:
        converse._load(name, tmp_path)
    assert loaded == names
    monkeypatch.setattr(converse._load.cache, "_Cache__maxsize", 1000)
    converse._load.cache_clear()
    for _ in range(2):
        converse._load("wine", tmp_path)
    assert loaded == [*names, "wine", "wine"]
    converse._load.cache_clear()
