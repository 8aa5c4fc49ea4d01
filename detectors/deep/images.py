"""Encoders and decoders, dense for vectors and convolutional for images, by the shape of a sample.

Up to 32 pixels they are LeNets as in Ruff et al., "Deep one-class classification", ICML 2018
(5 x 5 convolutions, each followed by a leaky ReLU and 2 x 2 pooling); above, 4 x 4 convolutions of
stride 2 halve the image down to 4 to 7 pixels, as in Radford et al., arXiv:1511.06434. Decoders
mirror them with upsampling and 3 x 3 convolutions. There is no batch normalisation: its statistics
would tie the rows of a batch together.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from detectors.deep.networks import SLOPE, hidden_sizes, mlp

LENET_SIDE = 32  # pixels; larger images take strided convolutions
SMALLEST_SIDE = 8  # pixels; an image is halved while its shorter side has as many


def encoder(
    shape: tuple[int, ...], hidden: tuple[int, ...] | None, n_out: int, *, bias: bool = True
) -> nn.Sequential:
    """Return a network (n, *shape) -> (n, n_out).

    Args:
        shape: (d,) of vectors or (c, h, w) of images.
        hidden: widths of the dense hidden layers; None takes `hidden_sizes` for vectors and no
            dense hidden layer after the convolutions of images.
        n_out: width of the output, which is linear.
        bias: whether the layers have biases.
    """
    if len(shape) == 1:
        widths = hidden_sizes(shape[0]) if hidden is None else hidden
        return mlp([shape[0], *widths, n_out], bias=bias)
    stages = _stages(shape)
    strided = min(shape[1:]) > LENET_SIDE
    layers: list[nn.Module] = []
    for (n_in, side), (n_next, next_side) in pairwise(stages):
        if strided:
            layers += [nn.Conv2d(n_in, n_next, 4, 2, 1, bias=bias), nn.LeakyReLU(SLOPE)]
        else:
            layers += [nn.Conv2d(n_in, n_next, 5, 1, 2, bias=bias), nn.LeakyReLU(SLOPE)]
            layers += [nn.MaxPool2d(2)] if next_side != side else []
    widths = (_features(stages), *(hidden or ()), n_out)
    return nn.Sequential(*layers, nn.Flatten(), *mlp(widths, bias=bias))


def decoder(
    n_in: int, hidden: tuple[int, ...] | None, shape: tuple[int, ...], *, bias: bool = True
) -> nn.Sequential:
    """Return a network (n, n_in) -> (n, *shape), the mirror of `encoder`; its output is linear."""
    if len(shape) == 1:
        widths = hidden_sizes(shape[0]) if hidden is None else hidden
        return mlp([n_in, *reversed(widths), shape[0]], bias=bias)
    stages = _stages(shape)
    channels, side = stages[-1]
    dense = [n_in, *reversed(hidden or ()), _features(stages)]
    layers: list[nn.Module] = [*mlp(dense, bias=bias), nn.Unflatten(1, (channels, *side))]
    for (channels, side), (n_next, next_side) in pairwise(reversed(stages)):
        layers += [nn.LeakyReLU(SLOPE)]
        layers += [nn.Upsample(next_side)] if next_side != side else []
        layers += [nn.Conv2d(channels, n_next, 3, 1, 1, bias=bias)]
    return nn.Sequential(*layers)


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
