"""The constrained AAE: its loss by hand, and codes that keep the scale of the prior."""

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


def test_codes_of_reconstructions_stay_nearer_and_the_game_holds_the_scale_of_codes(x):
    (_, plain), (codes, constrained) = (
        moved(cls(epochs=60).fit(x), x) for cls in (AAE, ConstrainedAAE)
    )
    assert constrained.mean() < 0.5 * plain.mean()
    assert 0.5 < codes.std() < 1.5  # of N(0, I)
