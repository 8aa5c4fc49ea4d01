"""Deep autoencoding Gaussian mixture model (DAGMM).

Zong, Song, Min, Cheng, Lumezanu, Cho and Chen, "Deep autoencoding Gaussian mixture model for
unsupervised anomaly detection", ICLR 2018, https://openreview.net/forum?id=BJJLHbb0-.

Numbers of equations are those of the paper. In training the mixture is that of the batch, and
gradients flow through it; scores and validation use the mixture of all training samples. The
autoencoder has leaky ReLUs, like the other networks here; the paper uses tanh.

Reference: [zong2018dagmm]
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
from detectors.networks.dense import Dense, rowwise_product
from detectors.networks.images import decoder, encoder
from detectors.training.base import DeepDetector
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.trainable import Singles

WIDTH = 10  # of the estimation network's hidden layer
KEPT = 0.5  # share of its units that dropout keeps in training
JITTER = 1e-4  # added to the variances, so that a component of few samples has a density
LEAST_NORM = 1e-3  # of a sample, for the relative reconstruction error
LEAST_SHARE = 1e-6  # of a component without samples


class DAGMMNet(nn.Module):
    """Compression (encoder and decoder), estimation of memberships, and the mixture in buffers."""

    shares: Tensor
    means: Tensor
    whiteners: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] | None,
        latent_dim: int,
        n_components: int,
    ) -> None:
        super().__init__()
        q = latent_dim + 2
        self.encoder = encoder(shape, hidden, latent_dim)
        self.decoder = decoder(latent_dim, hidden, shape)
        self.spread = Dense(q, WIDTH)
        self.estimate = Dense(WIDTH, n_components)
        self.register_buffer("shares", torch.full((n_components,), 1 / n_components))
        self.register_buffer("means", torch.zeros(n_components, q))
        self.register_buffer("whiteners", torch.eye(q).repeat(n_components, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z (n, k + 2) of samples x (n, *shape), equation 3, and the reconstructions.

        z is the code, the relative Euclidean distance |x - x'| / |x| and the cosine similarity.
        """
        code = self.encoder(x)
        restored = self.decoder(code)
        a, b = x.flatten(1), restored.flatten(1)
        norm = a.square().sum(1).clamp(min=LEAST_NORM**2).sqrt()
        distance = ((a - b).square().sum(1) + LEAST_NORM**2).sqrt() / norm
        cosine = (a * b).sum(1) / (norm * b.square().sum(1).clamp(min=LEAST_NORM**2).sqrt())
        return torch.cat([code, distance[:, None], cosine[:, None]], 1), restored

    def memberships(self, z: Tensor, kept: Tensor | float = 1.0) -> Tensor:
        """Return gamma (n, K), equation 4; `kept` (n, WIDTH) is the factor of dropout."""
        gamma: Tensor = self.estimate(self.spread(z).tanh() * kept).softmax(-1)
        return gamma

    def energy(self, z: Tensor) -> Tensor:
        """Return the (n,) energies of z (n, q) under the mixture of the training samples."""
        dtype = z.dtype
        mixture = (self.shares.to(dtype), self.means.to(dtype), self.whiteners.to(dtype))
        return energy(z, *mixture)


def mixture_of(z: Tensor, gamma: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the mixture of z (n, q) with memberships (n, K) and weights (n,) that sum to 1.

    Equation 5.

    Returns:
        Shares phi (K,), means (K, q), whiteners W (K, q, q) with W W^T the inverse covariance,
        and variances (K, q).
    """
    joint = weight[:, None] * gamma
    shares = joint.sum(0).clamp(min=LEAST_SHARE)
    means = joint.T @ z / shares[:, None]
    centred = z - means[:, None]  # (K, n, q)
    covariance = (joint.T[..., None] * centred).mT @ centred / shares[:, None, None]
    unit = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    covariance = covariance + JITTER * unit
    factor = torch.linalg.cholesky_ex(covariance).L
    inverse = torch.linalg.solve_triangular(factor, unit.expand_as(factor), upper=False)
    return shares, means, inverse.mT, covariance.diagonal(dim1=-2, dim2=-1)


def energy(z: Tensor, shares: Tensor, means: Tensor, whiteners: Tensor) -> Tensor:
    """Return E(z) = -log sum_k phi_k N(z; mu_k, Sigma_k), (n, q) -> (n,), equation 6."""
    white = rowwise_product(z - means[:, None], whiteners)  # (K, n, q)
    log_root = whiteners.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # of the inverse determinant
    constant = shares.log() + log_root - 0.5 * z.shape[1] * math.log(2 * math.pi)
    return -torch.logsumexp(constant[:, None] - 0.5 * white.square().sum(-1), 0)


@dataclass(kw_only=True)
class DAGMM(DeepDetector[DAGMMNet]):
    """Energy of a sample: -log density of its code and reconstruction features in a mixture.

    Codes are z: the encoder's code, the relative distance and the cosine similarity.

    Attributes:
        hidden: widths of the encoder's hidden layers, mirrored in the decoder; by default two
            chosen from the number of features (`hidden_sizes`).
        latent_dim: size of the encoder's code; the paper takes 1 or 2.
        n_components: number K of components of the mixture; the paper takes 2 or 4.
        energy_weight: lambda_1 of equation 7.
        variance_weight: lambda_2 of equation 7, which keeps variances away from 0.
        batch_size: samples per step; 256, as a batch must determine a mixture. The paper takes
            1024.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] = 2
    n_components: Annotated[int, Ge(1)] = 4
    energy_weight: Annotated[float, Ge(0)] = 0.1
    variance_weight: Annotated[float, Ge(0)] = 0.005
    batch_size: Annotated[int, Ge(1)] = 256

    def _network(self, shape: tuple[int, ...]) -> DAGMMNet:
        return DAGMMNet(shape, self.hidden, self.latent_dim, self.n_components)

    def _noise(self, net: DAGMMNet, draws: np.random.Generator, n: int) -> Singles:
        return ((draws.random((n, WIDTH)) < KEPT) / KEPT).astype(np.float32)

    def _phases(self) -> tuple[Phase, ...]:
        return (Phase((Objective(self._loss),), self.epochs, judge=mean_of(self._judged)),)

    def _loss(self, net: DAGMMNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        """Equation 7."""
        z, restored = net(x)
        *mixture, variances = mixture_of(z, net.memberships(z, noise), weight)
        losses = self._error(x, restored) + self.energy_weight * energy(z, *mixture)
        return (weight * losses).sum() + self.variance_weight * variances.reciprocal().sum()

    def _judged(self, net: DAGMMNet, x: Tensor, noise: Tensor) -> Tensor:
        z, restored = net(x)
        return self._error(x, restored) + self.energy_weight * net.energy(z)

    def _error(self, x: Tensor, restored: Tensor) -> Tensor:
        return (x - restored).square().flatten(1).sum(1)

    def _renew(self, net: DAGMMNet, x: Tensor, phase: Phase, epoch: int) -> None:
        z, _ = net(x)
        weight = torch.full((len(x),), 1 / len(x), device=x.device)
        net.shares, net.means, net.whiteners, _ = mixture_of(z, net.memberships(z), weight)

    def _score(self, x: Floats, readout: str) -> Floats:
        return self._read(lambda rows: self.net_.energy(self.net_(rows.float())[0].double()), x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_(rows.float())[0], x)
