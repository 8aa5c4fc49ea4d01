"""ADAE: two autoencoders play a generative adversarial game.

Vu, Ueta, Hashimoto, Maeno, Pranata and Shen, "Anomaly detection with adversarial dual
autoencoders", 2019, arXiv:1902.06924.

The paper's discriminator gains without limit from larger errors of generated samples. Here it gains
up to a margin, as in Zhao, Mathieu and LeCun, "Energy-based generative adversarial networks", ICLR
2017, arXiv:1609.03126; below it the gradients are the paper's. Distances are means over the
features. The epoch that is kept has the lowest score of held-out samples.

Reference: [vu2019adae], [zhao2017ebgan]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt
from torch import Tensor, nn

from detectors.networks.adversarial_losses import BETAS
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.training.base import ReadOuts
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.reconstruction import Reconstruction


class ADAENet(nn.Module):
    """Two autoencoders: the generator G and the discriminator D."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__()
        self.generator = AutoencoderNet(shape, hidden, latent_dim)
        self.discriminator = AutoencoderNet(shape, hidden, latent_dim)

    @property
    def encoder(self) -> nn.Module:
        """The encoder of the generator."""
        return self.generator.encoder

    def forward(self, x: Tensor) -> Tensor:
        """Return D(G(x)) for samples x (n, *shape)."""
        restored: Tensor = self.discriminator(self.generator(x))
        return restored


@dataclass(kw_only=True)
class ADAE(Reconstruction[ADAENet]):
    """Squared errors of a sample that one autoencoder after the other has restored.

    The discriminator learns to restore samples and not those that the generator has restored, the
    generator to restore samples so that the discriminator can too.

    Attributes:
        hidden: widths of the dense hidden layers of both encoders, mirrored in the decoders, as of
            `ae`.
        latent_dim: size of both codes; by default 1 + sqrt(d) for d features.
        margin: largest mean absolute error of generated samples that the discriminator gains from,
            in units of the input. Without one, as in the paper, both losses grew without limit on
            letter; of .1, .2, .3, .5 and 1, the score of held-out samples ends lowest with .1.
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    margin: Annotated[float, Gt(0)] = 0.1

    def _network(self, shape: tuple[int, ...]) -> ADAENet:
        return ADAENet(shape, self.hidden, self.latent_dim)

    def _phases(self) -> tuple[Phase, ...]:
        discriminate = Objective(
            mean_of(self._discriminating), ("discriminator",), "discriminator", BETAS
        )
        generate = Objective(mean_of(self._generating), ("generator",), "generator", BETAS)
        judge = mean_of(lambda net, x, _: squared_error(x, net(x)))
        return (Phase((generate, discriminate), self.epochs, judge=judge),)

    def _discriminating(self, net: ADAENet, x: Tensor, noise: Tensor) -> Tensor:
        """Return |x - D(x)| - |G(x) - D(G(x))| (n,), L_D of the paper, up to the margin."""
        made = net.generator(x)
        error = _distance(made, net.discriminator(made))
        return _distance(x, net.discriminator(x)) - error.clamp(max=self.margin)

    def _generating(self, net: ADAENet, x: Tensor, noise: Tensor) -> Tensor:
        """Return |x - G(x)| + |G(x) - D(G(x))| (n,), L_G of the paper."""
        made = net.generator(x)
        return _distance(x, made) + _distance(made, net.discriminator(made))

    def _mean_error(self, rows: Tensor) -> Tensor:
        """Mean over the features of (x - D(G(x)))^2, which orders samples as the paper's norm."""
        return super()._mean_error(rows)

    def _generator_error(self, rows: Tensor) -> Tensor:
        """Mean over the features of (x - G(x))^2, without the discriminator."""
        return squared_error(rows, self.net_.generator(rows.float()))

    readouts: ClassVar[ReadOuts] = {
        "reconstruction": _mean_error,
        "generator-error": _generator_error,
    }
    localizes: ClassVar[Mapping[str, str]] = {"reconstruction": "mean", "generator-error": ""}


def _distance(x: Tensor, other: Tensor) -> Tensor:
    """Return the (n,) mean absolute differences of samples (n, *shape)."""
    return (x - other).abs().flatten(1).mean(-1)
