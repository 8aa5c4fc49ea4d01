"""VGG-16, with the names of torchvision's weights.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR
2015, arXiv:1409.1556.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions of each
HIDDEN, CLASSES = 4096, 1000
POOLED_SIDE = 7  # cells of the last map that the first dense layer, fc6, sees


class VGG16(nn.Module):
    """Maps of 4, 8 and 16 pixels a cell, and the activations of the layer fc6."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for channels, n_layers in STAGES:
            for _ in range(n_layers):
                layers += [nn.Conv2d(n_in, channels, 3, 1, 1), nn.ReLU()]
                n_in = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(n_in * POOLED_SIDE**2, HIDDEN), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(), nn.Linear(HIDDEN, CLASSES)),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of images (n, 3, h, w), finest first, then (n, 4096)."""
        before_pooling = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                before_pooling.append(x)
            x = layer(x)
        x = functional.adaptive_avg_pool2d(x, POOLED_SIDE)
        return [*before_pooling[2:], self.classifier[:2](x.flatten(1))]
