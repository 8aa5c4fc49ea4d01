"""Contractive autoencoder: its code changes little near the training samples.

Rifai, Vincent, Muller, Glorot and Bengio, "Contractive auto-encoders: explicit invariance during
feature extraction", ICML 2011, https://icml.cc/2011/papers/455_icmlpaper.pdf.

Reference: [rifai2011contractive]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, cast

import torch
from annotated_types import Ge
from torch import Tensor, nn

from detectors.networks.dense import Dense, hidden_sizes, rowwise_product, squared_error
from detectors.training.reconstruction import Reconstruction


class TiedDecoder(nn.Module):
    """y = h W^T + c with the weight W of an encoder (d, k), (n, k) -> (n, *shape)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.bias = nn.Parameter(torch.zeros(math.prod(shape)))

    def forward(self, code: Tensor, weight: Tensor) -> Tensor:
        """Return the reconstruction (n, *shape) of codes (n, k)."""
        product = code @ weight.T if self.training else rowwise_product(code, weight.T)
        return (product + self.bias).view(-1, *self.shape)


class ContractiveNet(nn.Module):
    """h = s(x W + b), y = h W^T + c: one sigmoid layer and a linear one with its weight, tied.

    The weights are tied, as the authors': a free decoder could compensate for an encoder that
    contracts all directions equally.
    """

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), Dense(math.prod(shape), latent_dim), nn.Sigmoid()
        )
        self.decoder = TiedDecoder(shape)

    @property
    def weight(self) -> Tensor:
        """W (d, k)."""
        return cast("Dense", self.encoder[1]).weight

    def restored(self, code: Tensor) -> Tensor:
        """Return the reconstruction (n, *shape) of codes (n, k)."""
        restored: Tensor = self.decoder(code, self.weight)
        return restored

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (n, *shape) of samples (n, *shape)."""
        return self.restored(self.encoder(x))


def squared_jacobian(code: Tensor, weight: Tensor) -> Tensor:
    """Return ||J(x)||_F^2 (n,) of the sigmoid layer with codes (n, k) and weight (d, k).

    Their section 3: the sum over units j of (h_j (1 - h_j))^2 sum_i W_ij^2.
    """
    return (code * (1 - code)).square() @ weight.square().sum(0)


@dataclass(kw_only=True)
class ContractiveAutoencoder(Reconstruction[ContractiveNet]):
    """Squared error of a network's reconstruction of a sample from a code that resists changes.

    The loss is the sum of squared errors over the features plus `contraction` ||J(x)||_F^2, J
    the Jacobian of the code, both divided by the number of features. Images count as vectors of
    their pixels, as the penalty is that of one dense layer.

    Attributes:
        latent_dim: number of sigmoid units, possibly more than features; by default the width of
            the widest hidden layer of the other networks (`hidden_sizes`).
        contraction: lambda, the weight of the penalty. While the units are nearly linear, the code
            ignores a direction of the training samples with a variance below lambda / 8; for
            lambda = 1 that is an eighth of the variance of a standardised feature.
    """

    latent_dim: Annotated[int, Ge(1)] | None = None
    contraction: Annotated[float, Ge(0)] = 1.0

    def _network(self, shape: tuple[int, ...]) -> ContractiveNet:
        return ContractiveNet(shape, self.latent_dim or hidden_sizes(math.prod(shape))[0])

    def _losses(self, net: ContractiveNet, x: Tensor, noise: Tensor) -> Tensor:
        code = net.encoder(x)
        penalty = squared_jacobian(code, net.weight) / x[0].numel()
        return squared_error(x, net.restored(code)) + self.contraction * penalty
