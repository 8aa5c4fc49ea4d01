"""Cumulative error scoring: the sum over epochs, the percentile loss, and the knee."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.deep.autoencoders.cumulative import CumulativeErrorAutoencoder, knee

X = np.random.default_rng(0).standard_normal((60, 2)) @ np.random.default_rng(1).normal(size=(2, 6))


def test_the_score_sums_the_errors_that_each_epoch_ends_with():
    detector = CumulativeErrorAutoencoder(epochs=4, stops_at_knee=False).fit(X)
    shorter = [
        CumulativeErrorAutoencoder(epochs=n, stops_at_knee=False).fit(X) for n in (1, 2, 3, 4)
    ]
    expected = sum(each.score(X, "reconstruction") for each in shorter)
    assert_allclose(detector.score(X), expected, rtol=1e-9)
    assert detector.score(X) == pytest.approx(detector.score(X, "cumulative"))


def test_training_is_taken_back_to_the_knee():
    detector = CumulativeErrorAutoencoder(epochs=30).fit(X)
    assert detector.knee_ == 1 + knee(detector.losses_) == len(detector.history_)
    assert 1 < detector.knee_ < 30
    short = CumulativeErrorAutoencoder(epochs=detector.knee_, stops_at_knee=False).fit(X)
    for readout in CumulativeErrorAutoencoder.readouts:
        assert_array_equal(detector.score(X, readout), short.score(X, readout))
    assert detector.diagnostics_["knee"] == detector.knee_


def test_the_knee_is_farthest_below_the_chord():
    assert knee(np.array([10.0, 4, 1, 0.9, 0.8, 0.7])) == 2
    assert knee(np.array([3.0])) == 0
    assert knee(np.array([2.0, 2.0, 2.0])) == 2


def test_the_losses_above_the_percentile_of_a_batch_count_nothing():
    detector = CumulativeErrorAutoencoder(epochs=0, percentile=0.8).fit(X)
    rows = torch.from_numpy(np.r_[X[:10], np.zeros((6, 6))]).float()
    weight = torch.tensor([0.1] * 10 + [0.0] * 6)  # rows of padding do not move the percentile
    with torch.no_grad():
        loss = detector._loss(detector.net_, rows, weight, torch.empty(16, 0)).item()
    smallest = np.sort(detector.score(X[:10], "reconstruction"))[:8]
    assert loss == pytest.approx(smallest.sum() / 10, rel=1e-5)


def test_with_all_losses_it_trains_as_the_plain_autoencoder():
    settings = {"epochs": 3, "percentile": 1.0, "stops_at_knee": False}
    plain = Autoencoder(epochs=3, validation_share=0).fit(X)
    whole = CumulativeErrorAutoencoder(**settings).fit(X)
    assert_allclose(whole.score(X, "reconstruction"), plain.score(X), rtol=1e-5)


def test_anomalies_among_the_training_rows_are_learned_less():
    anomalies = np.random.default_rng(2).standard_normal((4, 6)) * 2
    x = np.r_[X, anomalies]
    robust, plain = (
        CumulativeErrorAutoencoder(epochs=40, percentile=percentile, stops_at_knee=False).fit(x)
        for percentile in (0.9, 1.0)
    )
    contrast = [
        each.score(anomalies, "reconstruction").mean() / each.score(X, "reconstruction").mean()
        for each in (robust, plain)
    ]
    assert contrast[0] > 1.5 * contrast[1]


def test_untrained_it_is_scored_once():
    detector = CumulativeErrorAutoencoder(epochs=0).fit(X)
    assert_array_equal(detector.score(X), detector.score(X, "reconstruction"))
