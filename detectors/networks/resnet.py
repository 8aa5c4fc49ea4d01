"""ResNet-18 and Wide ResNet-50-2, with the names of torchvision's weights.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016,
arXiv:1512.03385; Zagoruyko and Komodakis, "Wide residual networks", BMVC 2016, arXiv:1605.07146.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

STEM, CLASSES = 64, 1000  # channels


class Residual(nn.Module):
    """Convolutions conv1, conv2, ... with batch normalisation, added to their input."""

    def __init__(self, n_in: int, n_out: int, layers: list[tuple[int, int, int]]) -> None:
        """Prepare.

        Args:
            n_in: channels of the input.
            n_out: channels of the output.
            layers: channels, side of the kernel and stride of each convolution.
        """
        super().__init__()
        stride, n, self.n_layers = max(layer[2] for layer in layers), n_in, len(layers)
        for i, (channels, side, step) in enumerate(layers, 1):
            conv = nn.Conv2d(n, channels, side, step, side // 2, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"bn{i}", nn.BatchNorm2d(channels))
            n = channels
        self.downsample = None
        if stride > 1 or n_in != n_out:
            shortcut = nn.Conv2d(n_in, n_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps (n, n_out, ...) of maps (n, n_in, ...)."""
        inner = x
        for i in range(1, self.n_layers + 1):
            inner = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(inner))
            inner = functional.relu(inner) if i < self.n_layers else inner
        return functional.relu(inner + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Maps of 4, 8 and 16 pixels a cell, and the pooled features of the last layer."""

    def __init__(self, repeats: tuple[int, ...], *, wide: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        n_in = STEM
        for number, n_blocks in enumerate(repeats):
            n = STEM * 2**number
            n_out, blocks = 4 * n if wide else n, []
            for i in range(n_blocks):
                stride = 2 if number and not i else 1
                shallow = [(n, 3, stride), (n, 3, 1)]
                bottleneck = [(2 * n, 1, 1), (2 * n, 3, stride), (n_out, 1, 1)]
                blocks.append(Residual(n_in, n_out, bottleneck if wide else shallow))
                n_in = n_out
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(n_in, CLASSES)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of images (n, 3, h, w), finest first, then (n, d)."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        maps = []
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
            maps.append(x)
        return [*maps[:3], x.mean((2, 3))]


def resnet18() -> ResNet:
    """Return a ResNet-18 with random weights: maps of 64, 128, 256 channels, 512 features."""
    return ResNet((2, 2, 2, 2), wide=False)


def wide_resnet50() -> ResNet:
    """Return a Wide ResNet-50-2: maps of 256, 512, 1,024 channels, 2,048 features."""
    return ResNet((3, 4, 6, 3), wide=True)
