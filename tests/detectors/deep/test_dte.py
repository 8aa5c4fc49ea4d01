"""DTE-C: its noise follows the schedule, and its score is the expected bin."""

import numpy as np
import torch
from numpy.testing import assert_allclose

from detectors.deep.dte import DTECategorical, noise_scales

SMALL = {"hidden": (32, 32)}


def test_the_noise_has_the_variance_of_its_time():
    detector = DTECategorical(n_times=4, n_bins=4, epochs=0, **SMALL).fit(np.eye(3))
    noise = detector._noise(detector.net_, np.random.default_rng(0), 40_000)
    alphas = 1 - np.linspace(1e-4, 1e-2, 4)
    for time in range(4):
        steps = noise[noise[:, -1] == time, :-1]
        assert 9_000 < len(steps) < 11_000
        assert_allclose(steps.var(axis=0), 1 - np.prod(alphas[: time + 1]), rtol=0.06)
        assert abs(steps.mean()) < 3 * steps.std() / np.sqrt(steps.size)


def test_the_schedule_ends_near_the_variance_of_standardised_features():
    scales = noise_scales(400)
    assert (np.diff(scales) > 0).all()
    assert_allclose(scales[0] ** 2, 1e-4)
    assert 0.8 < scales[-1] ** 2 < 1


def test_bins_are_equal_stretches_of_time():
    detector = DTECategorical(epochs=0, **SMALL).fit(np.eye(3))
    bins = detector._noise(detector.net_, np.random.default_rng(0), 70_000)[:, -1]
    assert_allclose(np.bincount(bins.astype(int)), np.full(7, 10_000), rtol=0.05)


def test_the_score_is_the_expected_bin():
    x = np.random.default_rng(0).standard_normal((60, 4))
    detector = DTECategorical(epochs=5, **SMALL).fit(x)
    with torch.no_grad():
        logits = detector.net_(torch.from_numpy(x).float()).double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(detector.score(x), shares @ np.arange(7), rtol=1e-5)


def test_the_loss_is_the_surprise_at_the_bin_of_the_noised_sample():
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    detector = DTECategorical(epochs=0, **SMALL).fit(x)
    noise = detector._noise(detector.net_, np.random.default_rng(1), 9)
    with torch.no_grad():
        losses = detector._losses(detector.net_, torch.from_numpy(x), torch.from_numpy(noise))
        logits = detector.net_(torch.from_numpy(x + noise[:, :4])).double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = [-np.log(shares[i, int(noise[i, 4])]) for i in range(9)]
    assert_allclose(losses.numpy(), expected, rtol=1e-5)


def test_noised_samples_score_higher_the_further_they_are_noised():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 1)) @ np.ones((1, 8))
    detector = DTECategorical(epochs=100, **SMALL).fit(x)
    noise = rng.standard_normal(x.shape)
    means = [detector.score(x + scale * noise).mean() for scale in (0, 0.3, 0.6, 0.9)]
    assert (np.diff(means) > 0.5).all(), means
