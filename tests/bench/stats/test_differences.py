"""Tests of differences against published worked examples, scipy, scikit-posthocs and autorank."""

import time

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
import scipy.stats
from autorank._util import rank_multiple_nonparametric

from bench.stats import averages, differences
from bench.stats.averages import Nesting

# Demsar 2006, table 6: AUC of four C4.5 variants on 14 data sets. The paper ranks the third before
# the fourth on "voting", where three decimals are equal; hence the fourth decimal there.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9754, 0.975], [0.957, 0.978, 0.946, 0.970],
    ]
).T  # fmt: skip


def made_up(k=5, n=12, decimals=2, seed=0):
    """Values (k, n) in which later detectors are better; few decimals make ties."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(k, n)) / 5 + np.linspace(0, 0.5, k)[:, None], decimals)


def untied(k, n):
    """Ranks (k, n) of which each block has the same."""
    return np.arange(1.0, k + 1)[:, None] + np.zeros(n)


def test_the_ranks_and_friedmans_test_of_demsar_2006():
    ranks = averages.ranks(DEMSAR)
    assert ranks.mean(axis=1).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    found = differences.friedman(ranks)
    # The paper leaves out the correction for ties: the share of the spread that is left of n(k3-k).
    n_ties = sum(
        (counts**3 - counts).sum()
        for counts in (np.unique(column, return_counts=True)[1] for column in DEMSAR.T)
    )
    uncorrected = found.chi2 * (1 - n_ties / (14 * (4**3 - 4)))
    assert uncorrected == pytest.approx(9.28, abs=0.005)
    assert 13 * uncorrected / (14 * 3 - uncorrected) == pytest.approx(3.69, abs=0.005)
    assert differences.critical_difference(untied(4, 14)) == pytest.approx(1.25, abs=0.005)


def test_the_signed_ranks_of_demsar_2006():
    """C4.5 against C4.5+m: R+ = 93, R- = 12 of 14 data sets (table 2)."""
    d = DEMSAR[1] - DEMSAR[0]
    ranks = scipy.stats.rankdata(np.abs(d))
    assert (ranks[d > 0].sum() + ranks[d == 0].sum() / 2).round(9) == 93.0
    p = differences.wilcoxon(DEMSAR[:2]).p[0, 1]
    assert p == pytest.approx(0.0078, abs=0.0001)


def test_nemenyis_points_are_those_of_the_published_table():
    """Demsar 2006, table 5(a): q at 5 % for 2 to 10 classifiers."""
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(table, start=2):
        found = differences.critical_difference(untied(k, 1)) / np.sqrt(k * (k + 1) / 6)
        assert found == pytest.approx(q, abs=0.001)


@pytest.mark.parametrize("decimals", [1, 12])
def test_friedmans_test_is_scipys_and_its_f_that_of_scikit_posthocs(decimals):
    values = made_up(decimals=decimals)
    found = differences.friedman(averages.ranks(values))
    expected = scipy.stats.friedmanchisquare(*values)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    n, k = values.shape[1], len(values)
    f = (n - 1) * expected.statistic / (n * (k - 1) - expected.statistic)
    assert found.f == pytest.approx(f)
    assert found.f_p == pytest.approx(scipy.stats.f.sf(f, k - 1, (k - 1) * (n - 1)))


def test_friedmans_test_at_its_ends():
    same = differences.friedman(np.full((3, 4), 2.0))
    assert (same.p, same.f_p) == (1, 1)
    agreed = differences.friedman(untied(3, 5))
    assert (agreed.chi2, agreed.f, agreed.f_p) == (10, np.inf, 0)
    with pytest.raises(ValueError, match="needs 3 detectors and 2 blocks, here 2 and 5"):
        differences.friedman(np.zeros((2, 5)))


@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("decimals", [1, 12])
def test_exact_p_values_are_those_of_enumerating_every_sign(n, decimals):
    values = made_up(4, n, decimals)
    found = differences.wilcoxon(values)
    every = scipy.stats.PermutationMethod(n_resamples=np.inf)
    for i, j in zip(*np.triu_indices(4, 1), strict=True):
        d = np.round(values[i] - values[j], 12)
        expected = scipy.stats.wilcoxon(d, zero_method="zsplit", method=every).pvalue
        assert found.p[i, j] == found.p[j, i] == pytest.approx(expected)


def test_without_ties_all_pairs_are_those_of_scikit_posthocs_with_holm():
    values = made_up(6, 30, decimals=12)
    found = differences.wilcoxon(values)
    for corrected, name in ((found.p, None), (found.holm, "holm")):
        expected = scikit_posthocs.posthoc_wilcoxon(list(values), p_adjust=name).to_numpy()
        np.testing.assert_allclose(corrected, expected)


def test_with_many_blocks_the_p_value_is_scipys_approximation_and_near_the_exact_one():
    values = made_up(5, differences.EXACT + 1)[:2]
    found = differences.wilcoxon(values).p[0, 1]
    d = np.round(values[0] - values[1], 12)
    assert found == scipy.stats.wilcoxon(d, zero_method="zsplit", method="asymptotic").pvalue
    assert found == pytest.approx(float(differences._exact_p(d[None])[0]), rel=0.1)


def test_equal_detectors_are_not_different_and_few_blocks_cannot_tell():
    for n in (3, differences.EXACT + 1):
        assert differences.wilcoxon(np.ones((2, n))).p.tolist() == [[1, 1], [1, 1]]
    always = differences.wilcoxon(np.arange(2.0)[:, None] + np.zeros(4))
    assert always.p[0, 1] == always.least == 0.125


def test_holm_worked_by_hand():
    corrected = differences.holm(np.array([0.01, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(corrected, [0.03, 0.06, 0.06, 0.02])


def test_the_critical_difference_is_that_of_scikit_posthocs_and_autorank():
    values = made_up(6, 15, decimals=12)
    ranks = averages.ranks(values).mean(axis=1)
    cd = differences.critical_difference(averages.ranks(values))
    p = scikit_posthocs.posthoc_nemenyi_friedman(values.T).to_numpy()
    apart = np.abs(ranks[:, None] - ranks) >= cd
    np.testing.assert_array_equal(apart, p < 0.05)
    data = pd.DataFrame(values.T, columns=list("abcdef"))
    told = rank_multiple_nonparametric(data, 0.05, False, False, "descending", None, False)
    assert told.cd == pytest.approx(cd, abs=1e-3)
    np.testing.assert_allclose(told.rankdf.loc[list("abcdef"), "meanrank"], ranks)
    assert told.pvalue == pytest.approx(differences.friedman(averages.ranks(values)).p)


def test_cliques_are_the_largest_runs_of_ranks():
    assert differences.cliques([1.0, 4.0, 2.0, 3.0], 1.5) == [(0, 2), (2, 3), (3, 1)]
    assert differences.cliques([1.0, 4.0, 2.0, 3.0], 2.5) == [(0, 2, 3), (2, 3, 1)]
    assert differences.cliques([1.0, 5.0, 9.0], 2.0) == []
    assert differences.cliques([2.0, 2.0, 2.0], 0.1) == [(0, 1, 2)]
    # Demsar 2006: 3.143 - 1.964 is less than 1.25, so no difference is significant
    ranks = averages.ranks(DEMSAR).mean(axis=1)
    found = differences.cliques(ranks, differences.critical_difference(untied(4, 14)))
    assert [set(clique) for clique in found] == [{0, 1, 2, 3}]


def test_wins_ties_and_losses_within_a_margin():
    values = np.array([[0.90, 0.80, 0.70], [0.89, 0.85, 0.70]])
    assert differences.win_tie_loss(values)[0, 1].tolist() == [1, 1, 1]
    assert differences.win_tie_loss(values, 0.01)[0, 1].tolist() == [0, 2, 1]
    assert differences.win_tie_loss(values, 0.01)[1, 0].tolist() == [1, 2, 0]
    assert differences.win_tie_loss(values)[0, 0].tolist() == [0, 3, 0]
    with pytest.raises(ValueError, match="margin is -1; give 0 or a positive difference"):
        differences.win_tie_loss(values, -1)


def test_the_chance_of_superiority_counts_ties_half_and_families_once():
    nesting = Nesting.of(["f", "f", "g"], ["a", "b", "c"])
    values = np.array([[0.9, 0.8, 0.7], [0.5, 0.5, 0.5]])
    chance, low, high = differences.superiority(values, np.array([0.8, 0.8, 0.8]), nesting)
    np.testing.assert_allclose(chance, [(0.75 + 0) / 2, 0])
    assert low[0] < chance[0] < high[0]
    assert np.isnan([low[1], high[1]]).all()  # all alike: nothing varies


def test_sixty_detectors_on_forty_seven_data_sets_take_a_second_or_so():
    values = made_up(60, 47)
    begin = time.perf_counter()
    differences.wilcoxon(values)
    differences.friedman(values)
    differences.win_tie_loss(values)
    assert time.perf_counter() - begin < 5
