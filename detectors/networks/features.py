"""The base of detectors on the features of a frozen, pretrained network, and what they share."""

from __future__ import annotations

import hashlib
import platform
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.contract import Detector, Family, Floats, Unsupported
from detectors.networks.backbones import (
    Name,
    accepted_sides,
    digest_of_weights,
    location_and_scale,
    network,
    pretrained,
)
from detectors.spared import once
from detectors.streams import integer_seed

WHITE = 255.0
SMOOTHING = 4.0  # standard deviation of the blur of a map, in pixels, as in the papers

_loaded: dict[tuple[object, ...], nn.Module] = {}


@dataclass(kw_only=True)
class FeatureDetector(Detector):
    """Base of the detectors on features of a network that was trained on ImageNet and is frozen.

    A subclass writes `_learn` and `_score`, and reads the features of each image from `_features`.
    Images have one channel or three, and values in 0 (black) to 255 (white), or to 1 where no
    training image has a larger one; the scaler `none` leaves them so.

    Attributes:
        backbone: the network: lite0 (EfficientNet-Lite0), whose weights are in a package of the
            extra `vision`; resnet18, wide-resnet50, vgg16 (pooled features are those of its layer
            fc6, after the ReLU) or dinov2-vits14 (all maps have 14 pixels a cell, and images sides
            that are multiples of that), which need `weights`.
        weights: path of a file of weights, a state_dict of torch or safetensors, with the names of
            torchvision, or of timm or the authors of DINOv2. A row's settings have its sha256.
            Empty for the weights of the package.
        pretrained: whether the network has these weights, or random ones, drawn with the seed: a
            baseline that shows what pretraining adds.
    """

    family: ClassVar[Family] = "hybrid"
    takes_images: ClassVar[bool] = True
    images_only: ClassVar[bool] = True
    files: ClassVar[tuple[str, ...]] = ("weights",)

    backbone: Name = "lite0"
    weights: str = ""
    pretrained: bool = True

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and the largest value of a pixel."""
        return 0.0, WHITE

    def _suited(self, samples: Floats) -> Floats:
        if samples.ndim != 4 or samples.shape[1] not in (1, 3):
            msg = (
                f"pretrained features need images (n, 1 or 3, h, w), these are {samples.shape}; "
                "use a detector of vectors"
            )
            raise Unsupported(msg)
        least, multiple = accepted_sides(self.backbone)
        height, width = samples.shape[2:]
        if min(height, width) < least or height % multiple or width % multiple:
            accepted = f"multiples of {multiple}" if multiple > 1 else f"at least {least}"
            msg = (
                f"{self.backbone} needs images whose sides are {accepted} pixels, these are "
                f"{height} x {width}; load them at such a size, as ?size=224"
            )
            raise Unsupported(msg)
        return samples

    def _fit(self, x: Floats) -> None:
        low, high = float(x.min()), float(x.max())
        if low < 0 or high > WHITE:
            msg = (
                f"pretrained features need pixels in 0 to 1 or 0 to 255, these are in {low:.3g} to "
                f"{high:.3g}; use the scaler none"
            )
            raise Unsupported(msg)
        self.white_ = 1.0 if high <= 1 else WHITE
        self._learn(x)

    @abstractmethod
    def _learn(self, x: Floats) -> None:
        """Learn from training images (n, c, h, w)."""

    def _features(self, x: Floats) -> Iterator[list[Tensor]]:
        """Yield the features of each image: maps (1, channels, ...) float32, the finest first, and
        at the end the pooled ones (1, d).

        Images pass the network one by one, so that no number depends on other images. In a run each
        does so once, and its features are kept for other detectors and seeds (`detectors.spared`),
        but for the first one of each call, so that this takes the memory that it would.
        """
        net, known = self._network(), self._known_by()
        mean, scale = (
            torch.tensor(values)[:, None, None] for values in location_and_scale(self.backbone)
        )

        def features(image: Floats) -> list[Floats]:
            pixels = torch.tensor(image)[None].float() * (WHITE / self.white_)
            normalised = (pixels.expand(-1, 3, -1, -1) - mean) / scale
            with torch.inference_mode():
                found = net(normalised.contiguous(memory_format=torch.channels_last))
            return [each.contiguous().numpy() for each in found]

        for i, image in enumerate(x):
            key = partial(_key, known if i else "", self.white_, image)
            yield [torch.from_numpy(array) for array in once(key, partial(features, image))]

    def _pooled(self, x: Floats) -> Tensor:
        """Return the pooled features (n, d) float64 of images."""
        return torch.cat([features[-1] for features in self._features(x)]).double()

    def _known_by(self) -> str:
        """Return what the network's features are known by; "" if they are not to be kept.

        Random networks are not shared by seeds, a file without a digest may change, and after a
        change of the code it is not known which of it this process imported.
        """
        digest = digest_of_weights(self.backbone, self.weights) if self.pretrained else ""
        if not digest or _code() != CODE:
            return ""
        processor = torch.backends.cpu.get_cpu_capability()
        return f"{self.backbone} {digest} {CODE} {torch.__version__} {processor} {platform.node()}"

    def _network(self) -> nn.Module:
        """Return the network; detectors of one process share it."""
        key = (self.backbone, self.weights, None if self.pretrained else self.seed)
        if key not in _loaded:
            net = pretrained(self.backbone, self.weights) if self.pretrained else self._random()
            _loaded[key] = net
        return _loaded[key]

    def _random(self) -> nn.Module:
        """Return the network with random weights as in He et al., arXiv:1502.01852."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer_seed(self.seed, "weights"))
            net = network(self.backbone)
            for parameter in net.parameters():
                if parameter.ndim == 4:
                    nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        return net.eval().requires_grad_(False)


