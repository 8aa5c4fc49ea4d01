"""The network of autoencoders: an encoder to a narrow code and a decoder."""

from __future__ import annotations

import math

from torch import Tensor, nn

from detectors.networks.dense import code_size
from detectors.networks.images import decoder, encoder


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
