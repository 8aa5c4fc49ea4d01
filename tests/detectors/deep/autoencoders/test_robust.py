"""The robust autoencoder: its proximal steps, its loss, and what it is for."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.optimize import minimize, minimize_scalar
from torch.nn.functional import huber_loss

from detectors import make
from detectors.deep.autoencoders.robust import RobustAutoencoder, norm, proximal

ERRORS = np.array([[0.2, -0.9, 3.0, -2.0], [0.1, 0.2, -0.3, 0.05]])


def test_the_noise_of_a_feature_is_that_of_a_numerical_minimiser():
    ours = proximal(torch.tensor(ERRORS), 0.8, "l1")
    for error, noise in zip(ERRORS.ravel(), ours.ravel(), strict=True):
        best = minimize_scalar(lambda n, e=error: (e - n) ** 2 + 1.6 * abs(n), (-5, 5), tol=1e-10)
        assert noise == pytest.approx(best.x, abs=1e-4)
        assert (abs(error) <= 0.8) == (noise == 0)


def test_the_noise_of_a_sample_is_that_of_a_numerical_minimiser():
    ours = proximal(torch.tensor(ERRORS), 0.8, "l21").numpy()

    def loss(noise, errors):
        return np.square(errors - noise).sum() + 1.6 * math.sqrt(4) * np.linalg.norm(noise)

    best = minimize(loss, ERRORS[0] / 2, ERRORS[0], tol=1e-12).x
    assert_allclose(ours[0], best, atol=1e-4)
    assert (ours[1] == 0).all()  # its root mean square is .19
    assert loss(ours[1], ERRORS[1]) < min(loss(d * ERRORS[1], ERRORS[1]) for d in (-0.01, 0.01))


def test_the_norms_are_sums_and_scaled_lengths():
    noise = torch.tensor([[3.0, -4.0]])
    assert norm(noise, "l1") == 7
    assert_allclose(norm(noise, "l21"), math.sqrt(2) * 5)


def test_with_the_best_noise_the_loss_is_that_of_huber_and_so_is_its_gradient():
    x = torch.tensor(np.random.default_rng(0).normal(size=(9, 5)), dtype=torch.float32)
    detector = RobustAutoencoder(epochs=0, threshold=0.7).fit(x.numpy())
    net = detector.net_.train()
    restored = net(x)
    huber = 2 * huber_loss(restored, x, reduction="none", delta=0.7).mean(1)
    ours = detector._losses(net, x, torch.empty(9, 0))
    assert_allclose(ours.detach(), huber.detach(), rtol=1e-5)
    parameters = [*net.parameters()]
    for one, other in zip(
        torch.autograd.grad(ours.sum(), parameters, retain_graph=True),
        torch.autograd.grad(huber.sum(), parameters),
        strict=True,
    ):
        assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_gross_errors_of_training_samples_are_not_learned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 1)) @ np.ones((1, 6)) + 0.1 * rng.normal(size=(240, 6))
    train, test = x[:160].copy(), x[160:]
    train[:16, 3] = rng.choice([-12, 12], 16)  # a tenth of the samples
    settings = {"epochs": 60, "latent_dim": 1, "validation_share": 0.0}
    plain = make("ae", **settings).fit(train)
    robust = make("robust-ae", threshold=0.5, **settings).fit(train)
    assert plain.score(train[:16]).mean() < 1
    assert robust.score(train[:16]).mean() > 4
    assert robust.score(test).mean() < 1.1 * plain.score(test).mean()
