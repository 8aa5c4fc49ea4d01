"""Fully convolutional data description: a map of distances that is learned from confetti.

Liznerski, Ruff, Vandermeulen, Franks, Kloft and Mueller, "Explainable deep one-class
classification", ICLR 2021, arXiv:2007.01760: its unsupervised form, whose anomalies are normal
images with coloured squares.

Reference: [liznerski2021fcdd]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import SLOPE, rowwise_product
from detectors.networks.images import ChannelsLast
from detectors.training.localisation import DeepLocalizer
from detectors.training.phases import Phase
from detectors.training.trainable import Singles

SPREAD = 12 / 62  # of the upsampling, in receptive fields: the pixels of the authors for MVTec AD
MOST_CELLS = 32  # on the shorter side of a map before its upsampling
SQUARES = 2  # in an image, about as many as the authors draw
SMALLEST, LARGEST = 8 / 224, 54 / 224  # their sides, in sides of the image


class FCDDNet(nn.Module):
    """Convolutions (n, c, h, w) -> (n, h', w'), and the ranges of the training pixels by channel.

    The bias of the last convolution stands for the centre, as in the paper.
    """

    low: Tensor
    high: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.jump, self.field = 1, 3  # pixels between the centres of cells, and that a cell sees
        rectify = partial(nn.LeakyReLU, SLOPE, inplace=True)  # so that training keeps less
        layers: list[nn.Module] = [ChannelsLast(), nn.Conv2d(shape[0], 32, 3, 1, 1)]
        width, side = 32, min(shape[1:])
        while side > 1 and (self.jump < 4 or side > MOST_CELLS):
            layers += [nn.MaxPool2d(2), rectify()]
            layers += [nn.Conv2d(width, min(2 * width, 128), 3, 1, 1)]
            self.field += self.jump + 2 * 2 * self.jump
            width, side, self.jump = min(2 * width, 128), side // 2, 2 * self.jump
        self.layers = nn.Sequential(*layers, rectify(), nn.Conv2d(width, 1, 1))
        self.register_buffer("low", torch.zeros(shape[0], 1, 1))
        self.register_buffer("high", torch.zeros(shape[0], 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the pseudo-Huber distances (n, h', w') of images, equation 2 of the paper."""
        outputs: Tensor = self.layers(x)[:, 0]
        return (outputs.square() + 1).sqrt() - 1

    def upsampled(self, cells: Tensor) -> Tensor:
        """Return maps of pixels (n, h, w) of maps of cells: means weighted by normal densities.

        They are centred at the receptive fields, algorithm 1 of the paper.
        """
        rows, columns = (
            self._weights(*each) for each in zip(self.shape[1:], cells.shape[1:], strict=True)
        )
        smooth = rowwise_product(cells, columns.to(cells).T)
        return rowwise_product(smooth.mT, rows.to(cells).T).mT

    def _weights(self, side: int, n_cells: int) -> Tensor:
        centres = self.jump * (torch.arange(n_cells) + 0.5) - 0.5
        away = (torch.arange(side)[:, None] - centres) / (SPREAD * self.field)
        return (-away.square() / 2).softmax(1)


@dataclass(kw_only=True)
class FCDD(DeepLocalizer[FCDDNet]):
    """Mean over a map of distances that a convolutional network learned from confetti.

    Half of what it learns from are training images with two squares of a random side, place and
    colour, which is added and cut to the range of the training pixels. Only images are accepted.
    """

    images_only: ClassVar[bool] = True
    localizes: ClassVar[Mapping[str, str]] = {"": ""}

    def _suited(self, samples: Floats) -> Floats:
        suited = super()._suited(samples)
        if suited.ndim != 4:
            msg = (
                f"a fully convolutional network needs images (n, c, h, w), these are "
                f"{suited.shape}; use `deep-svdd` for vectors, and do not flatten images"
            )
            raise Unsupported(msg)
        return suited

    def _network(self, shape: tuple[int, ...]) -> FCDDNet:
        return FCDDNet(shape)

    def _renew(self, net: FCDDNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if epoch == 0:
            net.low.copy_(x.amin((0, 2, 3))[:, None, None])
            net.high.copy_(x.amax((0, 2, 3))[:, None, None])

    def _noise(self, net: FCDDNet, draws: np.random.Generator, n: int) -> Singles:
        """Return squares (n, 2, 3 + c): side, top, left in pixels, colour in ranges of pixels."""
        shorter = min(net.shape[1:])
        smallest, largest = (max(1, round(share * shorter)) for share in (SMALLEST, LARGEST))
        sides = draws.integers(smallest, largest, (n, SQUARES), endpoint=True)[..., None]
        places = draws.random((n, SQUARES, 2)) * (np.array(net.shape[1:]) - sides + 1)
        colours = draws.uniform(-1, 1, (n, SQUARES, net.shape[0]))
        return np.concatenate([sides, np.floor(places), colours], axis=2).astype(np.float32)

    def _losses(self, net: FCDDNet, x: Tensor, noise: Tensor) -> Tensor:
        """Equation 3 of the paper, for an image and the same image with confetti."""
        spoiled = (x + painted(x, noise) * (net.high - net.low)).clamp(net.low, net.high)
        normal, odd = (net(images).flatten(1).mean(-1) for images in (x, spoiled))
        losses: Tensor = normal - (-torch.expm1(-odd.clamp(min=1e-6))).log()
        return losses

    def _distance(self, rows: Tensor) -> Tensor:
        cells: Tensor = self.net_(rows.float())
        return cells.double().flatten(1).mean(-1)

    def _map(self, rows: Tensor) -> Tensor:
        return self.net_.upsampled(self.net_(rows.float()).double())

    def _score(self, x: Floats, readout: str) -> Floats:
        return self._read(self._distance, x)

    def _localize(self, x: Floats, readout: str) -> Floats:
        return self._read(self._map, x)


def painted(x: Tensor, squares: Tensor) -> Tensor:
    """Return images like x (n, c, h, w) of coloured squares (n, k, 3 + c), elsewhere 0."""
    confetti = torch.zeros_like(x)
    rows, columns = (torch.arange(side, device=x.device) for side in x.shape[2:])
    for square in squares.unbind(1):
        side, top, left = square[:, :3, None].unbind(1)
        of_rows = (top <= rows) & (rows < top + side)
        of_columns = (left <= columns) & (columns < left + side)
        within = of_rows[:, None, :, None] & of_columns[:, None, None, :]
        confetti = torch.where(within, square[:, 3:, None, None], confetti)
    return confetti
