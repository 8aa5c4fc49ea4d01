"""Family averages, ranks and intervals, against hand, scipy and simulation."""

import time

import numpy as np
import pytest
import scipy.stats
from scipy.stats import rankdata

from bench.stats import averages, student
from bench.stats.averages import Nesting

# Family f has two data sets, g has one; a has two seeds, b and c one.
CELLS = Nesting.of(["f", "f", "f", "g"], ["a", "a", "b", "c"])


def grid(families, seeds):
    """Nesting of {family: number of data sets}, each data set with `seeds` seeds."""
    names = [(f, f"{f}/{i}") for f, count in families.items() for i in range(count)]
    return Nesting.of(
        [f for f, _ in names for _ in range(seeds)], [d for _, d in names for _ in range(seeds)]
    )


def test_means_run_over_seeds_then_data_sets_then_families():
    values = np.array([[0.2, 0.4, 0.5, 1.0]])
    by_dataset = averages.dataset_means(values, CELLS)
    np.testing.assert_allclose(by_dataset, [[0.3, 0.5, 1.0]])
    np.testing.assert_allclose(averages.family_means(by_dataset, CELLS), [(0.4 + 1.0) / 2])


def test_absent_values_are_left_out_of_means_and_nothing_gives_nan():
    values = np.array([[0.2, np.nan, 0.5, np.nan], [np.nan] * 4])
    by_dataset = averages.dataset_means(values, CELLS)
    np.testing.assert_allclose(by_dataset, [[0.2, 0.5, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(averages.family_means(by_dataset, CELLS), [0.35, np.nan])


def mean_ranks(values, nesting, **options):
    """Ranks within data sets, as a board averages them."""
    by_dataset = averages.dataset_means(values, nesting)
    return averages.family_means(averages.ranks(by_dataset, **options), nesting)


def test_mean_ranks_worked_by_hand_with_a_tie():
    values = np.array(
        [
            [0.9, 0.7, 0.5, 1.0],  # a: .8 shares ranks 1 and 2; b: 3rd; c: 1st
            [0.8, 0.8, 0.6, 0.9],  # a: .8 (the same mean of seeds); b: 2nd; c: 2nd
            [0.1, 0.1, 0.7, 0.8],  # a: 3rd; b: 1st; c: 3rd
        ]
    )
    found = mean_ranks(values, CELLS)
    np.testing.assert_allclose(
        found, [((1.5 + 3) / 2 + 1) / 2, ((1.5 + 2) / 2 + 2) / 2, ((3 + 1) / 2 + 3) / 2]
    )
    smaller = mean_ranks(values, CELLS, larger_is_better=False)
    np.testing.assert_allclose(found + smaller, 4)  # ranks turn round: r becomes 4 - r


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, (12, 7)).astype(float)
    nesting = grid({f"f{i}": 1 for i in range(7)}, 1)
    expected = rankdata(-values, axis=0).mean(axis=1)
    np.testing.assert_allclose(mean_ranks(values, nesting), expected)


def test_means_that_differ_by_rounding_alone_share_a_rank():
    values = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.1]])
    nesting = grid({"f": 1}, 3)
    means = averages.dataset_means(values, nesting)
    assert means[0] != means[1]
    np.testing.assert_array_equal(mean_ranks(values, nesting), 1.5)


def test_means_without_each_data_set_in_turn():
    by_dataset = np.array([[0.3, 0.5, 1.0]])
    found = averages.left_out_means(by_dataset, CELLS)
    np.testing.assert_allclose(found, [[(0.5 + 1) / 2], [(0.3 + 1) / 2], [0.4]])
    assert averages.left_out_means(by_dataset[:, :1], grid({"f": 1}, 1)) == []


def limits_of(sample):
    """Limits of a sample of families, worked out with scipy."""
    n, mean = len(sample), np.mean(sample)
    t = scipy.stats.t.ppf((1 + averages.NOMINAL) / 2, n - 1)
    reach = t * scipy.stats.sem(sample)
    third = scipy.stats.skew(sample, bias=False) * np.std(sample, ddof=1) ** 3 if n > 2 else 0
    shift = (1 + 2 * t**2) * third / (6 * n * np.var(sample, ddof=1))
    return mean - reach + min(shift, 0), mean + reach + max(shift, 0)


def test_the_families_are_the_sample_of_an_interval():
    nesting = Nesting.of(list("ffgh"), list("abcd"))
    line = np.array([0.3, 0.5, 0.9, 0.8])
    low, high = averages.interval(line[None], nesting)
    assert (low[0], high[0]) == pytest.approx(limits_of([0.4, 0.9, 0.8]), rel=1e-4)
    low, high = averages.interval(line[None], Nesting.of(list("ffff"), list("abcd")))
    assert (low[0], high[0]) == pytest.approx(limits_of(line), rel=1e-4)
    low, high = averages.interval(line[None], Nesting.of(list("ffgg"), list("abcd")))
    assert (low[0], high[0]) == pytest.approx(limits_of([0.4, 0.85]), rel=1e-4)


