"""The Bayesian signed-rank test, against baycomp and known answers."""

import baycomp
import numpy as np
import pytest

from bench.stats.bayes import signed_rank


@pytest.mark.parametrize(("shift", "n"), [(0.0, 20), (0.01, 40), (0.02, 12), (-0.03, 30)])
def test_the_probabilities_are_those_of_baycomp(shift, n):
    rng = np.random.default_rng(n)
    first, second = rng.uniform(0.7, 0.9, (2, n)).round(3) / [[1], [8]]
    second = first - shift + second - second.mean()
    found = signed_rank(first - second, rope=0.01)
    worse, same, better = baycomp.SignedRankTest.probs(
        second, first, rope=0.01, nsamples=20_000, random_state=0
    )[::1]
    assert (found.better, found.same, found.worse) == pytest.approx(
        (better, same, worse), abs=0.015
    )


def test_it_distinguishes_better_the_same_and_worse():
    noise = np.random.default_rng(0).normal(0, 0.002, 20)
    assert signed_rank(noise + 0.05).better > 0.99
    assert signed_rank(noise).same > 0.99
    assert signed_rank(noise - 0.05).worse > 0.99
    few = signed_rank(np.array([0.05, -0.04, 0.001]))
    assert max(few.better, few.same, few.worse) < 0.9


def test_turning_a_pair_round_turns_the_answer_round():
    d = np.random.default_rng(1).normal(0.01, 0.02, 15)
    one, other = signed_rank(d), signed_rank(-d)
    assert one.better == pytest.approx(other.worse, abs=0.01)
    assert one.better + one.same + one.worse == pytest.approx(1)
    assert one == signed_rank(d)


def test_a_wider_region_holds_more():
    d = np.random.default_rng(2).normal(0.01, 0.02, 15)
    same = [signed_rank(d, rope=rope).same for rope in (0, 0.005, 0.01, 0.02, 0.1)]
    assert same == sorted(same)
    assert same[-1] == 1
    with pytest.raises(ValueError, match="rope is -1; give 0 or a positive difference"):
        signed_rank(d, rope=-1)
