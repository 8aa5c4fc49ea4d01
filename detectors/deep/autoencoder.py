"""Autoencoder: a network that squeezes samples through a narrow code and restores them.

Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science
2006, doi:10.1126/science.1127647; as an anomaly detector Hawkins et al., "Outlier detection using
replicator neural networks", DaWaK 2002, doi:10.1007/3-540-46145-0_17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from detectors.networks.dense import code_size, squared_error
from detectors.networks.images import decoder, encoder
from detectors.training.reconstruction import Reconstruction


class AutoencoderNet(nn.Module):
    """Encoder (n, *shape) -> (n, k) and decoder back; linear at the code and at the output."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.latent_dim = latent_dim or code_size(math.prod(shape))
        self.encoder = encoder(shape, hidden, self.latent_dim)
        self.decoder = decoder(self.latent_dim, hidden, shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (n, *shape) of samples (n, *shape)."""
        restored: Tensor = self.decoder(self.encoder(x))
        return restored


@dataclass(kw_only=True)
class Autoencoder(Reconstruction[AutoencoderNet]):
    """Squared error with which a network restores a sample from a narrow code.

    Read-outs: those of `Reconstruction`.

    Attributes:
        hidden: widths of the encoder's dense hidden layers, mirrored in the decoder; by default
            two for vectors, chosen from the number of features (`hidden_sizes`), and none after
            the convolutions of images. Empty, for vectors: a linear autoencoder; one whose single
            hidden layer is not linear is `sae` with `hidden` empty, a `latent_dim`, and
            `penalty_weight` and `weight_decay` 0.
        latent_dim: size of the code; by default 1 + sqrt(d) for d features (`code_size`).
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None

    def _network(self, shape: tuple[int, ...]) -> AutoencoderNet:
        return AutoencoderNet(shape, self.hidden, self.latent_dim)

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return squared_error(x, net(x))
