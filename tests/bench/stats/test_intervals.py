"""Intervals of a row: worked values, root finding by scipy, and coverage by simulation."""

import time

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from bench.metrics.scored import auroc_se
from bench.stats.intervals import auroc_interval, average_precision_interval

Z = norm.ppf(0.975)


def one(limits):
    return limits[0].item(), limits[1].item()


def hanley_mcneil(t, m, n):
    middle = (m + n) / 2 - 1
    return t * (1 - t) / (m * n) * (1 + middle * (1 - t) / (2 - t) + middle * t / (1 + t))


def test_auroc_interval_is_delongs_on_the_logit_scale():
    low, high = one(auroc_interval(0.9, 0.03, 200, 800))
    half = Z * 0.03 / (0.9 * 0.1)
    assert (low, high) == pytest.approx((expit(logit(0.9) - half), expit(logit(0.9) + half)))
    assert low < 0.9 < high < 1


@pytest.mark.parametrize(("auroc", "se"), [(1.0, 0.0), (0.0, 0.0), (0.5, 0.0), (0.8, np.nan)])
def test_where_delong_degenerates_the_limits_solve_newcombes_equation(auroc, se):
    m, n = 7, 30
    low, high = one(auroc_interval(auroc, se, m, n))
    if auroc > 0:
        root = brentq(lambda t: auroc - t - Z * np.sqrt(hanley_mcneil(t, m, n)), 0, auroc - 1e-9)
        assert low == pytest.approx(root, abs=1e-8)
    if auroc < 1:
        root = brentq(lambda t: t - auroc - Z * np.sqrt(hanley_mcneil(t, m, n)), auroc + 1e-9, 1)
        assert high == pytest.approx(root, abs=1e-8)
    assert (low == 0) == (auroc == 0)
    assert (high == 1) == (auroc == 1)


def test_no_spread_in_large_classes_is_no_certainty_either():
    for auroc in (0.5, 1.0):
        low, high = one(auroc_interval(auroc, 0.0, 500, 500))
        assert 0 < high - low < 0.1


def test_with_few_of_a_class_the_interval_is_the_hull_of_both_methods():
    narrow, wide = one(auroc_interval(0.9, 0.001, 10, 5000)), one(auroc_interval(0.9, 0.15, 10, 50))
    assert narrow == pytest.approx(one(auroc_interval(0.9, np.nan, 10, 5000)))
    assert wide == pytest.approx(one(auroc_interval(0.9, 0.15, 1000, 5000)))


def test_a_perfect_score_on_more_samples_is_more_certain():
    low, high = auroc_interval(np.ones(4), np.zeros(4), [1, 5, 50, 500], [10, 50, 500, 5000])
    assert np.all(np.diff(low) > 0)
    assert low[0] < 0.5
    assert low[-1] > 0.99
    np.testing.assert_array_equal(high, 1)


def test_nothing_known_gives_no_interval():
    assert np.isnan(one(auroc_interval(np.nan, 0.1, 5, 5))).all()
    assert np.isnan(one(auroc_interval(1.0, 0.0, np.nan, 5))).all()
    assert np.isnan(one(average_precision_interval(0.5, np.nan))).all()
    assert np.isnan(one(average_precision_interval(np.nan, 5))).all()


def test_average_precision_interval_is_the_logit_interval():
    low, high = one(average_precision_interval(0.6, 25))
    half = Z / np.sqrt(25 * 0.6 * 0.4)
    assert (low, high) == pytest.approx((expit(logit(0.6) - half), expit(logit(0.6) + half)))


def test_average_precision_interval_is_continuous_and_monotone_up_to_one():
    for anomalies in (1, 2, 10, 300):
        ap = np.linspace(0, 1, 2001)
        low, high = average_precision_interval(ap, anomalies)
        assert np.all(np.diff(low) >= -2e-3)
        assert np.all(np.diff(high) >= -2e-3)
        assert np.all((low <= ap) & (ap <= high))
        assert (low[0], high[-1]) == (0, 1)
        assert low[-1] < 1
        assert high[0] > 0


def coverage(low, high, truth):
    return np.mean((low <= truth) & (truth <= high))


def simulated_coverage(auroc, m, n, anomalies):
    """Share of 1500 test sets whose interval holds the AUROC; anomalies: (rng, (sets, m)) -> x."""
    rng = np.random.default_rng(1)
    y = np.r_[np.ones(m, int), np.zeros(n, int)]
    draws = np.hstack([anomalies(rng, (1500, m)), rng.normal(size=(1500, n))])
    found = (rankdata(draws, axis=1)[:, :m].sum(axis=1) - m * (m + 1) / 2) / (m * n)
    se = [auroc_se(y, scores) for scores in draws]
    return coverage(*auroc_interval(found, se, m, n), auroc)


@pytest.mark.parametrize("auroc", [0.7, 0.9, 0.98])
@pytest.mark.parametrize(("m", "n"), [(10, 60), (20, 300), (10, 1619), (150, 300)])
def test_auroc_intervals_cover_the_truth_as_often_as_they_say(auroc, m, n):
    def shifted(rng, shape):
        return rng.normal(size=shape) + np.sqrt(2) * norm.ppf(auroc)

    assert 0.93 <= simulated_coverage(auroc, m, n, shifted) <= 0.995


@pytest.mark.parametrize(("m", "n"), [(20, 300), (150, 300)])
def test_auroc_intervals_hold_where_anomalies_are_of_two_kinds(m, n):
    def hidden_or_far(rng, shape):  # one in five is like a normal: AUROC .9
        return rng.normal(size=shape) + np.where(rng.uniform(size=shape) < 0.2, 0, 20)

    assert 0.91 <= simulated_coverage(0.9, m, n, hidden_or_far) <= 0.98


def test_average_precision_intervals_cover_the_truth():
    rng = np.random.default_rng(2)
    m, n, shift = 40, 160, 1.5
    y = np.r_[np.ones(m, int), np.zeros(n, int)]

    def average_precisions(scores, y):
        hits = y[np.argsort(-scores, axis=-1)]
        precision = hits.cumsum(axis=-1) / np.arange(1, hits.shape[-1] + 1)
        return (precision * hits).sum(axis=-1) / y.sum()

    many = np.repeat(y, 2000)
    truth = average_precisions(rng.normal(size=many.size) + shift * many, many)
    found = average_precisions(rng.normal(size=(3000, m + n)) + shift * y, y)
    assert 0.93 <= coverage(*average_precision_interval(found, m), truth) <= 0.99


def test_ten_thousand_rows_are_cheap():
    rng = np.random.default_rng(3)
    auroc = rng.choice([1.0, 0.9], 10_000)
    begin = time.perf_counter()
    low, _ = auroc_interval(auroc, np.where(auroc == 1, 0, 0.02), 20, 100)
    average_precision_interval(auroc, np.full(10_000, 20))
    assert time.perf_counter() - begin < 1
    assert np.isfinite(low).all()
