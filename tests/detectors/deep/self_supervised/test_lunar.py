"""LUNAR: its distances by brute force, its negatives, and its loss."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from detectors import Unsupported, make
from detectors.deep.self_supervised.lunar import LUNAR
from detectors.training.replica import held_and_trained


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((90, 2)) @ rng.standard_normal((2, 5)) + 0.1 * rng.standard_normal(
        (90, 5)
    )


@pytest.fixture(scope="module")
def fitted(x):
    return LUNAR(epochs=40, n_neighbors=4).fit(x)


def scaled(x, train):
    low, high = train.min(axis=0), train.max(axis=0)
    return (x - low) / (high - low)


def nearest_others(rows, candidates, source, k):
    """Sorted distances to the k nearest candidates, one of which may be where a row comes from."""
    distances = cdist(rows, candidates)
    for i, j in enumerate(source):
        if j is not None:
            distances[i, j] = np.inf
    return np.sort(distances, axis=1)[:, :k]


def test_neighbours_are_trained_rows_other_than_the_row_or_the_source_of_the_negative(x):
    detector = LUNAR(n_neighbors=4, seed=3)
    material = detector._material(x)
    held, trained = held_and_trained(detector, len(x))
    rows = scaled(x, x[trained])
    place = {row: i for i, row in enumerate(trained)}
    negatives, noised = detector._negatives(rows)
    own = nearest_others(rows, rows[trained], [place.get(i) for i in range(len(x))], 4)
    sources = [place.get(i) if noised[i] else None for i in range(len(x))]
    of_negatives = nearest_others(negatives, rows[trained], sources, 4)
    assert len(held) > 7
    assert 30 < noised.sum() < 60
    assert_allclose(material[:, :4], own, rtol=1e-6, atol=1e-9)
    assert_allclose(material[:, 4:], of_negatives, rtol=1e-6, atol=1e-9)


def test_samples_far_from_training_rows_score_higher():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 8)) @ rng.standard_normal((8, 32))
    train, normal = x[:200], x[200:]
    mixed = np.where(rng.random(normal.shape) < 0.5, np.roll(normal, 1, axis=0), normal)
    detector = LUNAR(epochs=40).fit(train)
    assert (detector.score(mixed)[:, None] > detector.score(normal)).mean() > 0.75


def test_half_the_negatives_fill_the_cube_and_half_stay_near_a_row():
    rows = np.full((4000, 10), 0.5)
    negatives, near = LUNAR()._negatives(rows)
    moved = negatives - rows
    assert ((moved == 0).any(axis=1) <= near).all()  # only noise leaves a feature alone
    assert 0.45 < near.mean() < 0.55
    assert_allclose((moved[near] != 0).mean(), 0.3, atol=0.02)
    assert_allclose(moved[near][moved[near] != 0].std(), 0.1, rtol=0.05)
    assert np.abs(moved[~near]).max() == pytest.approx(0.6, abs=0.01)
    assert_allclose(moved[~near].std(), 1.2 / np.sqrt(12), rtol=0.05)


def test_the_score_is_the_network_of_the_distances_to_training_rows(x, fitted):
    z = 1.5 * x[:20] + 0.3
    trained = x[held_and_trained(fitted, len(x))[1]]
    distances = np.sort(cdist(scaled(z, trained), scaled(trained, trained)), axis=1)[:, :4]
    with torch.no_grad():
        expected = fitted.net_(torch.from_numpy(distances).float())[:, 0].numpy()
    assert_allclose(fitted.score(z), expected, rtol=1e-4, atol=1e-5)


def test_the_loss_is_the_squared_error_of_the_sigmoid(fitted):
    material = torch.rand(6, 8)
    with torch.no_grad():
        losses = fitted._losses(fitted.net_, material, torch.empty(6, 0)).numpy()
        own, negative = (fitted.net_(half)[:, 0].numpy() for half in material.chunk(2, dim=1))
    own, negative = 1 / (1 + np.exp(-own)), 1 / (1 + np.exp(-negative))
    assert_allclose(losses, (own**2 + (1 - negative) ** 2) / 2, rtol=1e-4)


def test_training_separates_negatives_from_rows(x, fitted):
    material = torch.from_numpy(fitted._material(x)).float()
    with torch.no_grad():
        own, negative = (fitted.net_(half)[:, 0] for half in material.chunk(2, dim=1))
    assert (own[:, None] < negative).float().mean() > 0.7


def test_more_neighbours_than_rows_are_unsupported():
    with pytest.raises(Unsupported, match="n_neighbors = 10 needs at least 11 training samples"):
        make("lunar").fit(np.eye(10))
