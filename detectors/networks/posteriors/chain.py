"""The Gaussian whose units are a Markov chain: a tridiagonal precision, at linear cost.

A chain is the simplest graphical model with correlations. With L the lower bidiagonal Cholesky
factor of the precision, L L^T, a code is z = mu + v with L^T v = noise: Rue and Held, "Gaussian
Markov random fields", 2005, doi:10.1201/9780203492024, algorithm 2.4. As a structured posterior of
autoencoders: Johnson et al., "Composing graphical models with neural networks", NeurIPS 2016,
arXiv:1603.06277.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from detectors.networks.likelihoods import bounded
from detectors.networks.posteriors.base import Gaussian, Parameters


class Chain(Gaussian):
    """A Gaussian in which each unit depends on the others through its two neighbours.

    Its parameters are mu (n, k), log s^2 (n, k) of the standard deviations s of the units by
    themselves, and atanh r (n, k - 1) of the correlations r of neighbours. Every Gaussian with a
    tridiagonal precision has this form, in which no product of coefficients overflows. The
    variance of unit j given unit j + 1 is s_j^2 (1 - r_j^2): density and sampling use it, the
    divergence the variances s^2. In terms of L: L_jj = 1 / (s_j sqrt(1 - r_j^2)) and
    L_(j+1)j = -r_j s_j / s_(j+1) L_jj.
    """

    @property
    def n_outputs(self) -> int:
        """Mean and log variance of each unit, and a correlation of each pair of neighbours."""
        return 3 * self.latent_dim - 1

    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return mu, log s^2 and atanh r."""
        k = self.latent_dim
        mean, log_variance, angle = torch.split(outputs, [k, k, k - 1], dim=-1)
        return mean, bounded(log_variance), bounded(angle)

    def codes_of(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Solve L^T (z - mu) = noise from the last unit to the first."""
        mean, log_variance, angle = parameters
        noise = noise.expand(*noise.shape[:-2], *mean.shape)
        fresh = (noise[..., :-1] * angle.cosh().reciprocal()).unbind(-1)
        units = [noise[..., -1]]
        for r, new in zip(reversed(angle.tanh().unbind(-1)), reversed(fresh), strict=True):
            units.append(r * units[-1] + new)
        return mean + (0.5 * log_variance).exp() * torch.stack(units[::-1], dim=-1)

    def noise_of(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return L^T (z - mu)."""
        mean, log_variance, angle = parameters
        units = (z - mean) * (-0.5 * log_variance).exp()
        fresh = (units[..., :-1] - angle.tanh() * units[..., 1:]) * angle.cosh()
        return torch.cat([fresh, units[..., -1:]], dim=-1)

    def log_volume(self, parameters: Parameters) -> Tensor:
        """Return the sum of the logarithms of the conditional standard deviations."""
        _, log_variance, angle = parameters
        size = angle.abs()  # log cosh a = a + log(1 + exp(-2 a)) - log 2
        log_cosh = size + functional.softplus(-2 * size) - math.log(2)
        return 0.5 * log_variance.sum(-1) - log_cosh.sum(-1)

    def log_variances(self, parameters: Parameters) -> Tensor:
        """Return log s^2."""
        return parameters[1]
