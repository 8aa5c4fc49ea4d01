"""Encoders and decoders, dense for vectors and convolutional for images, by the shape of a sample.

Up to 32 pixels they are LeNets as in Ruff et al., "Deep one-class classification", ICML 2018
(5 x 5 convolutions, each followed by 2 x 2 pooling and a leaky ReLU); above, 4 x 4 convolutions of
stride 2 halve the image down to 4 to 7 pixels, as in Radford et al., arXiv:1511.06434. Decoders
mirror them with upsampling and 3 x 3 convolutions. Only `deep-svdd` has batch normalisation, which
makes the rows of a batch depend on each other in training; the papers of WAE and AnoGAN have it in
their networks for images too.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.networks.dense import SLOPE, hidden_sizes, mlp

LENET_SIDE = 32  # pixels; larger images take strided convolutions
SMALLEST_SIDE = 8  # pixels; an image is halved while its shorter side has at least as many
EPSILON = 1e-4  # added to a variance before division, as in the authors' LeNets
STATISTICS_ROWS = 1024  # per batch for the statistics
LARGE = 3 * 128 * 128  # values of an image, above which fewer are computed at once


def at_once(most: int, shape: tuple[int, ...]) -> int:
    """Return how many samples of a shape are computed at once: `most`, or fewer of large images."""
    n_values = math.prod(shape) if len(shape) > 1 else 1
    return max(1, min(most, most * LARGE // n_values))


class ChannelsLast(nn.Module):
    """Images with the channels of a pixel adjacent in memory: it halves the time of a decoder."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n, c, h, w)."""
        return x.contiguous(memory_format=torch.channels_last)


class BatchNorm(nn.Module):
    """Batch normalisation of images, without a learned scale or shift (which would be a bias).

    Ioffe and Szegedy, "Batch normalization", ICML 2015, arXiv:1502.03167. In training, mean and
    variance of a channel are those of the batch; afterwards those of the training rows, which
    `take_statistics` sets, so that a score does not depend on other rows.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n, c, h, w) normalised by channel."""
        if self.training:
            return functional.batch_norm(x, None, None, training=True, eps=EPSILON)
        return functional.batch_norm(x, self.mean, self.variance, eps=EPSILON)


def take_statistics(net: nn.Module, x: Tensor) -> None:
    """Set the statistics of the batch normalisations of `net` from training rows (n, *shape).

    They are means over batches of at most 1,024 rows, see `at_once`; `net` must be in training
    mode.
    """
    taken: dict[BatchNorm, list[Tensor]] = {
        layer: [] for layer in net.modules() if isinstance(layer, BatchNorm)
    }
    if not taken:
        return

    def note(layer: BatchNorm, inputs: tuple[Tensor]) -> None:
        taken[layer].append(torch.stack(torch.var_mean(inputs[0], (0, 2, 3), correction=0)))

    hooks = [layer.register_forward_pre_hook(note) for layer in taken]
    for rows in torch.tensor_split(x, -(-len(x) // at_once(STATISTICS_ROWS, x.shape[1:]))):
        net(rows)
    for hook in hooks:
        hook.remove()
    for layer, batches in taken.items():
        variance, mean = torch.stack(batches).mean(0)
        layer.variance.copy_(variance)
        layer.mean.copy_(mean)


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
        normalise: whether a `BatchNorm` follows each convolution of images.
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
        layers += [BatchNorm(n_next)] if normalise else []
        # pooling first: a leaky ReLU keeps the order, and a quarter of its inputs remains
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
        layers += [BatchNorm(channels)] if normalise and number else []
        layers += [nn.LeakyReLU(SLOPE)]
        layers += [nn.Upsample(next_side)] if next_side != side else []
        layers += [nn.Conv2d(channels, n_next, 3, 1, 1, bias=bias)]
    return nn.Sequential(*layers)


def _stages(shape: tuple[int, ...]) -> list[tuple[int, tuple[int, int]]]:
    """Return the channels and sides of the image and of the output of each convolution."""
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
