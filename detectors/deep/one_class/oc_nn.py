"""One-class neural network.

Chalapathy, Menon and Chawla, "Anomaly detection using one-class neural networks", 2018,
arXiv:1802.06360. The objective is equation 4 of the paper; the authors' code has another loss.

Reference: [chalapathy2018ocnn]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from detectors.contract import Collapsed, Floats
from detectors.networks.dense import Dense, code_size
from detectors.networks.images import decoder, encoder
from detectors.training.base import DeepDetector
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.pretraining import PRETRAINING, in_chunks, pretraining

LEAST_SPREAD = 1e-4  # least standard deviation of the training outputs, relative to their size
STRAIGHT = 0.95  # correlation of outputs and a projection above which they are called one

ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh}


class OCNNNet(nn.Module):
    """<w, g(V u(x))> without biases.

    u(x) (n, k) are the features, or the codes of a pretrained encoder, each with its training
    range scaled to [0, 1], like the pixels in the paper: no direction is positive for most of
    centred inputs, so that equation 4 would be lowest at V = 0.
    """

    r: Tensor
    low: Tensor
    extent: Tensor

    def __init__(
        self, shape: tuple[int, ...], units: int, activation: str, pretrained: bool
    ) -> None:
        super().__init__()
        d = math.prod(shape)
        k = code_size(d) if pretrained else d
        self.encoder = encoder(shape, None, k) if pretrained else nn.Flatten()
        self.decoder = decoder(k, None, shape) if pretrained else nn.Identity()
        self.v = Dense(k, units, bias=False)
        self.w = Dense(units, 1, bias=False)
        self.g = ACTIVATIONS[activation]
        self.register_buffer("r", torch.zeros(1))
        self.register_buffer("low", torch.zeros(k))
        self.register_buffer("extent", torch.ones(k))

    def hidden(self, x: Tensor) -> Tensor:
        """Return g(V u(x)) (n, units) of samples (n, *shape)."""
        units: Tensor = self.g(self.v((self.encoder(x) - self.low) / self.extent))
        return units

    def projection(self, x: Tensor) -> Tensor:
        """Return <w, V u(x)> (n,) of samples (n, *shape): the output if g were the identity."""
        inputs = (self.encoder(x) - self.low) / self.extent
        projection: Tensor = self.w(self.v(inputs)).squeeze(-1)
        return projection

    def forward(self, x: Tensor) -> Tensor:
        """Return <w, g(V u(x))> (n,) of samples (n, *shape)."""
        output: Tensor = self.w(self.hidden(x)).squeeze(-1)
        return output


@dataclass(kw_only=True)
class OCNN(DeepDetector[OCNNNet]):
    """r - <w, g(V u(x))>: positive for about the share nu of the training samples.

    An epoch updates w and V by back-propagation and then sets r to the nu-quantile of the outputs
    of the training samples. Training ends when equation 4 on held-out samples has not fallen for
    `patience` epochs, which the diagnostic `converged` shows, or after `epochs`. With fewer than
    32 training samples none is held out, and training always runs for `epochs`.

    At the minimum the weights are so small that g is nearly linear: the score is then a projection
    of the features on one direction, as that of a linear one-class SVM, and rises on one side of
    the data only. On scaled features the direction is near their sum (rank correlation .94 on
    thyroid), so samples with larger features than those of training look normal. The untrained
    twin is a projection on a random direction, which can be better by chance. A remark on the row
    says so where the outputs of the training samples correlate with the projection above .95.

    g is bounded: with a linear g or a ReLU the objective is homogeneous and either falls without
    limit or is lowest at zero. V near 0, with equal outputs for all samples, is near the optimum
    too; a fit that ends there raises `Collapsed`. Codes are g(V u(x)).

    Attributes:
        nu: approximate share of the training samples on the anomalous side.
        units: number of hidden units, 32 in the paper's experiments.
        activation: g. The outputs of a sigmoid hardly differ, as sigmoid(0) = 1/2 acts as a bias,
            which the network must not have.
        pretrained: whether the inputs of V are the codes of an autoencoder, trained first and then
            fixed. If the encoder is trained further, as in the paper, it scales its codes up until
            g saturates and the outputs agree to 4 digits.
        pretraining_epochs: most passes of that autoencoder.
    """

    encodes: ClassVar[bool] = True

    nu: Annotated[float, Gt(0), Lt(1)] = 0.1
    units: Annotated[int, Ge(1)] = 32
    activation: Literal["sigmoid", "tanh"] = "tanh"
    pretrained: bool = False
    pretraining_epochs: Annotated[int, Ge(0)] = 200

    def _network(self, shape: tuple[int, ...]) -> OCNNNet:
        return OCNNNet(shape, self.units, self.activation, self.pretrained)

    def _phases(self) -> tuple[Phase, ...]:
        one_class = Phase((Objective(mean_of(self._losses), ("v", "w")),), self.epochs)
        if not self.pretrained:
            return (one_class,)
        return pretraining(min(self.pretraining_epochs, self.epochs)), one_class

    def _losses(self, net: OCNNNet, x: Tensor, noise: Tensor) -> Tensor:
        norms = 0.5 * (net.w.weight.square().sum() + net.v.weight.square().sum())
        losses: Tensor = norms + (net.r - net(x)).relu() / self.nu - net.r  # equation 4
        return losses

    def _renew(self, net: OCNNNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if phase.name == PRETRAINING:
            return
        if epoch == 0:
            inputs = in_chunks(net.encoder, x)
            low, high = inputs.amin(0), inputs.amax(0)
            net.low.copy_(low)
            net.extent.copy_(torch.where(high > low, high - low, 1.0))
        outputs = in_chunks(net, x)
        net.r.fill_(float(np.quantile(outputs.cpu().numpy(), self.nu)))

    def _conclude(self, x: Floats) -> None:
        outputs = float(self.net_.r) - self._score(x, "")
        size = max(float(np.abs(outputs).max()), float(np.finfo(np.float32).tiny))
        if outputs.std() < LEAST_SPREAD * size and (x != x[0]).any():
            msg = (
                f"the outputs of the training samples are all {outputs.mean():.3g}, near the "
                "minimum of equation 4; try activation = tanh, fewer epochs or a lower nu"
            )
            raise Collapsed(msg)
        projected = self._read(lambda rows: self.net_.projection(rows.float()), x)
        if projected.std() and np.corrcoef(outputs, projected)[0, 1] > STRAIGHT:
            self.remark_ = (
                "the score is nearly a projection on one direction and rises on one side of the "
                "training samples only: anomalies on the other side look normal"
            )

    def _score(self, x: Floats, readout: str) -> Floats:
        return self._read(lambda rows: self.net_.r - self.net_(rows.float()), x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_.hidden(rows.float()), x)
