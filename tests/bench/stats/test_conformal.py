"""Conformal p-values: counted by hand, and the rates that they promise in simulation."""

import numpy as np
import pytest
from scipy.stats import betabinom

from bench.stats.conformal import (
    are_alarms,
    check_enough,
    false_alarm_band,
    false_discoveries,
    normals_needed,
    p_values,
    threshold,
)


def test_a_p_value_counts_held_out_scores_that_are_as_large():
    np.testing.assert_array_equal(
        p_values([[0, 2, 2.5, 9]], [[1, 2, 2, 3]]), np.array([5, 4, 2, 1]) / 5
    )


def test_counts_of_folds_are_added_each_by_its_own_model():
    p = p_values([[1.5], [150.0]], [[1, 2], [100, 200, 300]])
    assert p.tolist() == [(1 + 1 + 2) / 6]


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("n", [3, 19, 99, 100, 347])
def test_an_alarm_is_a_score_above_the_threshold(alpha, n):
    rng = np.random.default_rng(n)
    held, scores = rng.normal(size=n), np.append(rng.normal(size=500), np.inf)
    p = p_values([scores], [held])
    assert (are_alarms(p, alpha, n) == (scores > threshold(held, alpha))).all()
    assert are_alarms(p, alpha, n)[-1] == (n >= normals_needed(alpha)) == (1 / (n + 1) <= alpha)


def test_few_normals_are_refused_with_the_number_needed():
    check_enough(19, 0.05)
    with pytest.raises(ValueError, match=r"rate of 0\.05 needs 19 held-out normals, there are 18"):
        check_enough(18, 0.05)
    with pytest.raises(ValueError, match=r"alarm rate is 1; give a share within \(0, 1\)"):
        check_enough(18, 1)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_normals_alarm_at_the_rate_and_within_the_band(alpha):
    rng = np.random.default_rng(0)
    n, m, rounds = 199, 300, 2000
    rates = np.array(
        [
            are_alarms(p_values([rng.normal(size=m)], [rng.normal(size=n)]), alpha, n).mean()
            for _ in range(rounds)
        ]
    )
    assert abs(rates.mean() - alpha) < 4 * rates.std() / rounds**0.5
    low, high = false_alarm_band(n, m, alpha)
    assert 0.935 <= ((low <= rates) & (rates <= high)).mean() <= 0.985


@pytest.mark.parametrize(("n", "m", "alpha"), [(19, 50, 0.05), (200, 500, 0.1), (30, 7, 0.2)])
def test_the_band_is_that_of_the_beta_binomial_distribution(n, m, alpha):
    k = int(alpha * (n + 1) + 1e-9)
    expected = betabinom.ppf([0.025, 0.975], m, k, n + 1 - k) / m
    np.testing.assert_allclose(false_alarm_band(n, m, alpha), expected)


def test_benjamini_and_hochberg_by_hand():
    p = np.array([0.041, 0.2, 0.01, 0.02, 0.03])
    assert false_discoveries(p, 0.05).tolist() == [False, False, True, True, True]
    assert not false_discoveries(np.array([0.06, 0.5]), 0.05).any()


def test_false_discoveries_stay_below_their_share():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(500):
        held, scores = rng.normal(size=999), rng.normal(size=200)
        scores[:40] += 4
        found = false_discoveries(p_values([scores], [held]), 0.1)
        assert found[:40].sum() > 20
        shares.append(found[40:].sum() / max(1, found.sum()))
    assert np.mean(shares) < 0.1
