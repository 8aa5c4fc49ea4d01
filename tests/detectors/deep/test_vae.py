"""The VAE: its densities, its divergence and its read-outs against independent computations."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from detectors.deep.vae import VAE, VARIANCE_FLOOR, gaussian_nll, kl_to_prior

MEAN, LOG_VARIANCE = torch.tensor([[0.7, -1.2, 0.0]]), torch.tensor([[0.3, -1.5, 0.0]])


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 2)) @ rng.standard_normal((2, 6)) + 0.2 * rng.standard_normal(
        (60, 6)
    )


@pytest.fixture(scope="module")
def fitted(x):
    return VAE(epochs=40, seed=2).fit(x)


def test_the_divergence_in_closed_form_agrees_with_sampling():
    draws = np.random.default_rng(0).standard_normal((400_000, 3))
    mean, scale = MEAN.numpy(), np.exp(0.5 * LOG_VARIANCE.numpy())
    z = mean + scale * draws
    differences = (norm.logpdf(z, mean, scale) - norm.logpdf(z)).sum(axis=1)
    error = differences.std() / np.sqrt(len(z))
    assert kl_to_prior(MEAN, LOG_VARIANCE).item() == pytest.approx(
        differences.mean(), abs=4 * error
    )
    assert kl_to_prior(torch.zeros(1, 3), torch.zeros(1, 3)).item() == 0


def test_the_density_is_that_of_a_diagonal_gaussian():
    x, variance = torch.tensor([[0.5, 2.0, -1.0]]), torch.tensor([0.2, 1.0, 3.0])
    expected = -norm.logpdf(x.numpy(), MEAN.numpy(), np.sqrt(variance.numpy())).sum(axis=1)
    assert_allclose(gaussian_nll(x, MEAN, variance).numpy(), expected, rtol=1e-6)


def test_the_loss_sums_both_terms_over_features_and_latent_units(x, fitted):
    rows = torch.from_numpy(x).float()
    noise = torch.from_numpy(fitted._noise(fitted.net_, np.random.default_rng(0), len(x)))
    with torch.no_grad():
        losses = fitted._losses(fitted.net_, rows, noise).numpy()
        mean, log_variance = (each.numpy() for each in fitted.net_.posterior(rows))
        scale = np.exp(0.5 * log_variance)
        decoded = fitted.net_.decoder(torch.from_numpy(mean + scale * noise.numpy())).numpy()
        spread = fitted.net_.feature_variance().sqrt().numpy()
    kl = 0.5 * (mean**2 + scale**2 - 1 - log_variance).sum(axis=1)
    expected = kl - norm.logpdf(x, decoded, spread).sum(axis=1)
    assert_allclose(losses, expected, rtol=1e-4)


def test_the_reconstruction_probability_is_the_mean_of_log_densities_over_the_draws(x, fitted):
    draws = fitted.stream("read-outs").standard_normal((fitted.n_draws, 1, 3))
    with torch.no_grad():
        mean, log_variance = fitted.net_.posterior(torch.from_numpy(x).float())
        spread = fitted.net_.feature_variance().sqrt().numpy()
        total = np.zeros(len(x))
        for draw in draws:
            z = mean + (0.5 * log_variance).exp() * torch.from_numpy(draw).float()
            total += norm.logpdf(x, fitted.net_.decoder(z).numpy(), spread).sum(axis=1)
    expected = -total / fitted.n_draws
    assert_allclose(fitted.score(x, "reconstruction-probability"), expected, rtol=1e-4, atol=1e-4)


def test_the_bound_is_the_reconstruction_probability_plus_the_divergence(x, fitted):
    parts = fitted.score(x, "reconstruction-probability") + fitted.score(x, "kl")
    assert_allclose(fitted.score(x, "elbo"), parts, rtol=1e-12)
    assert (fitted.score(x, "kl") > 0).all()


def test_reconstruction_decodes_the_posterior_mean_which_is_the_code(x, fitted):
    codes = fitted.encode(x)
    with torch.no_grad():
        restored = fitted.net_.decoder(torch.from_numpy(codes).float()).numpy()
    assert_allclose(
        fitted.score(x, "reconstruction"), ((x - restored) ** 2).mean(axis=1), rtol=1e-5
    )


def test_a_score_that_samples_is_the_same_each_time_and_close_under_other_draws(x, fitted):
    first = fitted.score(x, "elbo")
    assert_array_equal(fitted.score(x, "elbo"), first)
    many = VAE(epochs=40, seed=2, n_draws=2000).fit(x).score(x, "elbo")
    assert (first != many).all()
    assert np.corrcoef(first, many)[0, 1] > 0.95


def test_the_learned_variance_approaches_that_of_the_noise():
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((600, 1))
    x = factor @ np.ones((1, 6)) + [0.2, 0.2, 0.2, 0.6, 0.6, 0.6] * rng.standard_normal((600, 6))
    net = VAE().fit(x).net_
    with torch.no_grad():
        spread = net.feature_variance().sqrt().numpy()
    assert_allclose(spread, [0.2, 0.2, 0.2, 0.6, 0.6, 0.6], rtol=0.25)


def test_the_variance_of_a_constant_feature_stays_above_its_floor():
    x = np.c_[np.random.default_rng(0).standard_normal((60, 3)), np.zeros(60)]
    detector = VAE().fit(x)
    with torch.no_grad():
        variance = detector.net_.feature_variance().numpy()
    assert VARIANCE_FLOOR <= variance[3] < 0.3 < variance[:3].min()
    shifted = x + np.array([0, 0, 0, 1])
    assert (detector.score(shifted, "elbo") > detector.score(x, "elbo")).all()


def test_far_samples_have_finite_scores(x, fitted):
    for readout in VAE.readouts:
        scores = fitted.score(1e4 * x, readout)
        assert np.isfinite(scores).all()
        assert scores.min() > fitted.score(x, readout).max()


def test_latent_units_carry_information(x, fitted):
    assert (fitted.encode(x).var(axis=0) > 0.1).sum() >= 2  # two factors made the samples
