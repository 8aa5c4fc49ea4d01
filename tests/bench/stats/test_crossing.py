"""Where a curve changes its sign, with an interval that holds the true place."""

import math

import numpy as np
import pytest

from bench.stats.averages import Nesting, interval
from bench.stats.crossing import crossing, line

X = np.array([1.0, 2.0, 3.0, 4.0])


def test_a_change_of_sign_is_interpolated_and_its_interval_inverts_the_limits():
    means = np.array([-2.0, -1.0, 1.0, 2.0])
    found = crossing(X, means, means - 1.5, means + 1.5)
    assert (found.at, found.rises) == (2.5, True)
    assert found.low == pytest.approx(1.5), "the upper limit is 0 halfway from -.5 to .5"
    assert found.high == pytest.approx(3.5)


def test_a_falling_curve_is_read_from_the_other_side():
    means = np.array([2.0, 1.0, -1.0, -2.0])
    found = crossing(X, means, means - 1.5, means + 1.5)
    assert (found.low, found.at, found.high, found.rises) == (1.5, 2.5, 3.5, False)


def test_the_last_change_counts():
    assert crossing(X, np.array([-1.0, 1.0, -1.0, 1.0]), X * np.nan, X * np.nan).at == 3.5


def test_limits_that_do_not_end_within_the_data_are_infinite():
    means = np.array([-1.0, -0.5, 0.5, 1.0])
    found = crossing(X, means, means - 2, means + 2)
    assert (found.low, found.at, found.high) == (-math.inf, 2.5, math.inf)


@pytest.mark.parametrize(("means", "at"), [([1, 2, 2, 3], -math.inf), ([-3, -2, -2, -1], math.inf)])
def test_a_curve_of_one_sign_has_no_place(means, at):
    found = crossing(X, np.array(means, float), X * np.nan, X * np.nan)
    assert found.at == at
    assert math.isnan(found.low)


def test_the_interval_holds_the_true_place_by_simulation():
    generator, nesting = np.random.default_rng(0), Nesting.of(list("abcdefgh"), list("abcdefgh"))
    held = 0
    for _ in range(400):
        own = generator.normal(0, 0.05, (4, 8)) + generator.normal(0, 0.05, 8)
        values = 0.1 * (X - 2.4)[:, None] + own
        low, high = interval(values, nesting)
        found = crossing(X, values.mean(axis=1), low, high)
        held += found.low <= 2.4 <= found.high
    assert held / 400 > 0.93


def test_a_line_has_the_limits_of_least_squares_by_simulation():
    generator, x = np.random.default_rng(1), np.linspace(0, 5, 9)
    held = []
    for _ in range(400):
        means, low, high = line(x, 2 - 0.5 * x + generator.normal(0, 1, 9), np.array([0.0, 4.0]))
        assert (low < means).all()
        held.append((low <= [2, 0]) & (high >= [2, 0]))
    assert np.mean(held, axis=0) == pytest.approx(0.95, abs=0.03)
    assert np.isnan(line(x[:3], x[:3], x)[1]).all(), "of three points"
