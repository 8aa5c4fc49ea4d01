"""Robust autoencoder: gross errors of training samples are held in a sparse noise matrix.

Chalapathy, Menon and Chawla, "Robust, deep and inductive anomaly detection", ECML PKDD 2017,
arXiv:1704.06743; Zhou and Paffenroth, "Anomaly detection with robust deep autoencoders", KDD 2017,
doi:10.1145/3097983.3098052.

Training minimises |x - f(x) - n|^2 + 2 t |n| over the network f and the noise n, in turn. For a
fixed network the best noise has a closed form, the proximal operator of the norm, so that it is
found anew in every step, and no matrix is kept.

Reference: [chalapathy2017robust], [zhou2017robust]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt
from torch import Tensor

from detectors.networks.autoencoder import AutoencoderNet
from detectors.training.reconstruction import CodeReconstruction

Norm = Literal["l1", "l21"]


@dataclass(kw_only=True)
class RobustAutoencoder(CodeReconstruction):
    """Squared error of a network that was trained on samples less their sparse noise.

    Anomalies among the training samples become noise instead of being learned. A new sample is
    scored by its whole error, with nothing taken away.

    Attributes:
        noise_norm: `l1` makes single features noise (Chalapathy et al., equation 7), `l21` whole
            samples (the norm by rows of Zhou and Paffenroth).
        threshold: t, half of the papers' weight lambda: the error beyond which a feature is noise,
            in units of the input; for `l21` the root mean square error of a sample.
    """

    noise_norm: Norm = "l1"
    threshold: Annotated[float, Gt(0)] = 1.0

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        errors = (x - net(x)).flatten(1)
        sparse = proximal(errors.detach(), self.threshold, self.noise_norm)
        fitted = (errors - sparse).square().mean(-1)
        loss: Tensor = fitted + 2 * self.threshold * norm(sparse, self.noise_norm) / errors.shape[1]
        return loss


def norm(noise: Tensor, kind: Norm) -> Tensor:
    """Return the norm (n,) of noise (n, d): sums of absolute values, or sqrt(d) times lengths."""
    if kind == "l1":
        return noise.abs().sum(-1)
    return math.sqrt(noise.shape[1]) * noise.square().sum(-1).sqrt()


def proximal(errors: Tensor, threshold: float, kind: Norm) -> Tensor:
    """Return the noise n (n, d) that minimises |errors - n|^2 + 2 threshold norm(n)."""
    if kind == "l1":
        return errors.sign() * (errors.abs() - threshold).relu()
    sizes = errors.square().mean(-1, keepdim=True).sqrt()
    return errors * (1 - threshold / sizes.clamp(min=threshold))