def _code() -> str:
    """Return the digest of the code of all networks."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()


CODE = _code()  # as it was imported


def _key(known: str, white: float, image: Floats) -> str:
    """Return the key of an image's features; "" if those of the network are not to be kept."""
    if not known:
        return ""
    hashed = hashlib.sha256(f"{known} {white} {image.dtype} {image.shape}".encode())
    hashed.update(np.ascontiguousarray(image).data)
    return hashed.hexdigest()


def on_grid(maps: list[Tensor], grid: int, mode: str = "bilinear") -> Tensor:
    """Return maps (1, channels, ...) joined on the grid of one of them: (all channels, h, w).

    A coarser map is interpolated, a finer one averaged over the cells of the grid.
    """
    sides = (maps[grid].shape[2], maps[grid].shape[3])
    parts = [
        functional.adaptive_avg_pool2d(each, sides)
        if i < grid
        else functional.interpolate(each, sides, mode=mode)
        for i, each in enumerate(maps)
    ]
    return torch.cat(parts, 1)[0]


def as_pixels(cells: Tensor, sides: tuple[int, ...]) -> Floats:
    """Return a map of cells (h, w) as a smooth map of pixels (1, *sides)."""
    from scipy.ndimage import gaussian_filter

    pixels = functional.interpolate(cells[None, None].double(), sides, mode="bilinear")[0]
    smooth: Floats = gaussian_filter(pixels.numpy(), (0, SMOOTHING, SMOOTHING))
    return smooth


def nearest_of(x: Tensor, memory: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the distances (rows, k) of x (rows, d) to its nearest of a memory, and their indices.

    They are found by a matrix product and computed from differences, which is exact also where they
    are small.
    """
    squares = memory.square().sum(1) - 2 * (x @ memory.T)
    if k == 1:  # many times as fast as topk
        found = squares.argmin(1, keepdim=True)
    else:
        found = squares.topk(min(k, len(memory)), dim=1, largest=False).indices
    distances = torch.stack([(x - memory[each]).norm(dim=1) for each in found.T], 1)
    return distances, found


def mean_distances(x: Tensor, memory: Tensor, k: int) -> Floats:
    """Return the mean distance of each of x (rows, d) to its k nearest of a memory.

    Rows are taken one by one, so that no number depends on other rows.
    """
    means = [nearest_of(row[None], memory, k)[0].mean(1) for row in x]
    return np.concatenate(means)
