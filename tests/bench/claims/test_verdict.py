"""What differences say of a claim, and how often that is wrong."""

import math

import numpy as np
import pytest

from bench.claims.verdict import POWER, Sample, holm, needed
from bench.stats import averages
from bench.stats.averages import Nesting

SUPERIOR, NOT_WORSE, SAME = (0.02, math.inf), (-0.02, math.inf), (-0.02, 0.02)


def sample(values, region=SUPERIOR, families=None):
    names = [f"f{i}" for i in range(len(values))]
    return Sample(np.array(values, float), Nesting.of(families or names, names), region)


AROUND = np.array([-1, 1, -0.5, 0.5, 0.2, -0.2]) / 100


@pytest.mark.parametrize(
    ("mean", "superior", "not_worse", "same"),
    [
        (0.10, "supported", "supported", "refuted"),
        (0.02, "undecided", "supported", "undecided"),
        (0.00, "refuted", "supported", "supported"),
        (-0.02, "refuted", "undecided", "undecided"),
        (-0.10, "refuted", "refuted", "refuted"),
    ],
)
def test_a_verdict_says_where_the_interval_lies(mean, superior, not_worse, same):
    for region, verdict in ((SUPERIOR, superior), (NOT_WORSE, not_worse), (SAME, same)):
        assert sample(mean + np.tile(AROUND, 5), region).verdict(0.05) == verdict


@pytest.mark.parametrize("region", [NOT_WORSE, SAME])
@pytest.mark.parametrize("spread", [0.001, 0])
def test_few_families_do_not_show_that_nothing_differs(region, spread):
    def seen(n):
        return sample(spread * np.resize([-1, 1], n), region)

    few = seen(4)
    assert [seen(n).verdict(0.05) for n in (4, 28, 29)] == ["undecided"] * 2 + ["supported"]
    assert [needed(error) for error in (0.05, 0.05 / 13)] == [29, 53]
    assert few.more_families(0.05) == 29 - 4
    assert sample([-0.5, -0.5, -0.501, -0.499], region).verdict(0.05) == "refuted"


@pytest.mark.parametrize(("mean", "spread"), [(0, 0.001), (0, 0), (0.01, 0.001)])
def test_few_families_do_not_show_that_a_detector_is_not_better(mean, spread):
    def seen(n):
        return sample(mean + spread * np.resize([-1, 1], n))

    assert [seen(n).verdict(0.05) for n in (4, 28, 29)] == ["undecided"] * 2 + ["refuted"]
    assert seen(4).more_families(0.05) == 29 - 4
    assert sample([-0.2, -0.21, -0.22, -0.19]).verdict(0.05) == "refuted", "it is worse"


def test_one_or_two_families_decide_nothing_however_many_data_sets_they_have():
    values = 0.5 + np.tile(AROUND, 2)
    for families in (["f"] * 12, ["f"] * 6 + ["g"] * 6):
        few = sample(values, families=families)
        assert few.verdict(0.05) == "undecided"
        assert math.isnan(few.interval(0.05)[0])
        assert math.isnan(few.more_families(0.05))


def test_a_difference_that_never_varies_has_no_interval_and_decides_as_it_stands():
    for value, verdict in ((0.3, "supported"), (-0.01, "refuted"), (0.02, "undecided")):
        flat = sample([value] * 4)
        assert math.isnan(flat.interval(0.05)[0])
        assert flat.verdict(0.05) == verdict


def test_the_interval_is_that_of_boards():
    one = sample(0.1 + AROUND)
    low, high = averages.interval(one.values[None], one.nesting)
    assert one.interval(0.05) == pytest.approx((low[0], high[0]))


def test_claims_share_the_error_and_leave_theirs_to_the_rest():
    def alone(error):
        """A sample that decides at this error and at no smaller one."""
        below, _ = averages.reach(*averages.moments(AROUND[None]), len(AROUND), error)
        return sample(0.02 + below[0] * (1 + 1e-6) + AROUND)

    weak, middle, strong = alone(0.049), alone(0.024), alone(0.016)
    assert [one.verdict(0.05) for one in (weak, middle, strong)] == ["supported"] * 3
    assert holm([weak, middle, strong], 0.05)[0] == ["supported"] * 3
    verdicts, left = holm([weak, middle, middle], 0.05)
    assert (verdicts, left) == (["undecided"] * 3, 0.05 / 3)
    verdicts, left = holm([weak, None, strong], 0.05)
    assert verdicts == ["undecided", "undecided", "supported"]
    assert left == 0.025


