"""The base of generative adversarial networks: their settings and their game.

Goodfellow et al., "Generative adversarial networks", NeurIPS 2014, arXiv:1406.2661.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, cast

import numpy as np
from annotated_types import Ge
from torch import Tensor

from detectors.networks.adversarial_losses import BETAS
from detectors.training.base import DeepDetector, Net
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.trainable import Singles


@dataclass(kw_only=True)
class GAN(DeepDetector[Net]):
    """Base of generative adversarial networks, whose losses cannot select an epoch: all run.

    Non-saturating losses, running means with betas (0.5, 0.999) and the bound on the norm of the
    gradient stabilise the training; the last weights are kept.

    Attributes:
        hidden: widths of the dense hidden layers of the discriminator, mirrored in the generator;
            by default two for vectors (`hidden_sizes`) and none after the convolutions of images.
        latent_dim: size k of the latent vectors; by default 1 + sqrt(d) for d features.
        max_steps: most steps of training; 5,000, as no held-out loss stops it earlier.
    """

    encodes: ClassVar[bool] = True
    discriminators: ClassVar[tuple[str, ...]] = ("discriminator",)
    generators: ClassVar[tuple[str, ...]] = ("generator",)

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    max_steps: Annotated[int, Ge(1)] = 5000

    def _noise(self, net: Net, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, cast("int", net.latent_dim)), dtype=np.float32)

    def _phases(self) -> tuple[Phase, ...]:
        discriminate = Objective(
            mean_of(self._discriminating), self.discriminators, "discriminator", BETAS
        )
        generate = Objective(mean_of(self._generating), self.generators, "generator", BETAS)
        objectives = (discriminate, generate)
        return (Phase(objectives, self.epochs, selects=False),)

    @abstractmethod
    def _discriminating(self, net: Net, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses of the discriminators."""

    @abstractmethod
    def _generating(self, net: Net, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses of the generators."""
