"""Every family of posteriors against automatic differentiation, dense formulas and sampling."""

import time

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import MultivariateNormal, kl_divergence

from detectors.networks.dense import build_seeded
from detectors.networks.posteriors.base import normal_log_density
from detectors.networks.posteriors.chain import Chain
from detectors.networks.posteriors.distances import symmetric_kl_of_correlated
from detectors.networks.posteriors.families import FAMILIES, GAUSSIAN

N = 6


def example(name, k=4, n=N):
    """Return a family, and the parameters of n samples in double precision."""
    family = build_seeded(lambda: FAMILIES[name](3, k), 0).double()
    outputs = np.random.default_rng(1).standard_normal((n, family.n_outputs))
    return family, family.parameters_of(torch.from_numpy(outputs))


def close(one, other):
    """Check that they are equal but for rounding, which may depend on the number of rows."""
    assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def noise_of_draws(*shape):
    return torch.from_numpy(np.random.default_rng(2).standard_normal(shape))


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_density_of_a_draw_is_that_of_the_noise_over_the_determinant(name, k):
    family, parameters = example(name, k)
    noise = noise_of_draws(N, k)
    _, log_density = family.draw(parameters, noise)
    for i in range(N):
        own = tuple(each[i : i + 1] for each in parameters)
        jacobian = torch.autograd.functional.jacobian(
            lambda one, own=own: family.draw(own, one[None])[0][0], noise[i]
        )
        expected = normal_log_density(noise[i]) - torch.linalg.slogdet(jacobian)[1]
        assert log_density[i].item() == pytest.approx(expected.item(), abs=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_share_their_parameters_and_depend_on_their_own_row_alone(name):
    family, parameters = example(name)
    noise = noise_of_draws(5, N, 4)
    z, log_density = family.draw(parameters, noise)
    for one, one_z, one_log in zip(noise, z, log_density, strict=True):
        close(family.draw(parameters, one)[0].detach(), one_z.detach())
        close(family.draw(parameters, one)[1].detach(), one_log.detach())
    few = family.draw(tuple(each[2:4] for each in parameters), noise[:, 2:4])
    close(few[0].detach(), z[:, 2:4].detach())
    weighed, log_ratio = family.weigh(parameters, noise)
    close(weighed.detach(), z.detach())
    assert_allclose(log_ratio.detach(), (log_density - normal_log_density(z)).detach(), atol=1e-9)


@pytest.mark.parametrize("name", sorted({*FAMILIES} - {*GAUSSIAN}))
def test_a_flow_is_a_density_whose_integral_is_one(name):
    family, parameters = example(name, 2, 1)
    p = tuple(each.detach() for each in parameters)
    z, log_density = (
        each.detach().numpy() for each in family.draw(p, noise_of_draws(20_000, 1, 2))
    )
    wide = MultivariateNormal(torch.zeros(2).double(), 0.05 * torch.eye(2).double())
    near = np.exp(wide.log_prob(torch.from_numpy(z - np.median(z, axis=0))).numpy() - log_density)
    assert near.mean() == pytest.approx(1, abs=5 * near.std() / np.sqrt(len(near)))


def dense(name, k=4, n=N):
    """Return the dense Gaussians of a family's parameters."""
    family, parameters = example(name, k, n)
    factor, inverse = family.factors(parameters)
    assert_allclose(factor @ inverse, np.broadcast_to(np.eye(k), (n, k, k)), atol=1e-9)
    return family, parameters, MultivariateNormal(parameters[0], factor @ factor.mT)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_a_gaussian_agrees_with_the_dense_formulas(name):
    family, parameters, gaussians = dense(name)
    z = family.draw(parameters, noise_of_draws(N, 4))[0]
    assert_allclose(family.noise_of(parameters, z), noise_of_draws(N, 4), atol=1e-9)
    assert_allclose(family.log_density(parameters, z), gaussians.log_prob(z), atol=1e-9)
    assert_allclose(family.log_variances(parameters).exp(), gaussians.variance, rtol=1e-9)
    prior = MultivariateNormal(torch.zeros(4).double(), torch.eye(4).double())
    assert_allclose(family.kl(parameters), kl_divergence(gaussians, prior), rtol=1e-9)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_symmetric_divergence_of_correlated_gaussians_is_that_of_each_pair(name):
    family, parameters, gaussians = dense(name)
    given = parameters[0], *family.factors(parameters)
    found = symmetric_kl_of_correlated(given, given)
    for i in range(N):
        one = MultivariateNormal(gaussians.loc[i], gaussians.covariance_matrix[i])
        both = kl_divergence(one, gaussians) + kl_divergence(gaussians, one)
        assert_allclose(found[i], both, rtol=1e-8, atol=1e-8)


def test_a_chain_has_a_tridiagonal_precision_whose_factor_solves_its_draws():
    family, (mean, log_variance, angle), gaussians = dense("chain", 5)
    s, r = (0.5 * log_variance).exp(), angle.tanh()
    diagonal = torch.cat([1 / (s[:, :-1] * (1 - r**2).sqrt()), 1 / s[:, -1:]], dim=1)
    below = -r * s[:, :-1] / s[:, 1:] * diagonal[:, :-1]
    lower = torch.diag_embed(diagonal) + torch.diag_embed(below, offset=-1)
    assert_allclose(gaussians.precision_matrix, lower @ lower.mT, rtol=1e-7, atol=1e-7)
    noise = noise_of_draws(N, 5)
    solved = torch.linalg.solve(lower.mT, noise[..., None]).squeeze(-1)
    assert_allclose(family.draw((mean, log_variance, angle), noise)[0] - mean, solved, atol=1e-9)
    draws = family.draw((mean, log_variance, angle), noise_of_draws(200_000, 1, 5))[0][:, 0]
    error = 5 * gaussians.variance[0].max().item() * np.sqrt(2 / len(draws))
    assert_allclose(np.cov(draws.T), gaussians.covariance_matrix[0], atol=error)


@pytest.mark.slow
def test_the_time_of_a_chain_is_linear_in_the_latent_size():
    times = []
    for k in (64, 256, 1024):
        family = Chain(k)
        parameters = family.parameters_of(0.1 * torch.randn(32, family.n_outputs))
        noise, rounds = torch.randn(32, k), []
        for _ in range(7):
            start = time.process_time()
            family.draw(parameters, noise)
            family.kl(parameters)
            rounds.append(time.process_time() - start)
        times.append(min(rounds))
    assert times[1] / times[0] < 6  # four times the units; 16 if it were quadratic
    assert times[2] / times[1] < 6
