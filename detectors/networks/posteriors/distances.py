"""Distances of diagonal Gaussians N(mu, diag sigma^2) over latent units.

Each is given as mu and log sigma^2, (..., k). Sums run over the units one by one, which needs the
memory of one unit only.

Distances to the posteriors of the training samples as scores: Vasilev et al., "q-space novelty
detection with variational autoencoders", 2018, arXiv:1806.02997.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from detectors.networks.dense import rowwise_product

Moments = tuple[Tensor, Tensor]
"""mu and log sigma^2, (n, k) each."""

Correlated = tuple[Tensor, Tensor, Tensor]
"""mu (n, k), a factor A of the covariance A A^T, and its inverse, (n, k, k) each."""

Unit = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""mu and log sigma^2 of one unit, of one posterior and of the other -> a term of the sum."""


def kl_to_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) || N(0, I)) in nats, (..., k) -> (...).

    Kingma and Welling, arXiv:1312.6114, appendix B:
    1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2).
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def symmetric_kl(one: Moments, other: Moments) -> Tensor:
    """Return KL(p || q) + KL(q || p) in nats of each pair, (n, k) and (m, k) -> (n, m).

    1/2 sum_j ((sigma_p^2 + D) / sigma_q^2 + (sigma_q^2 + D) / sigma_p^2 - 2), where
    D = (mu_p - mu_q)^2; without D it is (sigma_p / sigma_q - sigma_q / sigma_p)^2.
    """
    return _over_units(_symmetric_kl_of_unit, one, other)


def symmetric_kl_of_correlated(one: Correlated, other: Correlated) -> Tensor:
    """As `symmetric_kl`, for Gaussians with any covariance; time and memory are quadratic in k.

    1/2 (tr(P S') + tr(P' S) - 2 k + d^T (P + P') d), with covariances S, precisions P, and the
    difference d of the means.
    """
    (mean, forward, backward), (means, forwards, backwards) = one, other
    traces = rowwise_product(
        torch.cat([_square(forward), _square(backward.mT)], dim=1),
        torch.cat([_square(backwards.mT), _square(forwards)], dim=1).T,
    )
    total = traces - 2 * mean.shape[1]
    gaps = [a[:, None] - b for a, b in zip(mean.T, means.T, strict=True)]
    for i in range(len(gaps)):
        for own, row in ((True, backward[:, i]), (False, backwards[:, i])):
            weights = row.T[..., None] if own else row.T[:, None]
            total += sum(w * gap for w, gap in zip(weights, gaps, strict=True)).square()
    return 0.5 * total


def fisher_rao(one: Moments, other: Moments) -> Tensor:
    """Return the Fisher-Rao distance of each pair, (n, k) and (m, k) -> (n, m).

    The geodesic distance in the metric of the Fisher information, for univariate Gaussians
    sqrt(2) arcosh(1 + ((mu_p - mu_q)^2 / 2 + (sigma_p - sigma_q)^2) / (2 sigma_p sigma_q)); for
    diagonal ones the root of the sum of squares over the units. Costa, Santos and Strapasson,
    "Fisher information distance: a geometrical reading", Discrete Applied Mathematics 2015,
    doi:10.1016/j.dam.2014.10.004.
    """
    return _over_units(_squared_fisher_rao_of_unit, one, other).sqrt()


def squared_wasserstein(one: Moments, other: Moments) -> Tensor:
    """Return the squared 2-Wasserstein distance of each pair, (n, k) and (m, k) -> (n, m).

    sum_j (mu_p - mu_q)^2 + (sigma_p - sigma_q)^2, for diagonal covariances, which commute. Givens
    and Shortt, "A class of Wasserstein metrics for probability distributions", Michigan
    Mathematical Journal 1984, doi:10.1307/mmj/1029003026.
    """
    return _over_units(_squared_wasserstein_of_unit, one, other)


def geodesic(one: Moments, other: Moments, t: Tensor) -> Moments:
    """Return mu and log sigma^2 on the Fisher-Rao geodesics of pairs, (n, k) -> (T, n, k) each.

    t (T,) are the shares of the way: the distances from `one` are t times `fisher_rao`. In the half
    plane (mu / sqrt(2), sigma) of a unit the geodesics are semicircles on the axis of mu, and
    vertical lines. On its hyperboloid both are combinations of the ends with the weights
    sinh((1 - t) d) and sinh(t d), whose coordinates 1 / sigma and mu / sigma give
    1 / sigma_t = w / sigma + w' / sigma' and mu_t / sigma_t = w mu / sigma + w' mu' / sigma'.
    """
    (mean, log), (means, logs) = one, other
    d = (_squared_fisher_rao_of_unit(mean, log, means, logs) / 2).sqrt().clamp(min=1e-6)
    t = t[:, None, None]
    down, downs = (
        (share * d).sinh() / d.sinh() * (-0.5 * log_variance).exp()
        for share, log_variance in ((1 - t, log), (t, logs))
    )
    return (down * mean + downs * means) / (down + downs), -2 * (down + downs).log()


def nearest(distances: Tensor, k: int) -> Tensor:
    """Return the k-th smallest of each row, (n, m) -> (n,)."""
    return distances.kthvalue(k, dim=1).values


def _square(factor: Tensor) -> Tensor:
    """Return A A^T (n, k * k) of A (n, k, k), in which a row does not depend on the others."""
    return (factor[:, :, None] * factor[:, None]).sum(-1).flatten(1)


def _over_units(unit: Unit, one: Moments, other: Moments) -> Tensor:
    total = torch.zeros(len(one[0]), len(other[0]), dtype=one[0].dtype)
    for mean, log_variance, means, log_variances in zip(
        *(each.T for each in one), *(each.T for each in other), strict=True
    ):
        total += unit(mean[:, None], log_variance[:, None], means, log_variances)
    return total


def _symmetric_kl_of_unit(mean: Tensor, log: Tensor, means: Tensor, logs: Tensor) -> Tensor:
    up, ups = (0.5 * log).exp(), (0.5 * logs).exp()
    down, downs = up.reciprocal(), ups.reciprocal()
    gap = (mean - means).square() * (down.square() + downs.square())
    return 0.5 * (gap + (up * downs - down * ups).square())


def _squared_wasserstein_of_unit(mean: Tensor, log: Tensor, means: Tensor, logs: Tensor) -> Tensor:
    return (mean - means).square() + ((0.5 * log).exp() - (0.5 * logs).exp()).square()


def _squared_fisher_rao_of_unit(mean: Tensor, log: Tensor, means: Tensor, logs: Tensor) -> Tensor:
    # arcosh(1 + 2 a) = 2 arsinh(sqrt(a)) has no cancellation for close posteriors; here
    # 4 a = D / (2 sigma_p sigma_q) + (sqrt(sigma_p / sigma_q) - sqrt(sigma_q / sigma_p))^2.
    up, ups = (0.25 * log).exp(), (0.25 * logs).exp()
    down, downs = up.reciprocal(), ups.reciprocal()
    gap = 0.5 * ((mean - means) * (down * downs)).square()
    a = 0.25 * (gap + (up * downs - down * ups).square())
    # arsinh(y) = log(y + sqrt(1 + y^2)), in steps that are all vectorised
    arsinh = (a.sqrt() + a / (1 + (1 + a).sqrt())).log1p()
    return 8 * arsinh.square()
