"""Areas of excess mass and mass volume, against a Gaussian whose level sets are known."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma
from scipy.stats import chi2, norm

from bench.metrics.volumes import DRAWS, MASSES, areas, draws


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_both_areas_are_those_of_a_gaussian_with_the_best_score(d):
    x = normal(100_000, d)
    drawn = draws(x, 0)
    found = areas(np.linalg.norm(x, axis=1), np.linalg.norm(drawn, axis=1))
    ball = np.pi ** (d / 2) / gamma(d / 2 + 1) / np.prod(x.max(axis=0) - x.min(axis=0))

    def volume(mass):
        return ball * chi2.ppf(mass, d) ** (d / 2)

    assert found["mass_volume"] == pytest.approx(quad(volume, 0.9, MASSES[-1])[0], rel=0.03)
    radii = np.linspace(0, 6, 4000)[1:]
    mass, needed = chi2.cdf(radii**2, d), ball * radii**d
    prices = np.linspace(0, ((mass - 0.9) / needed).max(), 2000)
    excess = [(mass - price * needed).max() for price in prices]
    assert excess[-1] == pytest.approx(0.9, abs=1e-3)
    assert found["excess_mass"] == pytest.approx(np.trapezoid(excess, prices), rel=0.05)


def test_both_areas_by_brute_force_where_scores_tie():
    rng = np.random.default_rng(3)
    held, drawn = rng.integers(0, 12, 90) ** 2.0, rng.integers(0, 40, 4000) ** 2.0
    found = areas(held, drawn)
    levels = sorted(set(held))
    pairs = [((held <= u).mean(), (drawn <= u).mean()) for u in levels]
    needed = [min(v for m, v in pairs if m >= mass - 1e-12) for mass in MASSES]
    assert found["mass_volume"] == pytest.approx(np.trapezoid(needed, MASSES))
    last = max((m - 0.9) / v for m, v in pairs)
    prices = np.linspace(0, last, 20_000)
    excess = np.max([m - prices * v for m, v in pairs], axis=0)
    assert found["excess_mass"] == pytest.approx(np.trapezoid(excess, prices), rel=1e-4)


def test_a_better_score_has_more_excess_mass_and_less_volume():
    x, drawn = normal(2000, 2), draws(normal(2000, 2), 0)
    good = areas(np.linalg.norm(x, axis=1), np.linalg.norm(drawn, axis=1))
    poor = areas(np.abs(x[:, 0]), np.abs(drawn[:, 0]))
    none = areas(np.zeros(50), np.zeros(DRAWS))
    assert good["excess_mass"] > poor["excess_mass"] > none["excess_mass"]
    assert good["mass_volume"] < poor["mass_volume"] < none["mass_volume"]
    assert none["mass_volume"] == pytest.approx(MASSES[-1] - MASSES[0])


def test_the_order_of_scores_alone_counts():
    x, drawn = norm.rvs(size=300, random_state=0), norm.rvs(size=DRAWS, random_state=1)
    assert areas(x, drawn) == areas(np.exp(x), np.exp(drawn))


@pytest.mark.parametrize("far", [0, 9, 10])
def test_too_few_draws_in_a_level_set_say_nothing(far):
    drawn = np.r_[np.zeros(far), np.ones(1000)]
    assert bool(areas(np.linspace(0, 0.5, 40), drawn)) == (far == 10)


def test_scores_that_are_no_numbers_say_nothing_and_infinite_ones_are_the_largest():
    x, drawn = np.arange(100.0), np.arange(1000.0)
    assert areas(np.r_[x, np.nan], drawn) == areas(x, np.r_[drawn, np.nan]) == {}
    far = np.where(drawn > 500, np.inf, drawn)
    assert areas(x, far) == areas(x, np.where(drawn > 500, 500.0, drawn))


def test_draws_fill_the_box_of_the_training_samples_and_depend_on_the_seed_alone():
    x = normal(50, 3)
    one = draws(x, 0)
    assert one.shape == (DRAWS, 3)
    assert one.dtype == x.dtype
    assert (one >= x.min(axis=0)).all()
    assert (one <= x.max(axis=0)).all()
    np.testing.assert_allclose(one.mean(axis=0), (x.min(axis=0) + x.max(axis=0)) / 2, atol=0.1)
    assert (draws(x, 0) == one).all()
    assert (draws(x, 1) != one).any()
    assert draws(x.reshape(50, 1, 3, 1), 0) is None
    assert draws(object(), 0) is None
