"""EfficientNet-Lite0: the layers of the network, with the names of its published weights.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
arXiv:1905.11946. Lite0, published by Google with TensorFlow's TPU models, has ReLU6 in place of
swish, and no squeeze-and-excitation.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

# Expansion, kernel, stride, channels and repeats of each stage: table 1 of the paper.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM, HEAD, CLASSES = 32, 1280, 1000  # channels
STRIDES = {4: 2, 8: 4, 16: 10}  # the last block with maps of that many pixels a cell


class SameConv(nn.Conv2d):
    """A convolution with the padding "same" of TensorFlow, where the odd pixel is at the end."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels, ceil(h / stride), ceil(w / stride))."""
        size, stride = self.kernel_size[0], self.stride[0]
        total = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in x.shape[2:]]
        before = [both // 2 for both in total]
        if any(both % 2 for both in total):
            after = [both - first for both, first in zip(total, before, strict=True)]
            x = functional.pad(x, (before[1], after[1], before[0], after[0]))
            before = [0, 0]
        return functional.conv2d(x, self.weight, None, self.stride, before, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _active(x: Tensor) -> Tensor:
    return functional.relu6(x, inplace=True)


class Block(nn.Module):
    """An inverted residual: expansion, a convolution of each channel, projection."""

    def __init__(self, n_in: int, expansion: int, size: int, stride: int, n_out: int) -> None:
        super().__init__()
        n = n_in * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and n_in == n_out
        if self.expands:
            self._expand_conv, self._bn0 = SameConv(n_in, n, 1, bias=False), _norm(n)
        self._depthwise_conv = SameConv(n, n, size, stride, groups=n, bias=False)
        self._bn1 = _norm(n)
        self._project_conv, self._bn2 = SameConv(n, n_out, 1, bias=False), _norm(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps (n, n_out, ...) of maps (n, n_in, ...)."""
        inner = _active(self._bn0(self._expand_conv(x))) if self.expands else x
        inner = _active(self._bn1(self._depthwise_conv(inner)))
        projected: Tensor = self._bn2(self._project_conv(inner))
        return projected + x if self.adds else projected


class EfficientNetLite0(nn.Module):
    """Maps of 4, 8 and 16 pixels a cell (24, 40 and 112 channels), and 1,280 pooled features."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, STEM, 3, 2, bias=False), _norm(STEM)
        blocks, n_in = [], STEM
        for expansion, size, stride, n_out, repeats in STAGES:
            for i in range(repeats):
                blocks.append(Block(n_in, expansion, size, 1 if i else stride, n_out))
                n_in = n_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConv(n_in, HEAD, 1, bias=False), _norm(HEAD)
        self._fc = nn.Linear(HEAD, CLASSES)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of images (n, 3, h, w) in -1 to 1, finest first, then (n, 1280)."""
        x = _active(self._bn0(self._conv_stem(x)))
        maps = []
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in STRIDES.values():
                maps.append(x)
        return [*maps, _active(self._bn1(self._conv_head(x))).mean((2, 3))]
