"""The context-encoding VAE: its loss by hand, and what it hides."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import label
from scipy.stats import norm

from detectors.deep.variational.context import ContextEncodingVAE
from detectors.deep.variational.vae import VAE


def tensors(detector, x):
    noise = detector._noise(detector.net_, np.random.default_rng(1), len(x))
    return torch.from_numpy(x).float(), torch.from_numpy(noise)


def test_the_loss_is_the_bound_plus_the_error_of_the_sample_restored_from_a_part_of_it():
    x = np.random.default_rng(0).standard_normal((50, 6))
    detector = ContextEncodingVAE(epochs=3, context_weight=2.0).fit(x)
    net, (rows, noise) = detector.net_, tensors(detector, x)
    seen = np.where(noise.numpy()[:, :6] < 0.3, 0, x)
    with torch.no_grad():
        mean, _ = net.posterior(torch.from_numpy(seen).float())
        restored, variance = net.likelihood.parameters_of(net.decode(mean))
        error = -norm.logpdf(x, restored.numpy(), variance.sqrt().numpy()).sum(axis=1)
        bound = VAE._losses(detector, net, rows, noise[:, 6:]).numpy()
        losses = detector._losses(net, rows, noise).numpy()
    assert_allclose(losses, bound + 2 * error, rtol=1e-4)


def test_of_vectors_the_share_is_hidden():
    x = np.ones((500, 8))
    detector = ContextEncodingVAE(epochs=0, hidden_share=0.2).fit(x)
    rows, noise = tensors(detector, x)
    assert_allclose(detector._hidden(rows, noise[:, :8]).float().mean(), 0.2, atol=0.03)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 9)])
def test_of_images_one_to_three_squares_of_up_to_half_a_side_are_hidden(shape):
    x = np.ones((300, *shape), dtype=np.float32)
    detector = ContextEncodingVAE(epochs=0).fit(x)
    rows, noise = tensors(detector, x)
    hidden = detector._hidden(rows, noise[:, :10]).numpy()
    assert hidden.shape == (300, 1, *shape[1:])
    half, counts = min(shape[1:]) // 2, [label(each[0])[1] for each in hidden]
    assert set(counts) == {1, 2, 3}
    assert hidden.sum(axis=(1, 2, 3)).min() >= 1
    assert hidden.sum(axis=(1, 2, 3)).max() <= 3 * half**2
    single = [each[0] for each, count in zip(hidden, counts, strict=True) if count == 1]
    alone = [each for each in single if each[each.any(1)][:, each.any(0)].all()]
    sides = {(each.any(1).sum(), each.any(0).sum()) for each in alone}
    assert {(side, side) for side in range(1, half + 1)} <= sides
    assert hidden.any(axis=0).all()  # every pixel may be


@pytest.mark.slow
def test_it_restores_what_is_hidden_better_than_a_vae_does():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 8))
    held = rng.standard_normal((100, 2)) @ np.linalg.lstsq(x[:, :2], x, rcond=None)[0]
    hidden = rng.random(held.shape) < 0.3
    with_context, plain = (
        cls(epochs=25).fit(x).reconstruct(np.where(hidden, 0, held))
        for cls in (ContextEncodingVAE, VAE)
    )
    errors = [((each - held) ** 2)[hidden].mean() for each in (with_context, plain)]
    assert errors[0] < 0.7 * errors[1]


def test_images_train_and_score_alike_in_any_company():
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = ContextEncodingVAE(epochs=1).fit(images)
    scores = detector.score(images)
    assert_array_equal(detector.score(images[::-1]), scores[::-1])
    assert detector.localize(images, "reconstruction-kl").shape == (40, 8, 8)
