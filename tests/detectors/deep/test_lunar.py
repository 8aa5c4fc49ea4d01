"""LUNAR: its distances by brute force, its negatives, and its loss."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from detectors import Unsupported, make
from detectors.deep.lunar import LUNAR


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


def test_neighbours_are_other_training_rows_and_never_negatives(x):
    detector = LUNAR(n_neighbors=4, seed=3)
    material = detector._material(x)
    rows = scaled(x, x)
    others = cdist(rows, rows) + np.diag(np.full(len(x), np.inf))
    assert_allclose(material[:, :4], np.sort(others, axis=1)[:, :4], rtol=1e-6, atol=1e-9)
    to_rows = np.sort(cdist(detector._negatives(rows), rows), axis=1)[:, :4]
    assert_allclose(material[:, 4:], to_rows, rtol=1e-6, atol=1e-9)
    assert (material[:, 4:] > 0).mean() > 0.9


def test_half_the_negatives_fill_the_cube_and_half_stay_near_a_row():
    rows = np.full((4000, 10), 0.5)
    moved = LUNAR()._negatives(rows) - rows
    near = (moved == 0).any(axis=1)  # some feature of it was left alone
    assert 0.45 < near.mean() < 0.55
    assert_allclose((moved[near] != 0).mean(), 0.3, atol=0.02)
    assert_allclose(moved[near][moved[near] != 0].std(), 0.1, rtol=0.05)
    assert np.abs(moved[~near]).max() == pytest.approx(0.6, abs=0.01)
    assert_allclose(moved[~near].std(), 1.2 / np.sqrt(12), rtol=0.05)


def test_the_score_is_the_network_of_the_distances_to_training_rows(x, fitted):
    z = 1.5 * x[:20] + 0.3
    distances = np.sort(cdist(scaled(z, x), scaled(x, x)), axis=1)[:, :4]
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
    assert (own[:, None] < negative).float().mean() > 0.8


def test_more_neighbours_than_rows_are_unsupported():
    with pytest.raises(Unsupported, match="n_neighbors = 10 needs at least 11 training samples"):
        make("lunar").fit(np.eye(10))
