"""Adversarial autoencoder.

Makhzani, Shlens, Jaitly, Goodfellow and Frey, "Adversarial autoencoders", ICLR 2016 workshop,
arXiv:1511.05644. Deterministic encoder, prior N(0, I). As a novelty detector: Leveau and Joly,
"Adversarial autoencoders for novelty detection", Inria research report, 2017,
https://hal.inria.fr/hal-01636617.

Reference: [makhzani2016aae], [leveau2017aae], [chalapathy2018groups]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from detectors.contract import Floats
from detectors.networks.adversarial_losses import BETAS
from detectors.training.base import ReadOuts
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.prior import DiscriminatedAutoencoder
from detectors.training.reference import N_DECODED, Referring

ENCODER_PACE = 0.3  # in the game; at 1 the encoder beats the discriminator and neither settles


@dataclass(kw_only=True)
class AAE(Referring, DiscriminatedAutoencoder):
    """Scores of an autoencoder whose encoder plays against a discriminator of codes.

    Every batch has two phases, as in the paper: reconstruction, then regularisation, in which the
    discriminator learns to distinguish draws of the prior from codes and the encoder learns to
    confuse it.

    The losses of a game do not measure progress: validation uses the squared error of held-out
    samples plus the MMD of their codes and the prior.

    For `reference`, the posterior of a sample is its code.
    """

    def _phases(self) -> tuple[Phase, ...]:
        reconstruct = Objective(mean_of(self._restoring), ("encoder", "decoder"))
        discriminate = Objective(
            mean_of(self._discriminating), ("discriminator",), "discriminator", BETAS
        )
        confuse = Objective(
            mean_of(self._confusing), ("encoder",), "generator", BETAS, ENCODER_PACE
        )
        objectives = (reconstruct, discriminate, confuse)
        return (Phase(objectives, self.epochs, judge=self._judged),)

    def _conclude(self, x: Floats) -> None:
        super()._conclude(x)
        chosen = self.stream("references").permutation(len(x))[:N_DECODED]
        self.references_ = self._encode(x[chosen])

    def _decoded(self) -> Tensor:
        codes = torch.from_numpy(self.references_).float()
        restored: Tensor = self.net_.decoder(codes)
        return restored.flatten(1).double()

    readouts: ClassVar[ReadOuts] = {
        "reconstruction": DiscriminatedAutoencoder._mean_error,
        "discriminator": DiscriminatedAutoencoder._logit_of_code,
        "latent-likelihood": DiscriminatedAutoencoder._latent_nll,
        "reference": Referring._reference,
    }
