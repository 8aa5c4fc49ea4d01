"""Errors of paired differences of AUROCs, against the jackknife, other code and simulation."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.metrics import scored
from bench.metrics.delong import Components


def made_up(n_anomalies, n_normals, rng, shifts=(1.0, 1.3, 0.0), decimals=12):
    """Labels and correlated scores of three detectors; few decimals make ties."""
    y = np.repeat([1, 0], [n_anomalies, n_normals])
    shared = rng.normal(size=len(y))
    scores = [shared + rng.normal(size=len(y)) + shift * y for shift in shifts]
    return y, [np.round(each, decimals) for each in scores]


def jackknifed(y, first, second, label):
    """The variance over the samples of one class, by leaving each out and scikit-learn's AUROC."""
    places = np.flatnonzero(y == label)
    without = [np.arange(len(y)) != place for place in places]
    left = [roc_auc_score(y[k], first[k]) - roc_auc_score(y[k], second[k]) for k in without]
    return (len(places) - 1) / len(places) * np.sum((left - np.mean(left)) ** 2)


@pytest.mark.parametrize("decimals", [0, 12])
def test_both_parts_are_the_variances_of_the_jackknife(decimals):
    y, scores = made_up(9, 14, np.random.default_rng(0), decimals=decimals)
    parts = Components.of(y, scores).variances()
    for part, label in zip(parts, (1, 0), strict=True):
        for i, j in ((0, 1), (0, 2), (1, 2)):
            expected = jackknifed(y, scores[i], scores[j], label)
            assert part[i, j] == part[j, i] == pytest.approx(expected, rel=1e-9)
        assert np.diag(part).tolist() == [0, 0, 0]


def test_against_a_constant_detector_it_is_the_error_of_one_auroc():
    y, scores = made_up(30, 50, np.random.default_rng(1))
    anomalies, normals = Components.of(y, [scores[0], np.zeros(len(y))]).variances()
    expected = scored.auroc_se(y, scores[0]) ** 2
    assert anomalies[0, 1] + normals[0, 1] == pytest.approx(expected, rel=1e-9)


def test_few_samples_near_one_lack_variance_and_many_or_middling_do_not():
    rng = np.random.default_rng(2)
    y, near_one = made_up(9, 90, rng, shifts=(5.0, 4.5))
    lacking = Components.of(y, near_one).lacking()
    assert lacking[0, 1] == lacking[1, 0] > 0
    assert np.diag(lacking).tolist() == [0, 0]
    assert Components.of(y, [near_one[0], near_one[0]]).lacking()[0, 1] == pytest.approx(
        0, abs=1e-12
    )
    y, many = made_up(100, 120, rng, shifts=(4.0, 3.5))
    assert not Components.of(y, many).lacking().any()


def test_two_detectors_without_an_error_may_differ_on_other_samples():
    y = np.repeat([1, 0], [10, 90])
    perfect = [y + 0.1 * np.random.default_rng(seed).random(100) for seed in range(2)]
    found = Components.of(y, perfect)
    assert sum(found.variances())[0, 1] == 0
    assert 0.03 < np.sqrt(found.lacking()[0, 1]) < 0.06