def test_one_or_two_data_sets_have_the_limits_of_their_test_sets():
    one, lines = Nesting.of(["f"], ["a"]), np.array([[0.9]])
    low, high = averages.interval(lines, one, (lines - 0.2, lines + 0.1))
    assert (low[0], high[0]) == pytest.approx((0.7, 1.0))
    lines, own = np.array([[0.6, 0.8]]), (np.array([[0.3, 0.4]]), np.array([[0.65, 0.92]]))
    apart, related = Nesting.of(list("fg"), list("ab")), Nesting.of(list("ff"), list("ab"))
    low, high = averages.interval(lines, apart, own)
    assert (low[0], high[0]) == pytest.approx((0.7 - 0.5 / 2, 0.7 + 0.13 / 2))
    low, high = averages.interval(lines, related, own)
    assert (low[0], high[0]) == pytest.approx((0.35, 0.785))
    assert np.isnan(averages.interval(lines, apart)).all()


def test_limits_that_miss_less_often_are_further_apart():
    nesting, rng = grid({i: 1 for i in range(8)}, 1), np.random.default_rng(0)
    lines = rng.exponential(size=(40_000, 8)) - 1
    missed = []
    for alpha in (averages.ALPHA, 0.01, 0.0025):
        low, high = averages.interval(lines, nesting, alpha=alpha)
        missed.append(np.mean((low > 0) | (high < 0)) / alpha)
    assert 0.6 <= min(missed) <= max(missed) <= 1.8
    given = averages.interval(lines, nesting, alpha=averages.ALPHA)
    np.testing.assert_array_equal(given, averages.interval(lines, nesting))


def test_equal_families_give_no_interval():
    nesting = grid({"f": 2, "g": 1, "h": 1}, 1)
    assert np.isnan(averages.interval(np.full((1, 4), 1 / 3), nesting)).all()


def test_students_quantiles_are_those_of_scipy():
    freedoms = np.array([1, 1.5, 2, 3.7, 10, 100, 1000, 1e6])
    for level in (0.9, averages.NOMINAL, 0.99):
        expected = scipy.stats.t.ppf((1 + level) / 2, freedoms)
        np.testing.assert_allclose(student.quantile(level, freedoms), expected, rtol=3e-3)
        np.testing.assert_allclose(student.quantile(level, freedoms[:6]), expected[:6], rtol=1e-4)


EFFECTS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "log-normal": lambda rng, shape: np.exp(rng.normal(size=shape) / 2) - np.exp(1 / 8),
}


def coverage(effect, n_families, *, spread, draws, per_family=(1, 1, 10, 5), seed=0):
    """How often the interval holds the true mean, 0, of an effect of families on a mean.

    Data sets in a family and seeds add normal effects; `spread` is the standard deviation of that
    of a data set over the effect of a family.
    """
    rng = np.random.default_rng(seed)
    nesting = grid({i: per_family[i % len(per_family)] for i in range(n_families)}, 1)
    families = EFFECTS[effect](rng, (draws, n_families))
    deviation = EFFECTS[effect](rng, 200_000).std()
    lines = families[:, nesting.family] / deviation
    for of_one in (spread, spread / 3):
        lines = lines + of_one * rng.normal(size=lines.shape)
    low, high = averages.interval(lines, nesting)
    return np.mean((low <= 0) & (high >= 0))


@pytest.mark.parametrize("effect", ["normal", "exponential"])
def test_an_interval_of_few_families_holds_the_truth_at_its_level(effect):
    for n_families in (4, 10):
        assert 0.93 <= coverage(effect, n_families, spread=0.0, draws=20_000) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("n_families", range(3, 11))
@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("effect", EFFECTS)
def test_the_coverage_of_intervals_by_simulation(effect, spread, n_families):
    assert 0.93 <= coverage(effect, n_families, spread=spread, draws=100_000) <= 0.985


def test_ten_thousand_rows_take_well_under_a_second():
    rng = np.random.default_rng(5)
    nesting = grid({f"f{i}": 2 for i in range(20)}, 5)
    values = rng.uniform(size=(50, len(nesting)))
    begin = time.process_time()
    by_dataset = averages.dataset_means(values, nesting)
    mean_ranks(values, nesting)
    low, high = averages.interval(by_dataset, nesting)
    assert time.process_time() - begin < 1
    assert np.all(low < high)
