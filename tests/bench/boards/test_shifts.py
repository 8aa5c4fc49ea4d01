"""False alarms on shifted images: thresholds come from held-out normals alone."""

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.boards.shifts import alarms, share
from datasets.shifts import DEFECTIVE, GROUPS, HELD, PLAIN

GROUP = np.repeat(
    [GROUPS.index(name) for name in (HELD, DEFECTIVE, PLAIN, "blur 3")], [39, 4, 10, 10]
)
HELD_SCORES = np.arange(39.0)  # p <= 0.05 is one of the two largest ranks of 40: above 37


def scores(defective, plain, blurred):
    return np.concatenate([HELD_SCORES, defective, plain, blurred])


def test_an_alarm_is_a_score_above_the_conformal_threshold_of_the_held_out():
    made = scores([50, 50, 50, 0], np.linspace(0, 37, 10), [*[37.5] * 3, *[36.9] * 7])
    found = alarms("mine", "set", [(made, GROUP)], 0.05)
    assert found.n_held == 39
    assert {group: one.value for group, one in found.shares.items()} == {
        DEFECTIVE: 0.75, PLAIN: 0.0, "blur 3": 0.3,
    }  # fmt: skip


def test_scores_of_test_images_do_not_move_the_threshold():
    plain = alarms("mine", "set", [(scores([50] * 4, [0] * 10, [38] * 10), GROUP)], 0.05)
    other = alarms("mine", "set", [(scores([-1e9] * 4, [1e9] * 10, [38] * 10), GROUP)], 0.05)
    assert plain.shares["blur 3"] == other.shares["blur 3"]
    assert plain.shares["blur 3"].value == 1.0


def test_seeds_do_not_narrow_the_interval():
    row = (scores([50] * 4, [0] * 10, [38] * 3 + [0] * 7), GROUP)
    one, five = (alarms("mine", "set", [row] * n, 0.05).shares["blur 3"] for n in (1, 5))
    assert one == five


@pytest.mark.parametrize("k", [0, 3, 10])
def test_the_interval_is_clopper_and_pearson_s(k):
    found = share(np.array([1.0] * k + [0.0] * (10 - k)))
    expected = binomtest(k, 10).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_too_few_held_out_images_are_refused():
    with pytest.raises(ValueError, match="needs 99 held-out normals, there are 39"):
        alarms("mine", "set", [(scores([0] * 4, [0] * 10, [0] * 10), GROUP)], 0.01)
