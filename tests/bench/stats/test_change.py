"""The change between paired rows: known answers, and how often it errs."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.stats.change import change, mean

RNG = np.random.default_rng(0)


def test_of_one_data_set_it_is_the_paired_t_test():
    differences = RNG.normal(0.01, 0.02, 6)
    found = change({"wine": differences}, {"wine": "wine"})
    oracle = stats.ttest_1samp(differences, 0)
    low, high = oracle.confidence_interval(0.95)
    assert (found.mean, found.p) == pytest.approx((differences.mean(), oracle.pvalue))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_of_two_data_sets_its_freedom_is_welchs():
    a, b = RNG.normal(0, 1, 5), RNG.normal(0, 3, 9)
    found = change({"a": a, "b": b}, {"a": "a", "b": "b"})
    oracle = stats.ttest_ind(a, -b, equal_var=False)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.mean == pytest.approx((a.mean() + b.mean()) / 2)


def test_families_weigh_alike():
    families = {"wine": "wine", "digits/1": "digits", "digits/2": "digits"}
    values = {"wine": [1.0], "digits/1": [0.0, 0.0], "digits/2": [0.5]}
    assert mean(values, families) == pytest.approx((1 + 0.25) / 2)


def test_single_seeds_take_the_spread_of_the_data_sets():
    values = {"a": [0.1], "b": [0.3], "c": [0.2]}
    found = change(values, {name: name for name in values})
    assert found.of_data_sets
    assert found.p == pytest.approx(stats.ttest_1samp([0.1, 0.3, 0.2], 0).pvalue)


def test_one_pair_has_no_interval_unless_it_is_equal():
    single = change({"a": [0.2]}, {"a": "a"})
    assert single.mean == 0.2
    assert math.isnan(single.p)
    equal = change({"a": [0.0]}, {"a": "a"})
    assert (equal.low, equal.high, equal.p) == (0, 0, 1)


def test_equal_changes_are_certain_and_equal_rows_no_change():
    assert change({"a": [-0.3, -0.3]}, {"a": "a"}).p == 0
    none = change({"a": [0.0, 0.0], "b": [0.0, 0.0]}, {"a": "a", "b": "b"})
    assert (none.low, none.high, none.p) == (0, 0, 1)


@pytest.mark.parametrize(("n_sets", "n_seeds"), [(1, 5), (3, 3), (12, 5), (10, 1)])
def test_no_change_is_taken_for_one_no_oftener_than_said(n_sets, n_seeds):
    names = [f"set {i}" for i in range(n_sets)]
    families = {name: name if i % 3 else "related" for i, name in enumerate(names)}
    spreads = RNG.exponential(1, n_sets)
    draws = RNG.beta(9, 1, (2, 400, n_sets, n_seeds))  # as AUROCs near 1 are spread
    wrong = 0
    for one in (draws[0] - draws[1]) * spreads[:, None]:
        wrong += change(dict(zip(names, one, strict=True)), families).p < 0.05
    assert wrong / 400 < 0.08
