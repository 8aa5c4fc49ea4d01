"""Deep support vector data description.

Ruff, Vandermeulen, Goernitz, Deecke, Siddiqui, Binder, Mueller and Kloft, "Deep one-class
classification", ICML 2018, https://proceedings.mlr.press/v80/ruff18a.html.

Reference: [ruff2018deepsvdd]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.images import decoder, encoder, take_statistics
from detectors.training.localisation import DeepLocalizer, gradient
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.pretraining import PRETRAINING, in_chunks, pretraining

IMAGE_PRETRAINING = 200  # epochs
VECTOR_WIDTHS = (256,)
PACE, PACE_FROM_RANDOM = 1 / 100, 1 / 300  # after a pretraining, and without one
CENTRE_MARGIN = 0.1  # least distance of a centre's entries from 0, the output of an unused unit


class DeepSVDDNet(nn.Module):
    """Encoder phi, a decoder if it is pretrained, the centre and the radius.

    The layers have no biases and the activations are unbounded: with biases or bounded activations,
    phi could be the constant c for every input (propositions 2 and 3).
    """

    centre: Tensor
    squared_radius: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] | None,
        latent_dim: int,
        pretrained: bool,
    ) -> None:
        super().__init__()
        self.encoder = encoder(shape, hidden, latent_dim, bias=False, normalise=True)
        if pretrained:
            self.decoder = decoder(latent_dim, hidden, shape, bias=False, normalise=True)
        self.register_buffer("centre", torch.zeros(latent_dim))
        self.register_buffer("squared_radius", torch.zeros(1))

    def squared_distance(self, x: Tensor) -> Tensor:
        """Return ||phi(x) - c||^2 (n,) of samples (n, *shape)."""
        distances: Tensor = (self.encoder(x) - self.centre).square().sum(-1)
        return distances


@dataclass(kw_only=True)
class DeepSVDD(DeepLocalizer[DeepSVDDNet]):
    """Squared distance of a sample's representation to the centre; less R^2 if soft-boundary.

    The centre c is fixed as the mean of the training representations before the description, with
    entries near 0 moved to +-0.1. Codes are representations.

    As in the paper, the encoder of images is pretrained in an autoencoder, and batch normalisation
    follows its convolutions. Without it, more training makes the results on digits worse. The
    encoder of vectors starts from random weights and is wide and slow: of the settings whose
    held-out normal samples stay as near to the centre as with a pretraining, it leaves the least
    volume normal (Goix, "How to evaluate the quality of unsupervised anomaly detection
    algorithms?", 2016, arXiv:1607.01152), which is judged without labels.

    Attributes:
        objective: `one-class` minimises the mean distance (equation 4 of the paper),
            `soft-boundary` the radius R and the distances beyond it (equation 3).
        nu: for the soft boundary, the approximate share of the training samples outside.
        warm_up: number of first epochs with R = 0, at most `epochs` and `patience`; after each
            later epoch, R^2 is the (1 - nu)-quantile of the squared distances of the training
            samples.
        pretraining_epochs: most passes of the autoencoder; 0 starts from random weights. By default
            200 for images and 0 for vectors.
        penalty: lambda, the weight of half the encoder's squared weights; 1e-6 in the paper.
        fine_tuning_pace: factor on the learning rate of the description; by default 1/100 after a
            pretraining, which makes it 0.00003, and 1/300 without one. From the paper's 0.0001
            upwards, distances of held-out normal samples become up to twice those of training
            samples, and seeds agree less on their order.
        hidden: widths of dense hidden layers; by default one of 256 for vectors and none after the
            convolutions of images.
        latent_dim: size of the representation; 32 in the paper, for MNIST.
    """

    encodes: ClassVar[bool] = True
    localizes: ClassVar[Mapping[str, str]] = {"": ""}
    of_images_ = False  # whether it is fitted to images

    objective: Literal["one-class", "soft-boundary"] = "one-class"
    nu: Annotated[float, Gt(0), Le(1)] = 0.1
    warm_up: Annotated[int, Ge(0)] = 10
    pretraining_epochs: Annotated[int, Ge(0)] | None = None
    penalty: Annotated[float, Ge(0)] = 1e-6
    fine_tuning_pace: Annotated[float, Gt(0)] | None = None
    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] = 32

    def _network(self, shape: tuple[int, ...]) -> DeepSVDDNet:
        self.of_images_ = len(shape) > 1
        hidden = VECTOR_WIDTHS if self.hidden is None and not self.of_images_ else self.hidden
        return DeepSVDDNet(shape, hidden, self.latent_dim, self._pretraining() > 0)

    def _pretraining(self) -> int:
        default = IMAGE_PRETRAINING if self.of_images_ else 0
        return default if self.pretraining_epochs is None else self.pretraining_epochs

    def _phases(self) -> tuple[Phase, ...]:
        n_epochs = self._pretraining()
        pace = self.fine_tuning_pace or (PACE if n_epochs else PACE_FROM_RANDOM)
        describe = Objective(mean_of(self._losses), parts=("encoder",), pace=pace)
        description = Phase((describe,), self.epochs)
        if not n_epochs:
            return (description,)
        return pretraining(min(n_epochs, self.epochs)), description

    def _losses(self, net: DeepSVDDNet, x: Tensor, noise: Tensor) -> Tensor:
        distance = net.squared_distance(x)
        weights = torch.stack([each.square().sum() for each in net.encoder.parameters()]).sum()
        penalty = 0.5 * self.penalty * weights
        if self.objective == "one-class":
            return distance + penalty
        beyond = (distance - net.squared_radius).relu()
        return net.squared_radius + beyond / self.nu + penalty

    def _renew(self, net: DeepSVDDNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if phase.name == PRETRAINING:
            return
        take_statistics(net.encoder, x)
        warm_up = min(self.warm_up, self.patience, phase.epochs)
        has_radius = self.objective == "soft-boundary" and epoch >= warm_up
        if epoch > 0 and not has_radius:
            return
        net.eval()
        if epoch == 0:
            centre = in_chunks(net.encoder, x).mean(0)
            away = torch.where(centre < 0, -CENTRE_MARGIN, CENTRE_MARGIN)
            net.centre.copy_(torch.where(centre.abs() < CENTRE_MARGIN, away, centre))
        if has_radius:
            distances = in_chunks(net.squared_distance, x)
            net.squared_radius.fill_(float(np.quantile(distances.cpu().numpy(), 1 - self.nu)))
        net.train()

    def _distance(self, rows: Tensor) -> Tensor:
        return self.net_.squared_distance(rows.float())

    def _localize(self, x: Floats, readout: str) -> Floats:
        return self._read(lambda rows: gradient(self._distance, rows).abs(), x)

    def _score(self, x: Floats, readout: str) -> Floats:
        distances = self._read(self._distance, x)
        if self.objective == "soft-boundary":
            return distances - float(self.net_.squared_radius)
        return distances

    def _embed(self, rows: Tensor) -> Tensor:
        codes: Tensor = self.net_.encoder(rows.float())
        return codes
