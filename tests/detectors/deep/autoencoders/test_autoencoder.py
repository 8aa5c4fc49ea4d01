"""The autoencoder: its score, its code and its sizes are what it says."""

import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy.linalg import subspace_angles

from detectors import make
from detectors.deep.autoencoders.autoencoder import Autoencoder


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


def test_the_linear_autoencoder_spans_the_subspace_of_the_principal_components():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    spread = np.array([2, 1.7, 1.4, 0.4, 0.3, 0.2, 0.2, 0.1])
    x = rng.standard_normal((300, 8)) * spread @ basis + rng.standard_normal(8)
    pca = make("pca", n_components=3).fit(x)
    whole = {"batch_size": 300, "epochs": 600, "learning_rate": 0.01, "validation_share": 0.0}
    linear = make("linear-ae", latent_dim=3, **whole).fit(x)
    decoder = linear.model.net_.decoder[0].weight.detach().numpy()
    angles = subspace_angles(decoder.T, pca.components_.T)
    assert np.degrees(angles).max() < 2
    fresh = rng.standard_normal((200, 8)) * spread @ basis + x.mean(axis=0)
    expected = pca.score(fresh) / 8  # a sum over the features, the autoencoder's a mean
    assert np.corrcoef(linear.score(fresh), expected)[0, 1] > 0.998
    assert_allclose(linear.score(fresh).mean(), expected.mean(), rtol=0.01)


def test_the_linear_autoencoder_is_linear_also_for_images():
    images = np.random.default_rng(0).standard_normal((9, 1, 4, 4)).astype(np.float32)
    layers = list(make("linear-ae", epochs=0).fit(images).model.net_.modules())
    assert [type(layer).__name__ for layer in layers].count("Dense") == 2
    assert not any(isinstance(layer, (torch.nn.LeakyReLU, torch.nn.Conv2d)) for layer in layers)
