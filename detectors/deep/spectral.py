"""Spectral normalisation: layers that stretch no difference of their inputs.

Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks",
ICLR 2018, arXiv:1802.05957.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from detectors.deep.networks import Dense

SMALLEST_NORM = 1e-12
FIRST_ITERATIONS, ITERATIONS = 20, 3  # of the power method


class Spectral(nn.Module):
    """A layer whose weight is divided by its largest singular value; its bias stays.

    The value comes of one iteration of the power method a forward pass, as theirs, from directions
    that are kept in buffers and follow the weight when `follow` is called. That of a convolution
    is the value of its kernel as a matrix (channels out, all else), as theirs.
    """

    left: Tensor
    right: Tensor

    def __init__(self, layer: Dense | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        for name, width in zip(("left", "right"), self._matrix().shape, strict=True):
            self.register_buffer(name, torch.full((width,), width**-0.5))
        self.follow(FIRST_ITERATIONS)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x, with the normalised weight."""
        matrix = self._matrix()
        left = _unit(matrix.detach() @ self.right)
        right = _unit(matrix.detach().mT @ left)
        value = left @ (matrix @ right)
        made: Tensor = self.layer(x / value)  # the weight times x, over the value
        return made

    @torch.no_grad()
    def follow(self, n_iterations: int = ITERATIONS) -> None:
        """Bring the directions nearer to the singular ones of the weight."""
        matrix = self._matrix()
        for _ in range(n_iterations):
            self.left.copy_(_unit(matrix @ self.right))
            self.right.copy_(_unit(matrix.mT @ self.left))

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


def _unit(vector: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(vector)
    return vector / length.clamp(min=SMALLEST_NORM)
