"""Denoising autoencoder: it learns to remove a corruption of its input.

Vincent, Larochelle, Bengio and Manzagol, "Extracting and composing robust features with denoising
autoencoders", ICML 2008, doi:10.1145/1390156.1390294; the three corruptions are those of section
3.3 of Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010.

Reference: [vincent2008denoising], [vincent2010stacked]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, cast

import numpy as np
import torch
from annotated_types import Gt, Le
from torch import Tensor

from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.training.phases import Phase
from detectors.training.reconstruction import CodeReconstruction
from detectors.training.trainable import Singles


class DenoisingNet(AutoencoderNet):
    """An autoencoder with the range of every feature, for salt-and-pepper noise."""

    low: Tensor
    high: Tensor

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__(shape, hidden, latent_dim)
        self.register_buffer("low", torch.zeros(shape))
        self.register_buffer("high", torch.zeros(shape))


@dataclass(kw_only=True)
class DenoisingAutoencoder(CodeReconstruction):
    """Squared error with which a network trained on corrupted samples reconstructs a clean one.

    In training the network gets a corrupted sample, and its target is the clean one; each epoch
    draws new corruptions. In scoring nothing is corrupted.

    Attributes:
        corruption: `gaussian` adds normal noise to every feature; `masking` sets features to 0,
            the mean of standardised ones; `salt-and-pepper` sets them to their smallest or
            largest training value with equal chances.
        level: standard deviation of the noise, in units of the input, or the share of the
            features that are masked or set.
    """

    corruption: Literal["gaussian", "masking", "salt-and-pepper"] = "gaussian"
    level: Annotated[float, Gt(0), Le(1)] = 0.3

    def _network(self, shape: tuple[int, ...]) -> DenoisingNet:
        return DenoisingNet(shape, self.hidden, self.latent_dim)

    def _renew(self, net: AutoencoderNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if epoch == 0:
            net = cast("DenoisingNet", net)
            net.low.copy_(x.amin(0))
            net.high.copy_(x.amax(0))

    def _noise(self, net: AutoencoderNet, draws: np.random.Generator, n: int) -> Singles:
        if self.corruption == "gaussian":
            return draws.standard_normal((n, *net.shape), dtype=np.float32)
        return draws.random((n, *net.shape), dtype=np.float32)

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return squared_error(x, net(self._corrupted(net, x, noise)))

    def _corrupted(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        net = cast("DenoisingNet", net)
        match self.corruption:
            case "gaussian":
                return x + self.level * noise
            case "masking":
                return torch.where(noise < self.level, 0.0, x)
            case "salt-and-pepper":
                peppered = torch.where(noise < self.level / 2, net.low, x)
                return torch.where(noise > 1 - self.level / 2, net.high, peppered)
