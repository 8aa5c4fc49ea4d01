"""Encoders and decoders, dense for vectors and convolutional for images, by the shape of a sample.

Up to 32 pixels they are LeNets as in Ruff et al., "Deep one-class classification", ICML 2018
(5 x 5 convolutions, each followed by 2 x 2 pooling and a leaky ReLU); above, 4 x 4 convolutions of
stride 2 halve the image down to 4 to 7 pixels, as in Radford et al., arXiv:1511.06434. Decoders
mirror them with upsampling and 3 x 3 convolutions. There is no batch normalisation: its statistics
would tie the rows of a batch together. What stands in for it, where a method asks for it, takes
each sample by itself.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from detectors.deep.networks import SLOPE, hidden_sizes, mlp

LENET_SIDE = 32  # pixels; larger images take strided convolutions
SMALLEST_SIDE = 8  # pixels; an image is halved while its shorter side has as many
EPSILON = 1e-4  # added to a variance that divides, as in the authors' LeNets


class ChannelsLast(nn.Module):
    """The same images with their channels side by side in memory: half the time of a decoder."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n, c, h, w)."""
        return x.contiguous(memory_format=torch.channels_last)


def encoder(
    shape: tuple[int, ...],
    hidden: tuple[int, ...] | None,
    n_out: int,
    *,
    bias: bool = True,
    normalise: bool = False,
) -> nn.Sequential:
    """Return a network (n, *shape) -> (n, n_out).

    Args:
        shape: (d,) of vectors or (c, h, w) of images.
        hidden: widths of the dense hidden layers; None takes `hidden_sizes` for vectors and no
            dense hidden layer after the convolutions of images.
        n_out: width of the output, which is linear.
        bias: whether the layers have biases.
        normalise: whether what a convolution gives of a sample, all channels together, is brought
            to mean 0 and variance 1: group normalisation with one group and nothing learned (Wu
            and He, "Group normalization", ECCV 2018, arXiv:1803.08494). For images.
    """
    if len(shape) == 1:
        widths = hidden_sizes(shape[0]) if hidden is None else hidden
        return mlp([shape[0], *widths, n_out], bias=bias)
    stages = _stages(shape)
    strided = min(shape[1:]) > LENET_SIDE
    layers: list[nn.Module] = []
    for (n_in, side), (n_next, next_side) in pairwise(stages):
        size = (4, 2, 1) if strided else (5, 1, 2)
        layers += [nn.Conv2d(n_in, n_next, *size, bias=bias)]
        layers += [_normalisation(n_next)] if normalise else []
        # pooling first: a leaky ReLU keeps the order and has a quarter left to do
        layers += [nn.MaxPool2d(2)] if next_side != side and not strided else []
        layers += [nn.LeakyReLU(SLOPE)]
    widths = (_features(stages), *(hidden or ()), n_out)
    return nn.Sequential(*layers, nn.Flatten(), *mlp(widths, bias=bias))


def decoder(
    n_in: int,
    hidden: tuple[int, ...] | None,
    shape: tuple[int, ...],
    *,
    bias: bool = True,
    normalise: bool = False,
) -> nn.Sequential:
    """Return a network (n, n_in) -> (n, *shape), the mirror of `encoder`; its output is linear."""
    if len(shape) == 1:
        widths = hidden_sizes(shape[0]) if hidden is None else hidden
        return mlp([n_in, *reversed(widths), shape[0]], bias=bias)
    stages = _stages(shape)
    channels, side = stages[-1]
    dense = [n_in, *reversed(hidden or ()), _features(stages)]
    layers: list[nn.Module] = [*mlp(dense, bias=bias), nn.Unflatten(1, (channels, *side))]
    layers += [ChannelsLast()]
    for number, ((channels, side), (n_next, next_side)) in enumerate(pairwise(reversed(stages))):
        layers += [_normalisation(channels)] if normalise and number else []
        layers += [nn.LeakyReLU(SLOPE)]
        layers += [nn.Upsample(next_side)] if next_side != side else []
        layers += [nn.Conv2d(channels, n_next, 3, 1, 1, bias=bias)]
    return nn.Sequential(*layers)


def _normalisation(channels: int) -> nn.Module:
    return nn.GroupNorm(1, channels, eps=EPSILON, affine=False)


def _stages(shape: tuple[int, ...]) -> list[tuple[int, tuple[int, int]]]:
    """Return channels and side lengths of the image and after each convolution of the encoder."""
    channels, *sides = shape
    height, width = sides
    stages = [(channels, (height, width))]

    def add(channels: int) -> None:
        height, width = stages[-1][1]
        halved = min(height, width) >= SMALLEST_SIDE
        stages.append((channels, (height // 2, width // 2) if halved else (height, width)))

    if min(height, width) > LENET_SIDE:
        while min(stages[-1][1]) >= SMALLEST_SIDE:
            add(min(16 * 2 ** len(stages), 128))
    else:
        for number in (8, 4) if min(height, width) < LENET_SIDE else (32, 64, 128):
            add(number)
    return stages


def _features(stages: list[tuple[int, tuple[int, int]]]) -> int:
    channels, (height, width) = stages[-1]
    return channels * height * width
