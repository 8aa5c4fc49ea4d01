"""Spectral normalisation: layers that enlarge no distance between inputs.

Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks",
ICLR 2018, arXiv:1802.05957.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from detectors.networks.dense import Dense

SMALLEST_NORM = 1e-12
FIRST_ITERATIONS, ITERATIONS = 20, 3  # of the power method


class Spectral(nn.Module):
    """A layer whose weight is divided by its largest singular value; its bias is unchanged.

    As in the paper, each forward pass computes the value by one iteration of the power method, and
    the weight of a convolution is its kernel as a matrix (channels out, all else). The iteration
    starts from a direction in a buffer; `follow` updates it after the weight has changed.
    """

    right: Tensor
    directions: tuple[Tensor, Tensor] | None = None  # left and right, within `iterated_once`

    def __init__(self, layer: Dense | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        width = self._matrix().shape[1]
        self.register_buffer("right", torch.full((width,), width**-0.5))
        self.follow(FIRST_ITERATIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for x with the normalised weight."""
        left, right = self.directions or self.iterate()
        value = left @ (self._matrix() @ right)
        made: Tensor = self.layer(x / value)  # the weight times x, over the value
        return made

    def iterate(self) -> tuple[Tensor, Tensor]:
        """Return the left and right directions after one more iteration, as constants."""
        return _iterated(self._matrix().detach(), self.right)

    @torch.no_grad()
    def follow(self, n_iterations: int = ITERATIONS) -> None:
        """Update the direction towards the right singular vector of the weight."""
        for _ in range(n_iterations):
            self.right.copy_(_iterated(self._matrix(), self.right)[1])

    def _matrix(self) -> Tensor:
        weight: Tensor = self.layer.weight
        return weight.flatten(1)


def normalised(net: nn.Sequential) -> nn.Sequential:
    """Return the network with its dense layers and convolutions wrapped in `Spectral`."""
    layers = (Spectral(layer) if isinstance(layer, Dense | nn.Conv2d) else layer for layer in net)
    return nn.Sequential(*layers)


def follow(net: nn.Module) -> None:
    """Update the direction of each `Spectral` layer of a network."""
    for layer in _layers(net):
        layer.follow()


@contextmanager
def iterated_once(net: nn.Module) -> Iterator[None]:
    """Let all forward passes of a network, with the same weights, share their iterations."""
    layers = _layers(net)
    for layer in layers:
        layer.directions = layer.iterate()
    try:
        yield
    finally:
        for layer in layers:
            layer.directions = None


def _layers(net: nn.Module) -> list[Spectral]:
    return [layer for layer in net.modules() if isinstance(layer, Spectral)]


def _iterated(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return the left and right directions after one iteration of the power method."""
    left = _unit(matrix @ right)
    return left, _unit(matrix.mT @ left)


def _unit(vector: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vector)
    return vector / length.clamp(min=SMALLEST_NORM)
