"""The constrained AAE: its loss by hand, and what its weight does to codes."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors.deep.adversarial.aae import AAE
from detectors.deep.adversarial.constrained import ConstrainedAAE


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((120, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.5 * rng.standard_normal((120, 6))


def moved(detector, x):
    """Return codes and how far those of the reconstructions are from them, in squares per unit."""
    codes = detector.encode(x)
    return codes, ((detector.encode(detector.reconstruct(x)) - codes) ** 2).mean(axis=1)


def test_the_loss_adds_the_distance_of_the_codes_of_sample_and_reconstruction(x):
    detector = ConstrainedAAE(epochs=3, consistency_weight=0.5).fit(x)
    with torch.no_grad():
        found = detector._restoring(detector.net_, torch.from_numpy(x).float(), None).numpy()
    error = ((x - detector.reconstruct(x)) ** 2).mean(axis=1)
    assert_allclose(found, error + 0.5 * moved(detector, x)[1], rtol=1e-4)


def test_without_weight_it_is_the_adversarial_autoencoder(x):
    plain, free = AAE(epochs=3).fit(x), ConstrainedAAE(epochs=3, consistency_weight=0).fit(x)
    assert_array_equal(plain.score(x), free.score(x))


def spread_and_moved(x, **settings):
    """Return the scale of codes and how far reconstructions move them, as means of five seeds."""
    cls = ConstrainedAAE if settings else AAE
    models = [cls(epochs=40, seed=seed, **settings) for seed in range(5)]
    assert cls.fit_together(models, [x] * 5) == [None] * 5
    found = [moved(model, x) for model in models]
    return np.mean([(codes.std(), far.mean()) for codes, far in found], axis=0)


@pytest.mark.slow
def test_a_weight_keeps_codes_together_and_one_beyond_what_the_game_holds_shrinks_them(x):
    _, plain = spread_and_moved(x)
    scale, constrained = spread_and_moved(x, consistency_weight=10)
    assert constrained < 0.5 * plain
    assert 0.6 < scale < 1.2  # of N(0, I)
    assert spread_and_moved(x, consistency_weight=100)[0] < 0.4
