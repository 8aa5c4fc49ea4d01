"""Spectral normalisation: layers that stretch no difference of their inputs.

Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks",
ICLR 2018, arXiv:1802.05957.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from detectors.deep.networks import Dense

SMALLEST_NORM = 1e-12
FIRST_ITERATIONS = 20  # of the power method, from a vector that knows nothing of the weight


class Spectral(nn.Module):
    """A layer whose weight is divided by its largest singular value; its bias stays.

    The value comes of one iteration of the power method a forward pass, as theirs, from a
    direction that is kept in a buffer. That of a convolution is the one of its kernel as a
    matrix (channels out, all else), as theirs.
    """

    direction: Tensor

    def __init__(self, layer: Dense | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        width = self._matrix().shape[1]
        self.register_buffer("direction", torch.full((width,), width**-0.5))
        for _ in range(FIRST_ITERATIONS):
            self.follow()

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x, with the normalised weight."""
        matrix = self._matrix()
        left, right = _iterated(matrix.detach(), self.direction)
        made: Tensor = self.layer(x)
        bias = self.layer.bias
        if bias is None:
            return made / (left @ matrix @ right)
        shift = bias.view(-1, *[1] * (made.ndim - 2))
        return (made - shift) / (left @ matrix @ right) + shift

    @torch.no_grad()
    def follow(self) -> None:
        """Keep the direction that one iteration leads to."""
        self.direction.copy_(_iterated(self._matrix(), self.direction)[1])

    def _matrix(self) -> Tensor:
        weight: Tensor = self.layer.weight
        return weight.flatten(1)


def normalised(net: nn.Sequential) -> nn.Sequential:
    """Return a network whose dense layers and convolutions are `Spectral`."""
    layers = (Spectral(layer) if isinstance(layer, Dense | nn.Conv2d) else layer for layer in net)
    return nn.Sequential(*layers)


def follow(net: nn.Module) -> None:
    """Let the directions of all `Spectral` layers of a network follow their weights."""
    for layer in net.modules():
        if isinstance(layer, Spectral):
            layer.follow()


def _iterated(matrix: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Return both singular directions after one iteration of the power method."""
    left = _unit(matrix @ direction)
    return left, _unit(matrix.mT @ left)


def _unit(vector: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vector)
    return vector / length.clamp(min=SMALLEST_NORM)
