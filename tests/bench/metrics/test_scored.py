"""Metrics against worked examples, direct computations and scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from bench.metrics import scored

COMPUTED = [
    "auroc",
    "auroc_se",
    "average_precision",
    "prevalence",
    "recall@fpr=0.05",
    "distinct",
]


def direct_delong(y, scores):
    """AUROC and its standard error from all pairs, O(m n), as in DeLong et al. (1988)."""
    positive, negative = scores[y == 1][:, None], scores[y == 0][None, :]
    wins = (positive > negative) + 0.5 * (positive == negative)  # (m, n)
    m, n = wins.shape
    variance = wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n
    return wins.mean(), np.sqrt(variance)


@st.composite
def labelled_scores(draw):
    """At least two of each class, scores from few values so that ties abound."""
    y = [*draw(st.lists(st.integers(0, 1), max_size=40)), 0, 0, 1, 1]
    values = st.integers(-3, 3)
    return np.array(y), np.array(draw(st.lists(values, min_size=len(y), max_size=len(y))), float)


@settings(max_examples=200, deadline=None)
@given(labelled_scores())
def test_delong_by_ranks_equals_all_pairs_with_ties(case):
    y, scores = case
    auroc, se = direct_delong(y, scores)
    found = scored.compute(y, scores)
    assert found["auroc"] == pytest.approx(auroc, abs=1e-12)
    assert found["auroc_se"] == pytest.approx(se, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(labelled_scores())
def test_recall_is_the_best_roc_point_of_scikit_learn(case):
    y, scores = case
    fpr, tpr, _ = roc_curve(y, scores, drop_intermediate=False)
    assert scored.compute(y, scores)["recall@fpr=0.05"] == tpr[fpr <= 0.05].max()


def test_alarms_are_worked_by_hand_and_leave_other_metrics_alone():
    held = np.arange(39.0)  # two of 40 ranks are alarms: only one held-out score may be as large
    tested, y = np.array([36.5, 37.0, 37.5, 38.0, 50.0, 37.2]), np.array([0, 0, 0, 0, 1, 1])
    found = scored.compute(np.r_[y, np.full(39, scored.HELD)], np.r_[tested, held])
    assert (found["alarm_rate@0.05"], found["alarm_recall@0.05"]) == (0.5, 1.0)
    without = scored.compute(y, tested)
    assert {name: found[name] for name in without} == without
    assert not [name for name in without if "alarm" in name]


def test_four_scores_worked_by_hand():
    found = scored.compute([1, 1, 0, 0], [3.0, 1.0, 2.0, 0.0])
    assert found["auroc"] == 0.75
    # components of the anomalies 1 and 1/2, of the normals 1/2 and 1: variances 1/8 each
    assert found["auroc_se"] == pytest.approx(np.sqrt(1 / 16 + 1 / 16))
    assert found["average_precision"] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert found["prevalence"] == 0.5
    assert found["recall@fpr=0.05"] == 0.5
    assert found["distinct"] == 4


def test_compute_gives_scikit_learns_values_on_real_valued_scores():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 500)
    scores = y + rng.normal(size=500)
    found = scored.compute(y, scores)
    assert list(found) == COMPUTED
    assert found["auroc"] == roc_auc_score(y, scores)
    assert found["average_precision"] == average_precision_score(y, scores)
    assert all(type(value) is float for value in found.values())


def test_tied_scores_pass_the_false_positive_limit_together_or_not_at_all():
    y = np.array([1, 1] + [0] * 20)
    apart = np.array([9.0, 5.0] + [1.0] * 20)
    apart[2] = 8.0  # one normal of twenty above the second anomaly: exactly 0.05
    assert scored.recall_at_fpr(y, apart) == 1.0
    tied = apart.copy()
    tied[3] = 5.0  # a second normal shares its score with the second anomaly
    assert scored.recall_at_fpr(y, tied) == 0.5
    assert scored.recall_at_fpr(y, np.zeros(22)) == 0.0


def test_the_standard_error_does_not_exist_with_one_anomaly():
    found = scored.compute([1, 0, 0], [2.0, 1.0, 3.0])
    assert found["auroc"] == 0.5
    assert np.isnan(found["auroc_se"])


def test_a_constant_score_is_worth_one_half_and_the_prevalence():
    found = scored.compute([1, 0, 0, 0], np.ones(4))
    assert (found["auroc"], found["average_precision"], found["distinct"]) == (0.5, 0.25, 1)


def test_chance_adjusted_average_precision_is_zero_at_random_and_one_when_perfect():
    lifted = scored.lifted_average_precision(np.array([0.2, 1.0, 0.6]), np.full(3, 0.2))
    np.testing.assert_allclose(lifted, [0, 1, 0.5])


@pytest.mark.parametrize(
    ("y", "scores", "message"),
    [
        ([0, 1], [0.0], r"labels \(2,\) and scores \(1,\)"),
        ([0, 1], [0.0, np.nan], "1 of 2 scores are not finite"),
        ([0, 0], [0.0, 1.0], r"both present; found \[0\]"),
        ([0, 1, 2], [0.0, 1.0, 2.0], r"found \[0, 1, 2\]"),
    ],
)
def test_what_cannot_be_measured_is_refused(y, scores, message):
    with pytest.raises(ValueError, match=message):
        scored.compute(y, scores)


def test_an_unknown_metric_answers_with_the_nearest_name():
    assert scored.get("auroc").larger_is_better
    assert scored.get("fit_seconds").larger_is_better is False
    with pytest.raises(ValueError, match=r"'AUCROC'; did you mean auroc"):
        scored.get("AUCROC")
    with pytest.raises(ValueError, match=r"unknown metric 'zzz'; known: "):
        scored.get("zzz")


def test_every_metric_is_described_in_one_sentence():
    for name, metric in scored.METRICS.items():
        assert metric.name == name
        assert metric.help.endswith(".")
    assert [m.name for m in scored.METRICS.values() if m.function] == COMPUTED


def test_listing_metrics_and_making_boards_import_neither_scipy_nor_scikit_learn():
    code = (
        "import sys, bench.metrics.scored, bench.render.terminal\n"
        "import bench.stats.averages, bench.stats.intervals\n"
        "sys.exit(','.join({'scipy', 'sklearn', 'torch', 'mlflow'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
