"""Published protocols: which rows they train on and test."""

from dataclasses import replace

import numpy as np
import pytest

import datasets
from bench.plan.planning import wanted_rows
from bench.plan.suite import Suite
from bench.protocols.named import PROTOCOLS, split
from bench.protocols.papers import PUBLISHED
from bench.run.prepare import Unit, prepare

# Precision and recall of Zong et al., "DAGMM", ICLR 2018, and the share of the test rows that the
# authors call anomalous.
PRINTED_DAGMM = [
    ("odds/arrhythmia", 0.15, 0.4909, 0.5078),
    ("adbench/thyroid", 0.025, 0.4766, 0.4834),
]


@pytest.mark.parametrize(("dataset", "share", "precision", "recall"), PRINTED_DAGMM)
def test_dagmm_tests_the_share_of_anomalies_that_the_printed_values_are_based_on(
    dataset, share, precision, recall
):
    if not datasets.present(dataset):
        pytest.skip(f"{dataset} is not in the data folder")
    data = datasets.load(dataset)
    n_called = share * len(split("dagmm", data, 0).test)
    n_anomalies = np.mean([data.y[split("dagmm", data, seed).test].sum() for seed in range(2000)])

    # Both count the same hits, so that recall over precision is rows called over anomalies.
    assert recall / precision == pytest.approx(n_called / n_anomalies, abs=0.012)


def test_small_sets_are_resampled_so_that_test_rows_train():
    data = datasets.load("wine")  # 178 rows
    got = split("dte-2024-semi", data, 0)
    assert len(got.train) + len(got.test) == 1000
    assert len(np.intersect1d(got.train, got.test)) > 40
    assert not data.y[got.train].any()


def test_large_sets_are_sampled_down_without_repeating_a_row():
    y = np.repeat([0, 1], [50_100, 400]).astype(np.int8)
    sample = datasets.load("wine")
    card = replace(sample.card, from_files=True, n=None, shape=None, n_anomalies=None)
    got = split("dte-2024-semi", datasets.DataSet(card, np.arange(50_500.0)[:, None], y), 0)
    assert len(np.union1d(got.train, got.test)) == len(got.train) + len(got.test) == 50_000


def test_without_labels_all_rows_are_tested_and_a_bootstrap_of_them_trains():
    data = datasets.load("digits/3")
    got = split("dte-2024-unsup", data, 0)
    assert got.test.tolist() == list(range(1797))
    assert len(got.train) == 1797
    assert set(got.train) < set(got.test)
    assert data.y[got.train].any()


def test_without_labels_the_scaler_is_fitted_on_all_rows_in_the_authors_order():
    from sklearn.preprocessing import StandardScaler

    data = datasets.load("wine")
    suite = Suite(
        name="s", title="s", detectors=["knn"], datasets=["wine"], protocol="dte-2024-unsup"
    )
    unit = prepare(data, wanted_rows(suite, "cpu")[:1])
    assert isinstance(unit, Unit)
    scaler = StandardScaler().fit(data.x[unit.split.test])
    expected = scaler.transform(data.x[unit.split.test])
    np.testing.assert_array_equal(unit.x_test, expected[unit.split.order])
    np.testing.assert_array_equal(unit.x_train, scaler.transform(data.x[unit.split.train]))


def test_pyod_splits_as_scikit_learn_does():
    from sklearn.model_selection import train_test_split

    data = datasets.load("wine")
    for seed in range(3):
        random_state = np.random.RandomState(seed)
        train, test = train_test_split(np.arange(178), test_size=0.4, random_state=random_state)
        got = split("pyod-2019", data, seed)
        np.testing.assert_array_equal(got.train, train)
        np.testing.assert_array_equal(got.test, test)


def test_dagmm_trains_on_the_normal_rows_of_a_random_half():
    data = datasets.load("wine")
    got = split("dagmm", data, 0)
    assert len(got.test) == 89
    unused = np.setdiff1d(np.arange(178), [*got.train, *got.test])
    assert data.y[unused].all()
    assert not data.y[got.train].any()
    assert set(split("dagmm", data, 1).test) != set(got.test)


def test_goad_trains_on_the_first_half_of_the_normal_rows_whatever_the_seed():
    data = datasets.load("wine")
    normals = np.flatnonzero(data.y == 0)
    for seed in range(2):
        got = split("goad", data, seed)
        assert got.train.tolist() == normals[:59].tolist()
        assert len(got.test) == 178 - 59


def test_a_row_that_is_tested_twice_has_two_scores(make_rows):
    (row,) = make_rows("knn", protocol="dte-2024-semi")
    assert row.status == "ok"
    assert row.sizes["n_train"] + row.sizes["n_test"] == 1000
    assert len(row.scores) == row.sizes["n_test"]
    assert row.metrics["auroc"] > 0.95


def test_detectors_that_judge_a_batch_are_admitted_where_the_tables_had_them(make_rows):
    (row,) = make_rows("pyod:COPOD", protocol="dte-2024-unsup")
    assert row.status == "ok"
    (row,) = make_rows("pyod:COPOD", protocol="goad")
    assert row.status == "unsupported"


def test_what_is_published_says_where_and_what_is_wrong_with_it():
    for name, protocol in PROTOCOLS.items():
        assert bool(protocol.paper) == bool(protocol.flaw) == (name in PUBLISHED)
