"""Constrained adversarial autoencoder: reconstructions have the codes of their samples.

Chen and Konukoglu, "Unsupervised detection of lesions in brain MRI using constrained adversarial
auto-encoders", MIDL 2018, arXiv:1806.04972.

The authors' code takes the norm of the reconstruction's error and a critic with a penalty on its
gradient (a Wasserstein GAN). Here the error and the game are those of `aae`, so that a comparison
of both shows what the constraint does. The constraint alone is smallest where all codes are 0: the
prior, whose scale the game holds, keeps them apart.

Reference: [chen2018constrained]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from detectors.deep.adversarial.aae import AAE
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error


@dataclass(kw_only=True)
class ConstrainedAAE(AAE):
    """Scores of an adversarial autoencoder whose reconstructions have the codes of their samples.

    A sample with an anomaly is to be mapped near the code of the sample without it. The loss of the
    reconstruction phase and of validation is |x - x'|^2 + lambda |z - z'|^2, means over features
    and over units, where x' is the reconstruction of x, and z and z' are the codes of both.

    Attributes:
        consistency_weight: lambda. On a small set 10 brings the codes of samples and
            reconstructions nearer and keeps their scale, and with 100 codes shrink.
    """

    consistency_weight: Annotated[float, Ge(0)] = 1.0

    def _restoring(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        z = net.encoder(x)
        restored = net.decoder(z)
        consistency = squared_error(z, net.encoder(restored))
        return squared_error(x, restored) + self.consistency_weight * consistency
