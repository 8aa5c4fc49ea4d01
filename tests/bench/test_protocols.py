"""Protocols: what trains, what tests, in which order, and on what that depends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.protocols import PROTOCOLS, NotApplicable, Split, find, split
from datasets import Card, DataSet, OfficialSplit, content_sha256, load, names

EMBEDDED = [name for name in names() if name in ("wine", "breast-cancer", "digits/3", "digits/8")]
seeds = st.integers(0, 2**31 - 1)


def data_of(labels, official=None, cap=None, offset=0.0) -> DataSet:
    """Return a data set of these labels; sample i is the number i + offset."""
    y = np.asarray(labels, dtype=np.int8)
    x = np.arange(len(y), dtype=np.float64)[:, None] + offset
    chosen = OfficialSplit(*map(np.asarray, official)) if official else None
    card = Card(
        name="made",
        kind="tabular",
        family="made",
        source="made",
        licence="none",
        citation="none",
        sha256=content_sha256(x, y, chosen),
        n=len(y),
        shape=(1,),
        n_anomalies=int(y.sum()),
        duplicates=0,
        synthetic=True,
        max_test_anomaly_rate=cap,
        has_official_split=official is not None,
    )
    return DataSet(card, x, y, chosen)


@st.composite
def label_lists(draw, least_normals=2):
    n_normals = draw(st.integers(least_normals, 60))
    n_anomalies = draw(st.integers(1, 60))
    return draw(st.permutations([0] * n_normals + [1] * n_anomalies))


@given(label_lists(), seeds)
def test_one_class_trains_on_half_of_the_normals_and_tests_on_all_else(labels, seed):
    data = data_of(labels)
    got = split("one-class", data, seed)
    n_normals = int((data.y == 0).sum())
    assert len(got.train) == n_normals // 2
    assert not data.y[got.train].any()
    assert sorted([*got.train, *got.test]) == list(range(len(labels)))
    assert (np.diff(got.test) > 0).all()


@given(label_lists(), seeds, st.sampled_from([0.02, 0.1, 0.3]))
def test_a_cap_limits_the_anomalies_in_the_test_set(labels, seed, cap):
    data = data_of(labels, cap=cap)
    got = split("one-class", data, seed)
    n_test_normals = int((data.y[got.test] == 0).sum())
    n_anomalies = int(data.y[got.test].sum())
    assert n_anomalies == 1 or n_anomalies / len(got.test) <= cap
    fits_one_more = (n_anomalies + 1) / (n_test_normals + n_anomalies + 1) <= cap - 1e-12
    assert n_anomalies == data.y.sum() or not fits_one_more


@given(label_lists(), seeds)
def test_the_split_depends_on_the_seed_and_nothing_else(labels, seed):
    first = split("one-class", data_of(labels), seed)
    np.random.default_rng(seed).random(3)
    second = split("one-class", data_of(labels, offset=1e6), seed)
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_seeds_differ_in_training_rows_and_in_order():
    data = load("wine")
    splits = [split("one-class", data, seed) for seed in range(5)]
    assert len({tuple(sorted(s.train)) for s in splits}) == 5
    assert len({tuple(s.order) for s in splits}) == 5


@given(label_lists(), seeds)
def test_scores_are_put_back_in_the_order_of_the_test_rows(labels, seed):
    data = data_of(labels)
    got = split("one-class", data, seed)
    assert sorted(got.order) == list(range(len(got.test)))
    handed_over = data.x[got.test[got.order], 0]
    np.testing.assert_array_equal(got.put_back(handed_over), got.test)


def test_the_test_order_has_a_stream_of_its_own():
    data = data_of([0] * 200 + [1])
    capped = data_of([0] * 200 + [1] * 5, cap=0.01)
    one, other = split("one-class", data, 3), split("one-class", capped, 3)
    assert len(one.test) == len(other.test)
    np.testing.assert_array_equal(one.order, other.order)


def test_the_first_rows_handed_over_are_as_often_anomalies_as_any():
    data = data_of([0] * 100 + [1] * 50)
    shares = []
    for seed in range(200):
        got = split("one-class", data, seed)
        shares.append(data.y[got.test[got.order]][:20].mean())
    assert abs(np.mean(shares) - 0.5) < 0.04


@pytest.mark.parametrize("name", EMBEDDED)
def test_no_anomaly_trains_and_nothing_trains_and_tests_on_real_data(name):
    data = load(name)
    got = split("one-class", data, 0)
    assert not data.y[got.train].any()
    assert not set(got.train) & set(got.test)
    if name.startswith("digits"):
        assert 0.08 < data.y[got.test].mean() <= 0.1


def test_the_official_split_is_used_in_an_order_of_the_seed():
    data = data_of([0, 0, 1, 0, 1, 0, 0], official=([0, 1, 3, 6], [2, 5]))
    orders = set()
    for seed in range(20):
        got = split("official", data, seed)
        assert sorted(got.train) == [0, 1, 3, 6]
        assert got.test.tolist() == [2, 5]
        orders.add(tuple(got.train))
    assert len(orders) > 5


def test_a_protocol_that_does_not_fit_says_why():
    with pytest.raises(NotApplicable, match="made has no official split; use the protocol one-c"):
        split("official", data_of([0, 0, 1]), 0)
    with pytest.raises(NotApplicable, match="made has 1 normal rows; one-class needs two"):
        split("one-class", data_of([0, 1]), 0)


def test_transductive_trains_and_tests_on_every_row():
    got = split("transductive", data_of([0, 1, 0, 0]), 1)
    assert sorted(got.train) == got.test.tolist() == [0, 1, 2, 3]


def test_an_unknown_protocol_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown protocol 'one_class'; did you mean one-class\?"):
        find("one_class")
    assert all(PROTOCOLS[name] is find(name) for name in PROTOCOLS)


def test_put_back_inverts_an_order_that_is_not_its_own_inverse():
    got = Split(np.arange(0), np.array([10, 20, 30]), np.array([2, 0, 1]))
    assert got.put_back(np.array([30.0, 10.0, 20.0])).tolist() == [10.0, 20.0, 30.0]
