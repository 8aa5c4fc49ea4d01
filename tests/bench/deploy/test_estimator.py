"""The estimator keeps scikit-learn's contract, and its promise on false alarms."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from bench.deploy import FathomDetector

# Every check passes where one held-out normal is enough; at the default rate of 0.05, which needs
# 95 samples, the checks that fit on 10 to 50 are refused.
CHECKED = FathomDetector("mean-distance", alarm_rate=0.5)


@pytest.mark.filterwarnings("ignore:Can't check.*:sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([CHECKED])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_it_works_in_a_pipeline_and_a_grid_search():
    rng = np.random.default_rng(0)
    x, y = np.concatenate([rng.normal(size=(400, 3)), rng.normal(5, 1, (40, 3))]), np.ones(440)
    y[400:] = -1
    pipeline = make_pipeline(RobustScaler(), FathomDetector("knn", scaler="none"))
    grid = {
        "fathomdetector__alarm_rate": [0.05, 0.3],
        "fathomdetector__settings": [{"n_neighbors": 3}, {"n_neighbors": 9}],
    }
    found = GridSearchCV(
        pipeline, grid, scoring="balanced_accuracy", cv=KFold(3, shuffle=True, random_state=0)
    ).fit(x, y)
    assert found.best_score_ > 0.5
    alone = clone(pipeline).fit(x[:400])
    assert (alone.predict(x[400:]) == -1).all()
    assert (alone.predict(x[:400]) == -1).mean() < 0.1
    assert alone.score_samples(x[400:]).max() < alone.score_samples(x[:400]).mean()


def test_predictions_are_the_alarms_of_the_p_values_to_the_last_bit():
    x = np.random.default_rng(0).normal(size=(200, 1))
    found = FathomDetector("max-abs-z", scaler="none").fit(x)
    at_the_threshold = x[found.score_samples(x) == -found.model_.threshold]
    near = at_the_threshold[0] * (1 + np.arange(-8, 9)[:, None] * np.finfo(float).eps)
    alarms = found.model_.alarms(found.model_.score(near)[1])
    assert 0 < alarms.sum() < len(near)
    assert (found.predict(near) == np.where(alarms, -1, 1)).all()


def test_missing_values_are_imputed_by_default():
    x = np.random.default_rng(0).normal(size=(200, 3))
    x[::9, 1] = np.nan
    assert np.isfinite(FathomDetector().fit(x).score_samples(x)).all()


def test_too_few_samples_for_the_rate_are_refused():
    with pytest.raises(ValueError, match="needs 19 held-out normals, there are 18"):
        FathomDetector().fit(np.random.default_rng(0).normal(size=(94, 3)))
