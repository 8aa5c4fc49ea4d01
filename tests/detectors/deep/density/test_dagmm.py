"""DAGMM: its features, its mixture and its energy against independent computations."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from detectors.deep.density.dagmm import DAGMM, JITTER, energy, mixture_of


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((120, 2)) @ rng.standard_normal((2, 6)) + 0.2 * rng.standard_normal(
        (120, 6)
    )


@pytest.fixture(scope="module")
def fitted(x):
    return DAGMM(epochs=60, validation_share=0).fit(x)


def mixture_by_loop(z, gamma, weight):
    """Equation 5 of the paper, a component at a time."""
    for k in range(gamma.shape[1]):
        w = weight * gamma[:, k]
        yield w.sum(), np.average(z, axis=0, weights=w), np.cov(z.T, aweights=w, ddof=0)


def energy_by_scipy(z, mixture):
    terms = [
        np.log(share) + multivariate_normal(mean, covariance + JITTER * np.eye(len(mean))).logpdf(z)
        for share, mean, covariance in mixture
    ]
    return -logsumexp(terms, axis=0)


def test_the_energy_is_that_of_a_mixture_of_normals():
    rng = np.random.default_rng(1)
    z, gamma = rng.standard_normal((50, 3)) * [1, 5, 0.2], rng.dirichlet([1, 1], 50)
    weight = rng.dirichlet(np.ones(50))
    *mixture, variances = mixture_of(*(torch.from_numpy(each) for each in (z, gamma, weight)))
    by_loop = [*mixture_by_loop(z, gamma, weight)]
    found = energy(torch.from_numpy(z), *mixture).numpy()
    assert_allclose(found, energy_by_scipy(z, by_loop), rtol=1e-9)
    assert_allclose(variances, [np.diag(s) + JITTER for _, _, s in by_loop], rtol=1e-9)


def test_the_mixture_that_scores_is_that_of_the_training_rows(x, fitted):
    rows = torch.from_numpy(x).float()
    with torch.no_grad():
        gamma = fitted.net_.memberships(fitted.net_(rows)[0]).double().numpy()
    z = fitted.encode(x)
    mixture = [*mixture_by_loop(z, gamma, np.full(len(x), 1 / len(x)))]
    far = 3 * x[:20]
    assert_allclose(fitted.score(far), energy_by_scipy(fitted.encode(far), mixture), rtol=1e-3)


def test_codes_end_in_relative_distance_and_cosine_of_the_reconstruction(x, fitted):
    with torch.no_grad():
        restored = fitted.net_(torch.from_numpy(x).float())[1].numpy()
    z = fitted.encode(x)
    norms = np.linalg.norm(x, axis=1)
    cosine = (x * restored).sum(axis=1) / norms / np.linalg.norm(restored, axis=1)
    assert z.shape == (len(x), 4)
    distance = np.linalg.norm(x - restored, axis=1) / norms
    assert_allclose(z[:, 2], distance, rtol=1e-3, atol=2e-3)  # a root of 0 is kept off
    assert_allclose(z[:, 3], cosine, rtol=1e-4, atol=1e-4)


def test_the_loss_is_error_energy_and_penalty_of_small_variances(x, fitted):
    rows, kept = torch.from_numpy(x).float(), torch.ones(len(x), 10)
    weight = torch.full((len(x),), 1 / len(x))
    with torch.no_grad():
        loss = fitted._loss(fitted.net_, rows, weight, kept).item()
        z, restored = (each.double().numpy() for each in fitted.net_(rows))
        gamma = fitted.net_.memberships(torch.from_numpy(z).float()).double().numpy()
    mixture = [*mixture_by_loop(z, gamma, np.full(len(x), 1 / len(x)))]
    penalty = sum((1 / (np.diag(covariance) + JITTER)).sum() for _, _, covariance in mixture)
    error = ((x - restored) ** 2).sum(axis=1).mean()
    expected = error + 0.1 * energy_by_scipy(z, mixture).mean() + 0.005 * penalty
    assert loss == pytest.approx(expected, rel=1e-3)


def test_every_network_of_it_is_trained(x, fitted):
    start = dict(DAGMM(epochs=0).fit(x).net_.named_parameters())
    still = {n: (p == start[n]).float().mean().item() for n, p in fitted.net_.named_parameters()}
    assert max(still.values()) < 0.05, still


def test_dropout_halves_the_hidden_units_and_keeps_their_mean(fitted):
    noise = fitted._noise(fitted.net_, np.random.default_rng(0), 5000)
    assert set(np.unique(noise)) == {0.0, 2.0}
    assert noise.mean() == pytest.approx(1, abs=0.02)
