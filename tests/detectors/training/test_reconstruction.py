"""Maps of errors: their mean and their largest are the scores, for vectors and images."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors import make
from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.deep.autoencoders.contractive import ContractiveAutoencoder
from detectors.deep.autoencoders.cumulative import CumulativeErrorAutoencoder
from detectors.deep.autoencoders.denoising import DenoisingAutoencoder
from detectors.deep.autoencoders.masked import MaskedAutoencoder
from detectors.deep.autoencoders.sparse import SparseAutoencoder

EVERY = pytest.mark.parametrize(
    "cls",
    [
        Autoencoder,
        ContractiveAutoencoder,
        CumulativeErrorAutoencoder,
        DenoisingAutoencoder,
        MaskedAutoencoder,
        SparseAutoencoder,
    ],
)


@EVERY
@pytest.mark.parametrize("shape", [(5,), (2, 9, 8)])
def test_the_scores_are_the_mean_and_the_largest_of_the_maps(cls, shape):
    x = np.random.default_rng(0).standard_normal((20, *shape)).astype(np.float32)
    detector = cls(epochs=1).fit(x)
    maps = detector.localize(x, "reconstruction")
    assert maps.shape == (20, *shape[-2:])
    flat = maps.reshape(20, -1)
    assert_allclose(detector.score(x, "reconstruction"), flat.mean(axis=1), rtol=1e-12)
    largest = detector.localize(x, "largest-error").reshape(20, -1)
    assert_array_equal(detector.score(x, "largest-error"), largest.max(axis=1))
    order = np.random.default_rng(1).permutation(20)
    assert_array_equal(detector.localize(x[order], "reconstruction"), maps[order])


def test_the_errors_are_those_of_the_reconstruction_also_of_flattened_images():
    x = np.random.default_rng(0).standard_normal((20, 1, 8, 8)).astype(np.float32)
    detector = Autoencoder(epochs=1, flatten=True).fit(x)
    with torch.no_grad():
        restored = detector.net_(torch.from_numpy(x.reshape(20, -1))).reshape(x.shape).numpy()
    assert_allclose(detector.localize(x), (x - restored)[:, 0] ** 2, rtol=1e-4, atol=1e-9)


def test_the_feature_that_breaks_a_rule_has_the_largest_error():
    factor = np.random.default_rng(0).standard_normal((120, 1))
    x = factor @ np.ones((1, 6)) + 0.1 * np.random.default_rng(1).standard_normal((120, 6))
    detector = MaskedAutoencoder(epochs=60).fit(x)
    x[:9, 4] += 4
    assert (detector.localize(x[:9]).argmax(axis=1) == 4).all()


def test_maps_before_fit_say_so():
    with pytest.raises(ValueError, match="Autoencoder is not fitted"):
        Autoencoder().localize(np.eye(3))


RESIDUALS = ("absolute", "structural", "multi-scale")


@pytest.mark.parametrize("name", ["ae", "mae", "wae-mmd", "ssim-ae"])
@pytest.mark.parametrize("residual", RESIDUALS)
def test_another_residual_changes_scores_and_maps_and_not_the_training(name, residual):
    x = np.random.default_rng(0).random((20, 2, 16, 12)).astype(np.float32)
    squared, other = (make(name, epochs=1, residual=r).fit(x).model for r in ("squared", residual))
    assert_array_equal(other.losses_, squared.losses_)
    assert_array_equal(other.encode(x), squared.encode(x))
    maps = other.localize(x)
    assert np.abs(maps - squared.localize(x)).max() > 0.01
    assert_allclose(other.score(x), maps.mean((1, 2)), rtol=1e-9)
    assert_array_equal(other.localize(x[5:6]), maps[5:6])
