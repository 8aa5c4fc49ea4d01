"""Selectors choose among configurations by what they see, which are no labels."""

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from bench.boards.tuning.selectors import SELECTORS, Pool, choice

N = 60
RISING = np.arange(1.0, N + 1)


def pool(*lines, losses=None, samples=None, second=None, excess=None, volumes=None):
    """Return a pool of ranks of one seed, or of two."""
    ranks = [np.array(lines)] + ([] if second is None else [np.array(second)])
    unknown = [None] * len(ranks)
    none = np.full(len(lines), np.nan)
    numbers = [none if each is None else np.array(each) for each in (losses, excess, volumes)]
    return Pool(ranks, samples or unknown, *numbers)


def shuffled(seed):
    return np.random.default_rng(seed).permutation(RISING)


def test_the_least_held_out_loss_is_chosen_and_none_where_one_is_missing():
    lines = [RISING, RISING, RISING]
    assert choice("loss", pool(*lines, losses=[0.3, 0.1, 0.2])) == 1
    assert choice("loss", pool(*lines, losses=[0.3, np.nan, 0.2])) is None


def test_the_most_excess_mass_and_the_least_volume_are_chosen_and_none_where_one_is_missing():
    made = pool(RISING, RISING, RISING, excess=[0.3, 0.5, 0.2], volumes=[0.2, 0.3, 0.1])
    assert (choice("excess-mass", made), choice("mass-volume", made)) == (1, 2)
    assert (choice("excess-mass", made.take([0, 2])), choice("mass-volume", made.take([2]))) == (
        0,
        0,
    )
    part = pool(RISING, RISING, excess=[0.3, np.nan], volumes=[np.nan, 0.1])
    assert choice("excess-mass", part) is choice("mass-volume", part) is None


@pytest.mark.parametrize("name", ["centrality", "consensus"])
def test_the_configuration_that_ranks_as_the_others_do_is_chosen(name):
    near = [shuffled(0), np.roll(RISING, 2), RISING, np.roll(RISING, -2), shuffled(1)]
    assert choice(name, pool(*near)) in (1, 2, 3)
    assert choice(name, pool(shuffled(0), RISING, RISING, shuffled(1))) == 1


def test_consensus_looks_at_the_samples_at_the_top():
    top = RISING.copy()
    top[: N // 2] = shuffled(3)[: N // 2].argsort().argsort() + 1.0  # another order at the bottom
    bottom = RISING.copy()
    bottom[-10:] = bottom[-10:][::-1]  # the same samples at the top, in another order
    alike, consensual = (
        SELECTORS[name](pool(bottom, top, RISING, RISING)) for name in ("centrality", "consensus")
    )
    assert alike[0] > alike[1]
    assert consensual[0] < consensual[1]


@pytest.fixture(scope="module")
def tied():
    """(2, 7, N) scores of two seeds with many ties, and their ranks."""
    scores = np.random.default_rng(0).integers(0, 9, (2, 7, N)) + 0.1 * RISING
    return scores.round(), rankdata(scores.round(), axis=2)


def test_centrality_is_the_mean_correlation_with_all_others(tied):
    scores, ranks = tied
    each = np.array([spearmanr(one, axis=1).statistic for one in scores])
    expected = (each.sum(axis=2) - 1).mean(axis=0) / 6
    np.testing.assert_allclose(SELECTORS["centrality"](pool(*ranks[0], second=ranks[1])), expected)


def test_agreement_of_seeds_is_the_correlation_on_what_both_test(tied):
    scores, ranks = tied
    samples = [np.arange(N), np.arange(N) + 20]
    expected = [spearmanr(a[20:], b[:-20]).statistic for a, b in zip(*scores, strict=True)]
    found = SELECTORS["seeds"](pool(*ranks[0], second=ranks[1], samples=samples))
    np.testing.assert_allclose(found, expected, atol=0.05)  # ranks of all, not of the shared alone
    assert found.argmax() == np.argmax(expected)


def test_consensus_is_where_hubs_and_authorities_of_hits_settle(tied):
    _, (ranks, _) = tied
    edges = 1 / (N + 1 - ranks)
    hubs = np.ones(7)
    for _ in range(200):  # Kleinberg's iteration
        authorities = edges.T @ hubs
        hubs = edges @ authorities
        hubs /= np.linalg.norm(hubs)
    np.testing.assert_allclose(SELECTORS["consensus"](pool(*ranks)), hubs)


def test_seeds_agree_on_the_samples_that_both_test():
    first, second = np.arange(N), np.arange(10, N + 10)
    same = np.concatenate([RISING[10:], shuffled(0)[:10] + N])  # equal where both test
    made = pool(shuffled(1), RISING, second=[shuffled(2), same], samples=[first, second])
    assert choice("seeds", made) == 1
    assert SELECTORS["seeds"](made)[1] == pytest.approx(1)


@pytest.mark.parametrize("samples", [[None, None], [np.arange(N), np.arange(N) + N]])
def test_seeds_say_nothing_without_samples_that_both_test(samples):
    assert choice("seeds", pool(RISING, second=[RISING], samples=samples)) is None
    assert choice("seeds", pool(RISING)) is None


@pytest.mark.parametrize("name", ["centrality", "consensus", "loss"])
def test_of_equal_configurations_the_first_is_chosen_which_is_the_default(name):
    assert choice(name, pool(RISING, RISING, RISING, losses=[1.0, 1.0, 1.0])) == 0
    assert choice(name, pool(RISING, losses=[1.0])) == 0
