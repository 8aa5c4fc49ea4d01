"""Wasserstein autoencoders, WAE-MMD and WAE-GAN.

Tolstikhin, Bousquet, Gelly and Schoelkopf, "Wasserstein auto-encoders", ICLR 2018,
arXiv:1711.01558. Deterministic encoder, prior N(0, I), squared cost c(x, y) = |x - y|^2, a sum
over features. Unlike the authors', networks for images have no batch normalisation.

Reference: [tolstikhin2018wae]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import Tensor

from detectors.networks.adversarial_losses import BETAS
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.networks.mmd import mmd
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.prior import DiscriminatedAutoencoder, DiscriminatedNet, PriorAutoencoder


def cost(net: AutoencoderNet, x: Tensor) -> Tensor:
    """Return the (n,) costs |x - G(Q(x))|^2 of samples (n, *shape)."""
    return math.prod(x.shape[1:]) * squared_error(x, net(x))


@dataclass(kw_only=True)
class WAEMMD(PriorAutoencoder):
    """Scores of an autoencoder that minimises the cost plus lambda times the MMD to the prior.

    Algorithm 2 of the paper, with inverse multiquadratic kernels of seven scales and the unbiased
    estimate.

    Attributes:
        divergence_weight: lambda; 10, as in the paper's experiments on MNIST.
    """

    divergence_weight: Annotated[float, Gt(0)] = 10.0

    def _phases(self) -> tuple[Phase, ...]:
        return (Phase((Objective(self._loss),), self.epochs),)

    def _loss(self, net: AutoencoderNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        divergence = mmd(net.encoder(x), noise, weight)
        return (weight * cost(net, x)).sum() + self.divergence_weight * divergence


@dataclass(kw_only=True)
class WAEGAN(DiscriminatedAutoencoder):
    """Scores of an autoencoder that minimises the cost plus lambda times -log D of its codes.

    Algorithm 1 of the paper, except for the order: on every batch the autoencoder takes the first
    step and the discriminator D the second.

    Validation uses the squared error of held-out samples plus the MMD of their codes and the prior.

    Attributes:
        divergence_weight: lambda; 10, as in the paper's experiments on MNIST.
    """

    divergence_weight: Annotated[float, Gt(0)] = 10.0

    def _phases(self) -> tuple[Phase, ...]:
        restore = Objective(mean_of(self._confusing_cost), ("encoder", "decoder"), betas=BETAS)
        discriminate = Objective(
            mean_of(self._discriminating), ("discriminator",), "discriminator", BETAS
        )
        return (Phase((restore, discriminate), self.epochs, judge=self._judged),)

    def _confusing_cost(self, net: DiscriminatedNet, x: Tensor, noise: Tensor) -> Tensor:
        return cost(net, x) + self.divergence_weight * self._confusing(net, x, noise)
