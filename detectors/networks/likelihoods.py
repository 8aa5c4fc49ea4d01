"""Likelihoods p(x|z) of samples, given a decoder's outputs: independent over features, in nats.

Sums run over the features of a sample, as a vector (d,) for every shape.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from detectors.networks.dense import LANES, rowwise_product

VARIANCE_FLOOR = 1e-3  # of a feature, in squared units of the input
VARIANCE_PACE = 10.0
LOG_VARIANCE_BOUND = 10.0  # largest absolute value, so that far samples do not overflow


class Likelihood(nn.Module):
    """A family of distributions of samples, with `width` outputs of the decoder per feature."""

    width: ClassVar[int] = 1

    @abstractmethod
    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean (..., d) and `other` of `nll_at`, given outputs (..., width * d)."""

    @abstractmethod
    def nll_at(self, x: Tensor, mean: Tensor, other: Tensor) -> Tensor:
        """Return -log p(x) in nats, (..., d) -> (...)."""

    @abstractmethod
    def nll_of_pairs(self, x: Tensor, outputs: Tensor) -> Tensor:
        """Return `nll` (n, m) of n samples (n, d), given each of m outputs (m, width * d).

        It uses matrix products, as the families are exponential.
        """

    def nll(self, x: Tensor, outputs: Tensor) -> Tensor:
        """Return -log p(x|z) in nats of samples (..., d), given the decoder's outputs for z."""
        return self.nll_at(x, *self.parameters_of(outputs))


class Gaussian(Likelihood):
    """N(f(z), diag s^2), given its mean and its variance."""

    def nll_at(self, x: Tensor, mean: Tensor, other: Tensor) -> Tensor:
        """As `gaussian_nll`; `other` is the variance."""
        return gaussian_nll(x, mean, other)

    def nll_of_pairs(self, x: Tensor, outputs: Tensor) -> Tensor:
        """As `Likelihood.nll_of_pairs`, with (x - m)^2 = x^2 - 2 x m + m^2."""
        mean, variance = self.parameters_of(outputs)
        precision = variance.expand_as(mean).reciprocal()
        mixed = rowwise_product(x, (mean * precision).T)
        squares = rowwise_product(x.square(), precision.T)
        return 0.5 * (squares - 2 * mixed) + gaussian_nll(torch.zeros_like(mean), mean, variance)


class FixedVariance(Gaussian):
    """N(f(z), s^2 I) with a given s^2, in squared units of the input."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.value = variance

    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and s^2, (..., d) each."""
        return outputs, torch.full_like(outputs, self.value)


class SharedVariance(Gaussian):
    """N(f(z), diag s^2) with one learned s^2 per feature, the same for all samples.

    A linear network is then factor analysis. The variance starts near 1, and a floor keeps the
    density of a feature finite that is constant in training. The parameter is v in
    s^2 = floor + exp(10 v): a step of Adam changes a weight by about the learning rate, so the
    variance can converge within a few hundred steps.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.variance = nn.Parameter(torch.zeros(d))

    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean (..., d) and s^2 (d,)."""
        return outputs, (VARIANCE_FLOOR + (VARIANCE_PACE * self.variance).exp()).to(outputs.dtype)


class SampleVariance(Gaussian):
    """N(f(z), diag s(z)^2): the decoder gives the mean and log s^2 of each feature.

    The same floor as for a shared variance keeps the density of an exact reconstruction finite.
    """

    width: ClassVar[int] = 2

    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and s^2, (..., d) each."""
        mean, log_variance = outputs.chunk(2, dim=-1)
        return mean, VARIANCE_FLOOR + bounded(log_variance).exp()


class Bernoulli(Likelihood):
    """Bernoulli(p(z)) of values in [0, 1], with the decoder's outputs as logits.

    For values of 0 and 1 it is a probability; between them it is the cross-entropy.
    """

    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return p and 1 - p, (..., d) each."""
        return outputs.sigmoid(), (-outputs).sigmoid()

    def nll_at(self, x: Tensor, mean: Tensor, other: Tensor) -> Tensor:
        """Return the cross-entropy of x with p; `other` is 1 - p, which may be closer to 0."""
        tiny = torch.finfo(mean.dtype).tiny
        log_p, log_q = mean.clamp(min=tiny).log(), other.clamp(min=tiny).log()
        return -(x * log_p + (1 - x) * log_q).sum(-1)

    def nll_of_pairs(self, x: Tensor, outputs: Tensor) -> Tensor:
        """As `Likelihood.nll_of_pairs`."""
        return nn.functional.softplus(outputs).sum(-1) - rowwise_product(x, outputs.T)

    def nll(self, x: Tensor, outputs: Tensor) -> Tensor:
        """Return the cross-entropy from logits, which does not round p to 0 or 1."""
        return (nn.functional.softplus(outputs) - x * outputs).sum(-1)


def bounded(log_variance: Tensor) -> Tensor:
    """Return log variances clamped to [-10, 10]."""
    return nn.functional.hardtanh(log_variance, -LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)


def gaussian_nll(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Return -log N(x; mean, diag variance) in nats, (..., d) -> (...)."""
    errors = ((x - mean).square() * variance.reciprocal()).sum(-1)
    return 0.5 * (errors + (variance.log() + math.log(2 * math.pi)).sum(-1))


def sample_gaussian_nll(x: Tensor, draws: Tensor, ridge: float) -> Tensor:
    """Return -log N(x; m, C + ridge I) in nats of samples (n, d), given their draws (L, n, d).

    m and C are the mean and the sample covariance of the L draws of a sample. With C = A^T A, where
    A is (L, d), inverse and determinant are those of an L x L matrix (Woodbury's identity). A is
    padded, as products of matrices at other places in memory may be rounded otherwise.
    """
    size, _, d = draws.shape
    mean = draws.mean(0)
    a = (draws - mean).transpose(0, 1) / math.sqrt(size - 1)
    a = nn.functional.pad(a, (0, -d % LANES, 0, -size % LANES))  # (n, L, d)
    errors = nn.functional.pad(x - mean, (0, -d % LANES))
    inner = a @ a.mT + ridge * torch.eye(a.shape[1], dtype=a.dtype)
    root = torch.linalg.cholesky(inner)
    along = (a * errors[:, None]).sum(-1, keepdim=True)
    explained = torch.linalg.solve_triangular(root, along, upper=False)
    squares = (errors.square().sum(-1) - explained.square().sum((-2, -1))) / ridge
    log_det = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    log_det = log_det + (d - a.shape[1]) * math.log(ridge)
    nll: Tensor = 0.5 * (squares + log_det + d * math.log(2 * math.pi))
    return nll
