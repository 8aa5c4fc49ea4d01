"""Family averages, ranks and the hierarchical bootstrap, against hand, scipy and a plain loop."""

import time

import numpy as np
import pytest
from scipy.stats import rankdata

from bench.stats import averages
from bench.stats.averages import Cells

# Family f has two data sets, g has one; a has two seeds, b and c one.
CELLS = Cells.of(["f", "f", "f", "g"], ["a", "a", "b", "c"])


def grid(families, seeds):
    """Cells of {family: number of data sets}, each data set with `seeds` seeds."""
    names = [(f, f"{f}/{i}") for f, count in families.items() for i in range(count)]
    return Cells.of(
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


def test_mean_ranks_worked_by_hand_with_a_tie():
    values = np.array(
        [
            [0.9, 0.7, 0.5, 1.0],  # a: .8 shares ranks 1 and 2; b: 3rd; c: 1st
            [0.8, 0.8, 0.6, 0.9],  # a: .8 (the same mean of seeds); b: 2nd; c: 2nd
            [0.1, 0.1, 0.7, 0.8],  # a: 3rd; b: 1st; c: 3rd
        ]
    )
    found = averages.mean_ranks(values, CELLS, larger_is_better=True)
    np.testing.assert_allclose(
        found, [((1.5 + 3) / 2 + 1) / 2, ((1.5 + 2) / 2 + 2) / 2, ((3 + 1) / 2 + 3) / 2]
    )
    smaller = averages.mean_ranks(values, CELLS, larger_is_better=False)
    np.testing.assert_allclose(found + smaller, 4)  # ranks turn round: r becomes 4 - r


def test_ranks_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, (12, 7)).astype(float)
    cells = grid({f"f{i}": 1 for i in range(7)}, 1)
    expected = rankdata(-values, axis=0).mean(axis=1)
    np.testing.assert_allclose(averages.mean_ranks(values, cells, larger_is_better=True), expected)


def test_means_that_differ_by_rounding_alone_share_a_rank():
    values = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.1]])
    cells = grid({"f": 1}, 3)
    means = averages.dataset_means(values, cells)
    assert means[0] != means[1]
    np.testing.assert_array_equal(averages.mean_ranks(values, cells, larger_is_better=True), 1.5)


def plain_bootstrap(values, families, rng):
    """One draw of the hierarchical bootstrap, index by index; families: lists of cell lists."""
    total = []
    for f in rng.integers(len(families), size=len(families)):
        means = []
        for d in rng.integers(len(families[f]), size=len(families[f])):
            seeds = families[f][d]
            means.append(
                np.mean([values[seeds[s]] for s in rng.integers(len(seeds), size=len(seeds))])
            )
        total.append(np.mean(means))
    return np.mean(total)


def test_counted_draws_are_distributed_as_a_plain_hierarchical_bootstrap():
    values = np.array([0.2, 0.5, 0.9, 0.4, 0.8, 0.1, 0.3, 0.75])
    cells = Cells.of(list("ffffffgg"), list("aaabbcdd"))
    structure = [[[0, 1, 2], [3, 4], [5]], [[6, 7]]]
    rng = np.random.default_rng(0)
    plain = np.array([plain_bootstrap(values, structure, rng) for _ in range(20_000)])
    counted = values @ averages.bootstrap_weights(cells, draws=20_000)
    assert counted.mean() == pytest.approx(plain.mean(), abs=0.005)
    assert counted.std() == pytest.approx(plain.std(), rel=0.03)
    quantiles = [0.025, 0.25, 0.75, 0.975]
    np.testing.assert_allclose(
        np.quantile(counted, quantiles), np.quantile(plain, quantiles), atol=0.015
    )


def test_weights_sum_to_one_and_repeat_themselves():
    weights = averages.bootstrap_weights(CELLS)
    assert weights.shape == (4, averages.DRAWS)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    np.testing.assert_array_equal(weights, averages.bootstrap_weights(CELLS))
    assert not np.array_equal(weights, averages.bootstrap_weights(CELLS, seed=1))


def test_with_one_data_set_the_interval_is_that_of_its_seeds():
    values = np.array([[0.1, 0.4, 0.5, 0.9, 0.2]])
    samples = values @ averages.bootstrap_weights(grid({"f": 1}, 5), draws=20_000)
    assert samples.std() == pytest.approx(values.std() / np.sqrt(5), rel=0.03)


def test_a_single_cell_or_equal_values_give_no_interval():
    for cells in (grid({"f": 1}, 1), grid({"f": 2, "g": 1}, 3)):
        values = np.full((1, len(cells)), 1 / 3)
        limits = averages.percentile_interval(values @ averages.bootstrap_weights(cells))
        assert np.isnan(limits).all()


def test_an_interval_of_family_means_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    cells = grid({f"f{i}": 2 for i in range(25)}, 2)
    weights = averages.bootstrap_weights(cells)
    families = rng.normal(size=(500, 25)).repeat(4, axis=1)
    datasets = rng.normal(size=(500, 50)).repeat(2, axis=1)
    low, high = averages.percentile_interval(
        (families + datasets + rng.normal(size=(500, 100))) @ weights
    )
    # Percentile intervals of 25 families are slightly narrow; resampling below them makes up.
    assert 0.92 <= np.mean((low < 0) & (high > 0)) <= 0.995


def test_ten_thousand_rows_take_well_under_a_second():
    rng = np.random.default_rng(5)
    cells = grid({f"f{i}": 2 for i in range(20)}, 5)
    values = rng.uniform(size=(50, len(cells)))
    begin = time.process_time()
    averages.mean_ranks(values, cells, larger_is_better=True)
    low, high = averages.percentile_interval(values @ averages.bootstrap_weights(cells))
    assert time.process_time() - begin < 1
    assert np.all(low < high)