def grids(effect, n_families, mean, draws, seed=0):
    """Samples (draws,) of families of 1, 1, 10 and 5 data sets with seeds, of that mean."""
    rng = np.random.default_rng(seed)
    draw = {
        "normal": lambda shape: rng.normal(size=shape),
        "exponential": lambda shape: rng.exponential(size=shape) - 1,
        "turned round": lambda shape: 1 - rng.exponential(size=shape),
        "log-normal": lambda shape: (np.exp(rng.normal(size=shape) / 2) - math.exp(1 / 8)) / 0.6039,
    }[effect]
    for n in rng.integers(*n_families, size=draws, endpoint=True):
        family = np.repeat(np.arange(n), np.resize([1, 1, 10, 5], n))
        values = 0.05 * draw(n)[family] + 0.025 * rng.normal(size=(3, len(family))).mean(axis=0)
        names = [f"{i:03}" for i in range(len(family))]
        yield Sample(mean + values, Nesting(np.arange(len(names)), family), SUPERIOR)


def test_so_many_more_families_decide_with_that_chance():
    one = sample(0.05 + np.array([-1, 1, -0.5, 0.5, 0.2, -0.2, 0.7, -0.7]) / 10)
    more = int(one.more_families(0.05))
    variance, n = one.families.var(ddof=1), len(one.families) + more
    rng = np.random.default_rng(0)
    lines = rng.normal(0.05, math.sqrt(variance), size=(4000, n))
    low, _ = averages.interval(lines, Nesting(np.arange(n), np.arange(n)))
    assert np.mean(low > SUPERIOR[0]) == pytest.approx(POWER, abs=0.03)
    assert math.isinf(sample(SUPERIOR[0] + AROUND).more_families(0.05))


EFFECTS = ["normal", "exponential", "log-normal", "turned round"]


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_file_of_ten_true_nulls_has_a_verdict_at_most_one_time_in_twenty(effect):
    samples = list(grids(effect, (5, 30), SUPERIOR[0], 20_000))
    files = [holm(samples[i : i + 10], 0.05)[0] for i in range(0, len(samples), 10)]
    assert np.mean([set(verdicts) != {"undecided"} for verdicts in files]) <= 0.05


@pytest.mark.parametrize("n", [7, 29])
@pytest.mark.parametrize("region", [(-0.01, math.inf), (-0.01, 0.01)])
def test_a_difference_in_one_family_of_ten_is_overlooked_at_most_one_time_in_twenty(n, region):
    rng = np.random.default_rng(0)
    lines = (rng.random((2000, n)) < 0.1) * rng.uniform(-0.5, -0.1, (2000, n))
    lines += rng.normal(0, 0.003, lines.shape)
    nesting = Nesting(np.arange(n), np.arange(n))
    wrong = [Sample(line, nesting, region).verdict(0.05) == "supported" for line in lines]
    assert np.mean(wrong) <= 0.055


@pytest.mark.slow
@pytest.mark.parametrize("most", [0.2, 0.5])
def test_a_superiority_of_one_family_in_ten_is_refuted_at_most_one_time_in_twenty(most):
    rng = np.random.default_rng(0)
    margin, wrong = 0.01, {}
    for n in range(5, 31):
        lines = (rng.random((2000, n)) < 0.1) * rng.uniform(0.2, most, (2000, n))
        lines += rng.normal(0, 0.003, lines.shape)
        below, above = averages.reach(*averages.moments(lines), n)
        means = lines.mean(axis=1)
        one = sample(lines[0], (margin, math.inf))
        found = [
            one.says(*each, n, 0.05) for each in zip(means - below, means + above, strict=True)
        ]
        wrong[n] = np.mean(np.array(found) == "refuted")
    assert max(wrong.values()) <= 0.055


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_true_null_is_called_supported_or_refuted_at_most_one_time_in_twenty(effect):
    verdicts = [one.verdict(0.05) for one in grids(effect, (5, 30), SUPERIOR[0], 2000)]
    assert np.mean(np.array(verdicts) != "undecided") <= 0.05
