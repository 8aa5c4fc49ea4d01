"""Variational autoencoder.

Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114. Its use as an
anomaly detector by reconstruction probability: An and Cho, "Variational autoencoder based anomaly
detection using reconstruction probability", SNU Data Mining Center technical report, 2015.

Both terms of the bound are sums, over features and over latent units, in nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.deep.base import DeepDetector
from detectors.deep.networks import code_size, hidden_sizes, mlp, squared_error
from detectors.deep.replica import Singles

VARIANCE_FLOOR = 1e-3  # of a feature, in squared units of the input
VARIANCE_PACE = 10.0
LOG_VARIANCE_BOUND = 10.0


class GaussianVAENet(nn.Module):
    """Encoder q(z|x) = N(mu(x), diag sigma(x)^2), decoder p(x|z) = N(f(z), diag s^2).

    The decoder's variance s^2 is one learned number a feature, the same for all samples, so a
    linear network is factor analysis. It starts near 1, and a floor keeps the density of a
    feature that is constant in training finite. It is learned as s^2 = floor + exp(10 v): a
    step of Adam moves a weight by about the learning rate, and so the variance can settle
    within a few hundred steps.
    """

    def __init__(self, d: int, hidden: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = mlp([d, *hidden, 2 * latent_dim])
        self.decoder = mlp([latent_dim, *reversed(hidden), d])
        self.variance = nn.Parameter(torch.zeros(d))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and log sigma^2, (n, k) each, of q(z|x).

        The logarithm is held within +-10, so that far samples do not overflow.
        """
        mean, log_variance = self.encoder(x).chunk(2, dim=-1)
        return mean, nn.functional.hardtanh(log_variance, -LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)

    def feature_variance(self) -> Tensor:
        """Return s^2 (d,)."""
        return VARIANCE_FLOOR + (VARIANCE_PACE * self.variance).exp()


def kl_to_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) || N(0, I)) in nats, (..., k) -> (...).

    Appendix B of Kingma and Welling: 1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2).
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)


def gaussian_nll(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Return -log N(x; mean, diag variance) in nats, (..., d) -> (...)."""
    errors = ((x - mean).square() * variance.reciprocal()).sum(-1)
    return 0.5 * (errors + (variance.log() + math.log(2 * math.pi)).sum(-1))


@dataclass(kw_only=True)
class VAE(DeepDetector[GaussianVAENet]):
    """Scores of a VAE with a Gaussian decoder of learned variance.

    Read-outs, with z_1 ... z_L drawn from q(z|x) by the same L normal draws for every sample:

    - `reconstruction`: mean squared error per feature of decoding the posterior mean.
    - `elbo`: the negative evidence lower bound, equation 10 of Kingma and Welling with L draws:
      mean over l of -log p(x|z_l), plus `kl`.
    - `reconstruction-probability`: mean over l of -log p(x|z_l), algorithm 4 of An and Cho; the
      mean of logarithms, not the logarithm of a mean.
    - `kl`: KL(q(z|x) || p(z)), p(z) = N(0, I).

    Codes are posterior means.

    Attributes:
        hidden: widths of the encoder's hidden layers, mirrored in the decoder; by default two
            chosen from the number of features (`hidden_sizes`).
        latent_dim: number k of latent units; by default 1 + sqrt(d) (`code_size`).
        n_draws: L, for scoring; training draws once a sample and step.
    """

    readouts: ClassVar[tuple[str, ...]] = (
        "reconstruction",
        "elbo",
        "reconstruction-probability",
        "kl",
    )
    encodes: ClassVar[bool] = True

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    n_draws: Annotated[int, Ge(1)] = 32

    def _network(self, shape: tuple[int, ...]) -> GaussianVAENet:
        (d,) = shape
        hidden = hidden_sizes(d) if self.hidden is None else self.hidden
        return GaussianVAENet(d, hidden, self.latent_dim or code_size(d))

    def _noise(self, net: GaussianVAENet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, net.latent_dim), dtype=np.float32)

    def _losses(self, net: GaussianVAENet, x: Tensor, noise: Tensor) -> Tensor:
        mean, log_variance = net.posterior(x)
        z = mean + (0.5 * log_variance).exp() * noise  # reparameterised, their equation 4
        nll = gaussian_nll(x, net.decoder(z), net.feature_variance())
        return nll + kl_to_prior(mean, log_variance)

    def _score(self, x: Floats, readout: str) -> Floats:
        read = {
            "reconstruction": self._reconstruction,
            "elbo": lambda rows: self._probability(rows) + self._kl(rows),
            "reconstruction-probability": self._probability,
            "kl": self._kl,
        }
        return self._read(read[readout], x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self._posterior(rows)[0], x)

    def _posterior(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.net_.posterior(rows.float())
        return mean.double(), log_variance.double()

    def _reconstruction(self, rows: Tensor) -> Tensor:
        mean, _ = self._posterior(rows)
        return squared_error(rows, self.net_.decoder(mean.float()))

    def _kl(self, rows: Tensor) -> Tensor:
        return kl_to_prior(*self._posterior(rows))

    def _probability(self, rows: Tensor) -> Tensor:
        mean, log_variance = self._posterior(rows)
        shape = (self.n_draws, 1, self.net_.latent_dim)
        draws = torch.from_numpy(self.stream("read-outs").standard_normal(shape))
        z = mean + (0.5 * log_variance).exp() * draws  # (L, n, k)
        decoded = self.net_.decoder(z.float()).double()
        return gaussian_nll(rows, decoded, self.net_.feature_variance().double()).mean(0)
