"""Sparse autoencoder: only few units of its wide code are active for a sample.

L1 penalty: Goodfellow, Bengio and Courville, "Deep learning", MIT Press 2016, section 14.2.1,
https://www.deeplearningbook.org/contents/autoencoders.html. KL penalty: Ng, "Sparse autoencoder",
CS294A lecture notes, Stanford 2011, https://web.stanford.edu/class/cs294a; Nair and Hinton, "3D
object recognition with deep belief nets", NIPS 2009.

Reference: [goodfellow2016deep], [ng2011sparse], [nair2009deep]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.training.phases import Objective, Phase
from detectors.training.reconstruction import CodeReconstruction

WIDEST = 256  # units of a code by default


@dataclass(kw_only=True)
class SparseAutoencoder(CodeReconstruction):
    """Squared error of a reconstruction of a sample from a wide code with few active units.

    The loss is the sum of squared errors over the features and of penalties over the units of
    the code, both divided by the number of features.

    Attributes:
        latent_dim: size of the code; by default twice the number of features, at most 256.
        penalty: `l1`, |h_j| of units behind a ReLU; `kl`, KL(rate || mean of h_j over the
            batch), in nats, of units behind a sigmoid.
        penalty_weight: weight of the penalty; by default 0.1 for `l1` and 3 for `kl`, the value
            in Ng's notes. There it stands beside half the squared error, so relative to the error
            the penalty has half the weight here; 6 is the balance of the notes.
        by_index: whether the penalty of unit j = 1 ... k has the weight 2 j / (k + 1), 1 on
            average, so that the first units are used first.
        rate: for `kl`, the desired share of the samples for which a unit is active.
        weight_decay: of AdamW, decoupled from the gradient; not 0, as a decoder with large weights
            could compensate for a code of small values.
    """

    penalty: Literal["l1", "kl"] = "l1"
    penalty_weight: Annotated[float, Ge(0)] | None = None
    by_index: bool = False
    rate: Annotated[float, Gt(0), Lt(1)] = 0.05
    weight_decay: Annotated[float, Ge(0)] = 0.1

    def _network(self, shape: tuple[int, ...]) -> AutoencoderNet:
        k = self.latent_dim or min(2 * math.prod(shape), WIDEST)
        net = AutoencoderNet(shape, self.hidden, k)
        net.encoder.append(nn.ReLU() if self.penalty == "l1" else nn.Sigmoid())
        return net

    def _phases(self) -> tuple[Phase, ...]:
        return (Phase((Objective(self._loss),), self.epochs),)

    def _loss(self, net: AutoencoderNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        code = net.encoder(x)
        errors = (weight * squared_error(x, net.decoder(code))).sum()
        mean = (weight[:, None] * code).sum(0)  # of each unit over the batch; none is negative
        by_unit = mean if self.penalty == "l1" else bernoulli_kl(self.rate, mean)
        k = len(by_unit)
        if self.by_index:
            by_unit = by_unit * torch.arange(1, k + 1, device=x.device) * (2 / (k + 1))
        default = 0.1 if self.penalty == "l1" else 3.0
        factor = default if self.penalty_weight is None else self.penalty_weight
        return errors + factor / math.prod(net.shape) * by_unit.sum()


def bernoulli_kl(rate: float, mean: Tensor) -> Tensor:
    """Return KL(B(rate) || B(mean)) in nats, with the mean clamped to [1e-6, 1 - 1e-6]."""
    mean = mean.clamp(1e-6, 1 - 1e-6)
    return rate * (math.log(rate) - mean.log()) + (1 - rate) * (
        math.log(1 - rate) - (1 - mean).log()
    )
