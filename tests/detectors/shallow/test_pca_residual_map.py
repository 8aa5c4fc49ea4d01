"""The relative residual map: its formula, what it is for, and images that it cannot judge."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from detectors import Unsupported, make

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(30, 2, 8, 6)).astype(np.float32)


def _map(images, fitted, width):
    flat = images.reshape(len(images), -1).astype(np.float64)
    errors = (flat - fitted.inverse_transform(fitted.transform(flat))) ** 2
    return gaussian_filter(errors.reshape(images.shape).mean(axis=1), (0, width, width))


def test_the_map_is_the_smoothed_residual_over_its_mean_on_held_out_images():
    detector = make("pca-residual-map", n_components=4, smoothing=0.125, seed=3).fit(IMAGES[:20])
    order = detector.stream("held-out").permutation(20)
    held_out, kept = IMAGES[order[:4]], IMAGES[order[4:]]
    fitted = PCA(4, svd_solver="full").fit(kept.reshape(16, -1).astype(np.float64))
    usual = _map(held_out, fitted, 1).mean(axis=0)
    expected = _map(IMAGES[20:], fitted, 1) / (usual + 0.01 * usual.mean())
    assert_allclose(detector.localize(IMAGES[20:]), expected, rtol=1e-6)
    assert_allclose(detector.score(IMAGES[20:]), expected.max(axis=(1, 2)), rtol=1e-6)


def test_a_defect_counts_more_where_normal_images_vary_less():
    scale = np.ones((1, 16, 16))
    scale[:, :, 8:] = 10
    x = RNG.normal(size=(100, 1, 16, 16)) * scale
    test = RNG.normal(size=(1, 1, 16, 16)) * scale
    test[0, 0, 3:6, 2:5] += 6
    settings = {"n_components": 5}
    plain = make("pca", **settings).fit(x).localize(test)[0]
    relative = make("pca-residual-map", **settings).fit(x).localize(test)[0]
    assert np.unravel_index(plain.argmax(), plain.shape)[1] >= 8
    row, column = np.unravel_index(relative.argmax(), relative.shape)
    assert row in range(3, 6)
    assert column in range(2, 5)


def test_a_background_without_noise_divides_by_a_share_of_the_average():
    x = IMAGES.astype(np.float64)
    x[:, :, :, 3:] = 200
    detector = make("pca-residual-map", smoothing=0.0).fit(x)
    x[0, :, 2, 5] += 3
    spread = detector.usual_[:, 3:]
    assert_allclose(spread, 0.01 * (detector.usual_ - spread.min()).mean(), rtol=1e-6)
    assert detector.localize(x[:1])[0, 2, 5] == pytest.approx(9 / spread.min())


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (IMAGES[:1], "a held-out image needs at least 2 training samples, there are 1"),
        (IMAGES[:, 0, 0], r"needs images \(n, c, h, w\), these are \(30, 6\); use pca"),
    ],
)
def test_one_image_and_vectors_are_unsupported(x, message):
    with pytest.raises(Unsupported, match=message):
        make("pca-residual-map").fit(x)
