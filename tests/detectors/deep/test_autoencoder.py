"""The autoencoder: its score, its code and its sizes are what it says."""

import numpy as np
import torch
from numpy.testing import assert_allclose

from detectors.deep.autoencoder import Autoencoder


def test_the_score_is_the_mean_squared_error_of_the_reconstruction():
    x = np.random.default_rng(0).standard_normal((20, 5))
    detector = Autoencoder(epochs=3).fit(x)
    with torch.no_grad():
        restored = detector.net_(torch.from_numpy(x).float()).numpy()
    assert_allclose(detector.score(x), ((x - restored) ** 2).mean(axis=1), rtol=1e-5)


def test_the_reconstruction_is_decoded_from_the_code():
    x = np.random.default_rng(0).standard_normal((20, 9))
    detector = Autoencoder(epochs=3).fit(x)
    codes = detector.encode(x)
    assert codes.shape == (20, 4)
    with torch.no_grad():
        restored = detector.net_.decoder(torch.from_numpy(codes).float()).numpy()
    assert_allclose(detector.score(x), ((x - restored) ** 2).mean(axis=1), rtol=1e-5)


def test_hidden_layers_and_code_are_as_wide_as_asked():
    detector = Autoencoder(hidden=(7, 5), latent_dim=2, epochs=0).fit(np.eye(6))
    layers = [layer for layer in detector.net_.modules() if hasattr(layer, "weight")]
    assert [tuple(layer.weight.shape) for layer in layers] == [
        (6, 7),
        (7, 5),
        (5, 2),
        (2, 5),
        (5, 7),
        (7, 6),
    ]
