"""ALAD: a bidirectional GAN whose reconstructions are compared in a discriminator's features.

Zenati, Romain, Foo, Lecouat and Chandrasekhar, "Adversarially learned anomaly detection", ICDM
2018, arXiv:1812.02288. As in the paper, the encoder and all discriminators are spectrally
normalised.

Reference: [zenati2018alad]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.adversarial_losses import fake_loss, real_loss
from detectors.networks.dense import SLOPE, code_size, hidden_sizes, mlp, squared_error
from detectors.networks.images import decoder, encoder
from detectors.networks.spectral import follow, iterated_once, normalised
from detectors.training.adversarial import GAN
from detectors.training.base import ReadOuts
from detectors.training.phases import Phase


class PairDiscriminator(nn.Module):
    """Logits (n, 1) of pairs of samples (n, *shape) and latent vectors (n, k)."""

    def __init__(self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, k: int) -> None:
        super().__init__()
        _, width = hidden_sizes(math.prod(shape))
        self.of_x = normalised(encoder(shape, hidden, width))
        self.of_pair = normalised(mlp([width + k, width, 1]))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Return (n, 1)."""
        seen = nn.functional.leaky_relu(self.of_x(x), SLOPE)
        logits: Tensor = self.of_pair(torch.cat([seen, z], dim=1))
        return logits


class ALADNet(nn.Module):
    """Encoder E, generator G, and discriminators of (x, z), of (x, x) and of (z, z) pairs."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__()
        self.latent_dim = k = latent_dim or code_size(math.prod(shape))
        self.encoder = normalised(encoder(shape, hidden, k))
        self.generator = decoder(k, hidden, shape)
        self.of_xz = PairDiscriminator(shape, hidden, k)
        self.of_xx = normalised(encoder((2 * shape[0], *shape[1:]), hidden, 1))
        self.of_zz = normalised(encoder((2 * k,), None, 1))

    def xx(self, x: Tensor, other: Tensor) -> Tensor:
        """Return the logits (n, 1) of pairs of samples."""
        logits: Tensor = self.of_xx(torch.cat([x, other], dim=1))
        return logits

    def zz(self, z: Tensor, other: Tensor) -> Tensor:
        """Return the logits (n, 1) of pairs of latent vectors."""
        logits: Tensor = self.of_zz(torch.cat([z, other], dim=1))
        return logits

    def features(self, x: Tensor, other: Tensor) -> Tensor:
        """Return the input (n, h) of the last layer of the discriminator of (x, x) pairs."""
        features: Tensor = self.of_xx[:-1](torch.cat([x, other], dim=1))
        return features


@dataclass(kw_only=True)
class ALAD(GAN[ALADNet]):
    """Scores of reconstructions x' = G(E(x)) of a bidirectional, cycle-consistent GAN.

    The first read-out is the paper's score; the paper compares it with the others.

    Attributes:
        learning_rate: lower than for other methods, as the three discriminators win soon.
    """

    discriminators: ClassVar[tuple[str, ...]] = ("of_xz", "of_xx", "of_zz")
    generators: ClassVar[tuple[str, ...]] = ("encoder", "generator")

    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _network(self, shape: tuple[int, ...]) -> ALADNet:
        return ALADNet(shape, self.hidden, self.latent_dim)

    def _renew(self, net: ALADNet, x: Tensor, phase: Phase, epoch: int) -> None:
        follow(net)

    def _discriminating(self, net: ALADNet, x: Tensor, noise: Tensor) -> Tensor:
        with iterated_once(net):
            z, code, made = noise, net.encoder(x), net.generator(noise)
            joint = real_loss(net.of_xz(x, code)) + fake_loss(net.of_xz(made, z))
            samples = real_loss(net.xx(x, x)) + fake_loss(net.xx(x, net.generator(code)))
            codes = real_loss(net.zz(z, z)) + fake_loss(net.zz(z, net.encoder(made)))
        return joint + samples + codes

    def _generating(self, net: ALADNet, x: Tensor, noise: Tensor) -> Tensor:
        with iterated_once(net):
            z, code, made = noise, net.encoder(x), net.generator(noise)
            joint = fake_loss(net.of_xz(x, code)) + real_loss(net.of_xz(made, z))
            samples = real_loss(net.xx(x, net.generator(code)))
            codes = real_loss(net.zz(z, net.encoder(made)))
        return joint + samples + codes

    def _restored(self, rows: Tensor) -> Tensor:
        restored: Tensor = self.net_.generator(self.net_.encoder(rows.float()))
        return restored

    def _features(self, rows: Tensor) -> Tensor:
        """L1 distance of f(x, x) and f(x, x').

        f is the input of the last layer of the discriminator of (x, x) pairs.
        """
        net, x = self.net_, rows.float()
        return (net.features(x, x) - net.features(x, self._restored(rows))).abs().sum(-1)

    def _l1(self, rows: Tensor) -> Tensor:
        """Sum over features of |x - x'|."""
        return (rows - self._restored(rows)).abs().flatten(1).sum(-1)

    def _l2(self, rows: Tensor) -> Tensor:
        """Mean squared error per feature."""
        return squared_error(rows, self._restored(rows))

    def _logits(self, rows: Tensor) -> Tensor:
        """-log D(x, x') of the discriminator of (x, x) pairs, in nats."""
        return real_loss(self.net_.xx(rows.float(), self._restored(rows)))

    readouts: ClassVar[ReadOuts] = {
        "features": _features,
        "l1": _l1,
        "l2": _l2,
        "logits": _logits,
    }

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_.encoder(rows.float()), x)
