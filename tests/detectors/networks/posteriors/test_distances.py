"""Divergences and distances of diagonal Gaussians against sampling and known special cases."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

from detectors.networks.likelihoods import gaussian_nll
from detectors.networks.posteriors.distances import (
    fisher_rao,
    kl_to_prior,
    nearest,
    squared_wasserstein,
    symmetric_kl,
)

MEAN, LOG_VARIANCE = torch.tensor([[0.7, -1.2, 0.0]]), torch.tensor([[0.3, -1.5, 0.0]])
P = MEAN.double(), LOG_VARIANCE.double()
Q = torch.tensor([[0.1, 0.4, -2.0]]).double(), torch.tensor([[-0.4, 0.2, 1.0]]).double()


def sampled_kl(p, q):
    """Return KL(p || q) by sampling, and its standard error."""
    (m, s), (n, t) = ((mean.numpy(), np.exp(0.5 * log.numpy())) for mean, log in (p, q))
    z = m + s * np.random.default_rng(0).standard_normal((400_000, 3))
    differences = (norm.logpdf(z, m, s) - norm.logpdf(z, n, t)).sum(axis=1)
    return differences.mean(), differences.std() / np.sqrt(len(z))


def test_the_divergence_in_closed_form_agrees_with_sampling():
    prior = torch.zeros(1, 3), torch.zeros(1, 3)
    expected, error = sampled_kl((MEAN, LOG_VARIANCE), prior)
    assert kl_to_prior(MEAN, LOG_VARIANCE).item() == pytest.approx(expected, abs=4 * error)
    assert kl_to_prior(*prior).item() == 0


def test_the_symmetric_divergence_agrees_with_sampling_both_ways():
    (there, error), (back, other_error) = sampled_kl(P, Q), sampled_kl(Q, P)
    expected = pytest.approx(there + back, abs=4 * (error + other_error))
    assert symmetric_kl(P, Q).item() == expected
    assert symmetric_kl(P, Q) == symmetric_kl(Q, P)


def univariate(mean, scale):
    return torch.tensor([[mean]]).double(), 2 * torch.tensor([[scale]]).double().log()


def geodesic(m, s, n, t):
    """Return the length of the half ellipse around a point of sigma = 0 through both."""
    a, b = m / np.sqrt(2), n / np.sqrt(2)  # the metric is then twice the hyperbolic one
    centre = (b**2 - a**2 + t**2 - s**2) / (2 * (b - a))
    angles = np.arctan2(s, a - centre), np.arctan2(t, b - centre)
    return np.sqrt(2) * abs(quad(lambda angle: 1 / np.sin(angle), *angles)[0])


@pytest.mark.parametrize(
    ("m", "s", "n", "t"), [(0, 1, 1, 1), (-2, 0.3, 1, 4), (5, 0.01, 5.5, 0.02), (0, 1, 1e-3, 1)]
)
def test_the_fisher_rao_distance_of_univariate_gaussians_is_its_geodesic_and_closed_form(
    m, s, n, t
):
    distance = fisher_rao(univariate(m, s), univariate(n, t)).item()
    assert distance == pytest.approx(geodesic(m, s, n, t), rel=1e-6)
    near, far = (m - n) ** 2 + 2 * (s - t) ** 2, (m - n) ** 2 + 2 * (s + t) ** 2
    assert distance == pytest.approx(2 * np.sqrt(2) * np.arctanh(np.sqrt(near / far)), rel=1e-6)


def test_equal_means_are_the_logarithm_of_the_ratio_of_their_scales_apart():
    distance = fisher_rao(univariate(3, 0.5), univariate(3, 4)).item()
    assert distance == pytest.approx(np.sqrt(2) * np.log(8))


def test_units_add_in_squares_and_every_pair_is_measured():
    total = sum(
        fisher_rao(*((mean[:, i : i + 1], log[:, i : i + 1]) for mean, log in (P, Q))) ** 2
        for i in range(3)
    )
    assert fisher_rao(P, Q).item() == pytest.approx(total.item() ** 0.5)
    both = tuple(torch.cat(parts) for parts in zip(P, Q, strict=True))
    for distance in (symmetric_kl, fisher_rao, squared_wasserstein):
        matrix = distance(both, both)
        assert_allclose(matrix, [[0, matrix[0, 1]], [matrix[0, 1], 0]], atol=1e-12)
        assert_allclose(nearest(matrix, 2), matrix[0, 1].expand(2))


def test_the_wasserstein_distance_is_that_of_the_quantiles_of_each_unit():
    (m, s), (n, t) = (
        (mean[0].numpy(), np.exp(0.5 * log[0].numpy())) for mean, log in (P, Q)
    )  # the optimal transport of a line moves quantile to quantile
    moved = [
        quad(lambda u, i=i: (norm.ppf(u, m[i], s[i]) - norm.ppf(u, n[i], t[i])) ** 2, 0, 1)[0]
        for i in range(3)
    ]
    assert squared_wasserstein(P, Q).item() == pytest.approx(sum(moved), rel=1e-5)


def test_the_density_is_that_of_a_diagonal_gaussian():
    x, variance = torch.tensor([[0.5, 2.0, -1.0]]), torch.tensor([0.2, 1.0, 3.0])
    expected = -norm.logpdf(x.numpy(), MEAN.numpy(), np.sqrt(variance.numpy())).sum(axis=1)
    assert_allclose(gaussian_nll(x, MEAN, variance).numpy(), expected, rtol=1e-6)
