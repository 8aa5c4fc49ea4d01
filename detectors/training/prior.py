"""The bases of autoencoders whose codes follow a prior, N(0, I)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.stats import mannwhitneyu
from torch import Tensor

from detectors.contract import Floats
from detectors.networks.adversarial_losses import fake_loss, real_loss
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.networks.images import encoder
from detectors.networks.mmd import mmd
from detectors.training.base import ReadOuts
from detectors.training.phases import mean_of
from detectors.training.reconstruction import CodeReconstruction
from detectors.training.trainable import Singles

DRAWS = 2000  # most draws from the prior that are compared with codes
DRAW = 0.55  # AUROC of codes against the prior up to which the game has ended in a draw


class DiscriminatedNet(AutoencoderNet):
    """An autoencoder and a dense discriminator of prior and codes, (n, k) -> (n, 1) logits."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__(shape, hidden, latent_dim)
        self.discriminator = encoder((self.latent_dim,), None, 1)


@dataclass(kw_only=True)
class PriorAutoencoder(CodeReconstruction):
    """Base of autoencoders with a prior: it adds the likelihood of codes under the prior.

    The noise of the losses is (n, k) draws from the prior.
    """

    def _noise(self, net: AutoencoderNet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, net.latent_dim), dtype=np.float32)

    def _latent_nll(self, rows: Tensor) -> Tensor:
        """-log p(z) of the code in nats, p(z) = N(0, I)."""
        z: Tensor = self.net_.encoder(rows.float()).double()
        return 0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)

    readouts: ClassVar[ReadOuts] = {
        "reconstruction": CodeReconstruction._mean_error,
        "latent-likelihood": _latent_nll,
    }
    localizes: ClassVar[Mapping[str, str]] = {"reconstruction": "mean", "latent-likelihood": ""}


@dataclass(kw_only=True)
class DiscriminatedAutoencoder(PriorAutoencoder):
    """Base of those with a discriminator: its losses, its read-out and the validation loss.

    The losses of a game do not measure progress. Validation uses the squared error of held-out
    samples plus the MMD of their codes and the prior.
    """

    def _network(self, shape: tuple[int, ...]) -> DiscriminatedNet:
        return DiscriminatedNet(shape, self.hidden, self.latent_dim)

    def _discriminating(self, net: DiscriminatedNet, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses of the discriminator of prior and codes."""
        codes = net.encoder(x)
        return real_loss(net.discriminator(noise)) + fake_loss(net.discriminator(codes))

    def _confusing(self, net: DiscriminatedNet, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses of the encoder, whose codes imitate the prior."""
        return real_loss(net.discriminator(net.encoder(x)))

    def _judged(self, net: DiscriminatedNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        error = mean_of(self._restoring)(net, x, weight, noise)
        return error + mmd(net.encoder(x), noise, weight)

    def _restoring(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return squared_error(x, net(x))

    def _conclude(self, x: Floats) -> None:
        codes = self._read(self._logit_of_code, x)
        net = cast("DiscriminatedNet", self.net_)
        n = min(len(x), DRAWS)
        draws = torch.tensor(self._noise(net, self.stream("prior to compare"), n))
        with torch.no_grad():
            prior = -net.discriminator(draws).squeeze(-1).double().numpy()
        self.separation_ = float(mannwhitneyu(codes, prior).statistic / (len(codes) * n))

    def score(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """As `Detector.score`; warns where the order of the discriminator may be turned around."""
        scores = super().score(x, readout)
        if readout == "discriminator" and self.separation_ > DRAW:
            warnings.warn(
                "the discriminator still tells the codes of training samples from the prior (AUROC "
                f"{self.separation_:.2f}), so its score may be high for normal samples: the order "
                "may be turned around",
                stacklevel=2,
            )
        return scores

    def _logit_of_code(self, rows: Tensor) -> Tensor:
        """Minus the discriminator's logit of the code: large if it is unlike draws of the prior.

        The discriminator has learned to call the codes of training samples unlike the prior. Where
        the game has not ended in a draw it does so for normal samples too, and the order is turned
        around: on letter it separates training codes from the prior with an AUROC of .73 to .79
        (`aae`) and .58 to .66 (`wae-gan`), and anomalies from normal samples with .25 and .37. A
        remark on the row says so above .55.
        """
        net = cast("DiscriminatedNet", self.net_)
        logits: Tensor = net.discriminator(net.encoder(rows.float()))
        return -logits.squeeze(-1)

    readouts: ClassVar[ReadOuts] = {
        "reconstruction": CodeReconstruction._mean_error,
        "discriminator": _logit_of_code,
        "latent-likelihood": PriorAutoencoder._latent_nll,
    }
    localizes: ClassVar[Mapping[str, str]] = {
        "reconstruction": "mean",
        "discriminator": "",
        "latent-likelihood": "",
    }
