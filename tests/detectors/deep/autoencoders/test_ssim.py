"""The autoencoder of structural similarity: the measure, its edges, and the accepted input."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from scipy.ndimage import gaussian_filter

from detectors import Unsupported, make
from detectors.deep.autoencoders.ssim import SSIMAutoencoder
from detectors.networks.structure import similarity

RNG = np.random.default_rng(0)
IMAGES = RNG.random((40, 2, 16, 12)).astype(np.float32)


def smooth(image):
    """Return the means of windows of 11 x 11 pixels by scipy."""
    return gaussian_filter(image, sigma=1.5, radius=5, mode="mirror")


def by_scipy(x, y, extent):
    """Return equation 13 of Wang et al. of two images (h, w)."""
    mean_x, mean_y = smooth(x), smooth(y)
    covariance = smooth(x * y) - mean_x * mean_y
    variances = smooth(x * x) - mean_x**2 + smooth(y * y) - mean_y**2
    c1, c2 = (0.01 * extent) ** 2, (0.03 * extent) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return numerator / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))


def test_the_similarity_is_that_of_an_independent_computation():
    x, y = RNG.random((2, 3, 2, 16, 12)) * 7
    ours = similarity(torch.tensor(x), torch.tensor(y), 11, torch.tensor(7.0)).numpy()
    theirs = [[by_scipy(*pair, 7.0) for pair in zip(*images, strict=True)]
              for images in zip(x, y, strict=True)]  # fmt: skip
    assert_allclose(ours, theirs, rtol=1e-9)


def test_an_image_is_like_itself_and_unlike_its_negative():
    x = torch.tensor(RNG.random((1, 1, 16, 16)))
    assert_allclose(similarity(x, x, 5, torch.tensor(1.0)), 1)
    assert (similarity(x, 1 - x, 11, torch.tensor(1.0)) < 0).all()


def test_brightness_and_blur_of_equal_squared_error_differ_in_structure():
    x = torch.tensor(RNG.random((1, 1, 32, 32)))
    shifted = x + 0.25
    noise = torch.tensor(RNG.choice([-0.25, 0.25], size=(1, 1, 32, 32)))
    one, other = (similarity(x, y, 11, torch.tensor(1.0)).mean() for y in (shifted, x + noise))
    assert one > other + 0.1


def test_loss_errors_and_score_are_one_less_the_similarity():
    model = SSIMAutoencoder(epochs=0).fit(IMAGES)
    rows = torch.tensor(IMAGES[:5])
    with torch.no_grad():
        restored = model.net_(rows)
    extent = torch.tensor(np.ptp(IMAGES))
    expected = 1 - similarity(rows.double(), restored.double(), 11, extent).numpy()
    errors = model.localize(IMAGES[:5])
    largest = model.localize(IMAGES[:5], "largest-error")
    assert_allclose(errors, expected.mean(1), atol=1e-5)
    assert_allclose(largest, expected.max(1), atol=1e-5)
    assert_allclose(model.score(IMAGES[:5]), errors.mean((1, 2)), rtol=1e-9)
    assert_allclose(model.score(IMAGES[:5], "largest-error"), largest.max((1, 2)), rtol=1e-9)
    losses = model._losses(model.net_, rows, torch.empty(5, 0)).detach()
    assert_allclose(losses, errors.mean((1, 2)), rtol=1e-4)


def halved(images):
    n, height, width = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4))


def test_the_residuals_of_another_autoencoder_are_those_of_an_independent_computation():
    x = RNG.random((9, 1, 24, 48)).astype(np.float32)
    models = {r: make("ae", epochs=1, residual=r).fit(x).model
              for r in ("absolute", "structural", "multi-scale")}  # fmt: skip
    one, other = x[:, 0].astype(np.float64), models["absolute"].reconstruct(x)[:, 0]
    assert_allclose(models["absolute"].localize(x), np.abs(one - other), rtol=1e-6)
    expected = []
    for factor in (1, 2, 4):
        unlike = [1 - by_scipy(*pair, np.ptp(x)) for pair in zip(one, other, strict=True)]
        expected.append([np.asarray(Image.fromarray(each.astype(np.float32)).resize((48, 24), 2))
                         for each in unlike])  # fmt: skip
        if factor == 1:
            assert_allclose(models["structural"].localize(x), unlike, atol=1e-5)
        one, other = halved(one), halved(other)
    assert_allclose(models["multi-scale"].localize(x), np.mean(expected, 0), atol=1e-5)


def test_a_defect_that_keeps_the_brightness_stands_out_where_it_is():
    grid = np.arange(24) / 4
    phases = RNG.random((120, 2, 1, 1, 1)) * 6
    waves = np.sin(grid[:, None] + phases[:, 0]) + np.sin(grid + phases[:, 1])
    x = (0.5 + waves / 5).astype(np.float32)
    model = SSIMAutoencoder(epochs=40, window=5).fit(x[:100])
    spoiled = x[100:].copy()
    spoiled[:, :, 4:12, 4:12] = spoiled[:, :, 4:12, 4:12].mean((-2, -1), keepdims=True)
    rise = (model.localize(spoiled) - model.localize(x[100:])).mean(0)
    assert rise[4:12, 4:12].mean() > 10 * np.abs(rise[16:, 16:]).mean()


def test_training_that_was_thrown_off_says_so_with_every_score():
    model = SSIMAutoencoder(epochs=2, learning_rate=10.0).fit(IMAGES)
    with pytest.warns(UserWarning, match="training failed or there is nothing to learn"):
        model.score(IMAGES)


@pytest.mark.parametrize(
    ("x", "settings", "message"),
    [
        (np.eye(40), {}, r"these are \(40, 40\); take another residual or detector"),
        (
            IMAGES,
            {"flatten": True},
            r"these are \(40, 384\); take .* images that are not flattened",
        ),
        (IMAGES, {"window": 4}, "use an odd number of at most 23"),
        (IMAGES[..., :4], {}, "window of 11 pixels does not suit a side of 4 pixels"),
    ],
)
def test_what_has_no_windows_is_unsupported(x, settings, message):
    with pytest.raises(Unsupported, match=message):
        make("ssim-ae", **settings).fit(x)
