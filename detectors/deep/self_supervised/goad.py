"""Classification of random affine transformations (GOAD).

Bergman and Hoshen, "Classification-based anomaly detection for general data", ICLR 2020,
arXiv:2005.02359. Numbers of equations are those of the paper. As in the authors' code for tables,
the transformations have no shift, the loss adds a cross-entropy to the triplet-centre loss, the
constant that the paper adds to every probability for regions far from all centres is 0, and a leaky
ReLU follows the features. Without it f is linear, and all centres of centred samples would be 0.

The loss does not fix the scale of the features: the cross-entropy falls as they grow, and the
triplet-centre loss depends only on differences of distances. The score is a softmax of squared
distances at that scale, and may worsen with more training, on held-out samples too. No sample is
held out: as in the authors' code, the only remedy is to train for one epoch. It hardly moves the
network: on ADBench sets the AUROC is that of the untrained twin to .002. The centres are means at
the final weights, where the authors' code averages those of the batches of the last epoch.

Reference: [bergman2020goad]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.dense import Dense, mlp, rowwise_product
from detectors.training.base import DeepDetector
from detectors.training.phases import Objective, Phase

FEATURE_SLOPE = 0.2  # of the leaky ReLU at the end of f, as in the authors' code
BETAS = (0.5, 0.999)  # of AdamW, as in the authors' code
CENTRE_ROWS = 1024  # per batch for the centres: a row has M transformed samples


class GOADNet(nn.Module):
    """M random matrices and their centres in buffers; the network f and a linear classifier."""

    matrices: Tensor
    centres: Tensor

    def __init__(
        self, d: int, n_transforms: int, n_out: int, hidden: tuple[int, ...], n_features: int
    ) -> None:
        super().__init__()
        self.n_transforms = n_transforms
        layers = mlp([n_out, *hidden, n_features], bias=False)
        self.trunk = nn.Sequential(*layers, nn.LeakyReLU(FEATURE_SLOPE))
        self.classifier = Dense(n_features, n_transforms)
        for layer in (*layers, self.classifier):
            if isinstance(layer, Dense):
                nn.init.xavier_normal_(layer.weight, gain=math.sqrt(2))
        self.register_buffer("matrices", torch.randn(d, n_transforms * n_out))
        self.register_buffer("centres", torch.zeros(n_transforms, n_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return f(T(x, m)) (n, M, k) of samples x (n, d), for every transformation m."""
        transformed = rowwise_product(x, self.matrices).view(len(x), self.n_transforms, -1)
        features: Tensor = self.trunk(transformed)
        return features


def squared_distances(features: Tensor, centres: Tensor) -> Tensor:
    """Return |f - c_m'|^2 as (n, M, M) of features (n, M, k) and centres (M, k)."""
    products = rowwise_product(features, centres.T)
    squares = features.square().sum(-1, keepdim=True) + centres.square().sum(-1)
    return squares - 2 * products


def triplet_centre_losses(distances: Tensor, margin: float) -> Tensor:
    """Return equation 5 as the (n,) means over m of max(0, d_mm + s - min over m' of d_mm')."""
    right = distances.diagonal(dim1=-2, dim2=-1)
    unit = torch.eye(distances.shape[-1], dtype=torch.bool, device=distances.device)
    wrong = distances.masked_fill(unit, math.inf).amin(-1)
    return (right + margin - wrong).clamp(min=0).mean(-1)


def surprise(logits: Tensor) -> Tensor:
    """Return the (n,) sums over m of -log p(m | T(x, m)), of logits (n, M, M); equation 7."""
    return -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1).sum(-1)


@dataclass(kw_only=True)
class GOAD(DeepDetector[GOADNet]):
    """Sum over random transformations of -log p of the right one, by distances to its centre.

    p(m' | T(x, m)) is the softmax over m' of -|f(T(x, m)) - c_m'|^2, and c_m is the mean of
    f(T(x, m)) over the training samples, in training over the batch. Codes are the f(T(x, m)) of
    all m.

    Attributes:
        n_transforms: number M of random matrices with standard normal entries, as in the authors'
            code for small tables; they take 64 for KDD Cup 99.
        transform_dim: number of features after a transformation.
        hidden: widths of the hidden layers of f, which has no biases; in the authors' code none
            for small tables, four for KDD Cup 99.
        feature_dim: width of f's output.
        margin: s of the triplet-centre loss.
        centre_weight: weight of the triplet-centre loss relative to the cross-entropy; 0.1 in the
            authors' code.
        epochs: passes over the training samples; each shows every sample M times. One, as in the
            authors' code for small tables; they take 25 for KDD Cup 99.
        learning_rate: as in the authors' code.
        batch_size: samples per step, as in the authors' code.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    n_transforms: Annotated[int, Ge(2)] = 256
    transform_dim: Annotated[int, Ge(1)] = 32
    hidden: tuple[Annotated[int, Ge(1)], ...] = ()
    feature_dim: Annotated[int, Ge(1)] = 8
    margin: Annotated[float, Gt(0)] = 1.0
    centre_weight: Annotated[float, Gt(0)] = 0.1
    epochs: Annotated[int, Ge(0)] = 1
    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _network(self, shape: tuple[int, ...]) -> GOADNet:
        (d,) = shape
        sizes = (self.n_transforms, self.transform_dim, self.hidden, self.feature_dim)
        return GOADNet(d, *sizes)

    def _phases(self) -> tuple[Phase, ...]:
        return (Phase((Objective(self._loss, betas=BETAS),), self.epochs, selects=False),)

    def _loss(self, net: GOADNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        features = net(x)
        centres = (weight[:, None, None] * features).sum(0)
        apart = triplet_centre_losses(squared_distances(features, centres), self.margin)
        entropy = surprise(net.classifier(features)) / self.n_transforms
        return (weight * (self.centre_weight * apart + entropy)).sum()

    def _renew(self, net: GOADNet, x: Tensor, phase: Phase, epoch: int) -> None:
        sums = torch.stack([net(rows).sum(0) for rows in torch.split(x, CENTRE_ROWS)])
        net.centres = sums.sum(0) / len(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        def read(rows: Tensor) -> Tensor:
            features = self.net_(rows.float()).double()
            return surprise(-squared_distances(features, self.net_.centres.double()))

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_(rows.float()).flatten(1), x)
