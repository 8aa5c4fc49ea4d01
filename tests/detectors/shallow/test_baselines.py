"""Baselines use only what they declare."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from detectors import make

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.normal(size=(50, 4)), RNG.normal(size=(2000, 4))


def test_random_scores_are_uniform_over_samples_and_over_seeds():
    over_samples = make("random").fit(TRAIN).score(TEST)
    over_seeds = [make("random", seed=s).fit(TRAIN).score(TEST[:1])[0] for s in range(500)]
    assert kstest(over_samples, "uniform").pvalue > 0.01
    assert kstest(over_seeds, "uniform").pvalue > 0.01


def test_random_scores_of_two_seeds_are_unrelated():
    first, second = (make("random", seed=s).fit(TRAIN).score(TEST) for s in (1, 2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.07


def test_random_is_about_one_half_whatever_the_labels():
    labels = TEST[:, 0] > 1
    assert roc_auc_score(labels, make("random").fit(TRAIN).score(TEST)) == pytest.approx(
        0.5, abs=0.05
    )


def test_random_takes_minus_zero_for_zero():
    scores = make("random").fit(TRAIN).score([[0.0, 0, 0, 0], [-0.0, 0, 0, 0]])
    assert scores[0] == scores[1]


def test_row_index_is_the_position():
    assert make("row-index").fit(TRAIN).score(TEST).tolist() == list(range(2000))


def test_mean_distance_is_euclidean():
    expected = np.sqrt(((TEST - TRAIN.mean(axis=0)) ** 2).sum(axis=1))
    assert make("mean-distance").fit(TRAIN).score(TEST) == pytest.approx(expected)


def test_max_abs_z_takes_the_most_unusual_feature():
    z = np.abs((TEST - TRAIN.mean(axis=0)) / TRAIN.std(axis=0))
    assert make("max-abs-z").fit(TRAIN).score(TEST) == pytest.approx(z.max(axis=1))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_max_abs_z_counts_a_constant_feature_in_its_own_unit(value):
    train = np.column_stack([TRAIN[:, 0], np.full(50, value)])
    scores = make("max-abs-z").fit(train).score([[train[:, 0].mean(), value + 7]])
    assert scores == pytest.approx([7])


@pytest.mark.parametrize("name", ["random", "row-index", "mean-distance", "max-abs-z"])
def test_baselines_take_images_as_vectors_of_pixels(name):
    images = RNG.normal(size=(20, 3, 4, 4)).astype(np.float32)
    flat = make(name).fit(images.reshape(20, -1)).score(images.reshape(20, -1))
    if name == "random":
        assert len(np.unique(make(name).fit(images).score(images))) == 20
    else:
        assert make(name).fit(images).score(images) == pytest.approx(flat)
