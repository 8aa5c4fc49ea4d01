"""The bases of autoencoders: errors of a reconstruction as scores and as maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeVar, cast

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.networks.structure import WINDOW, check_windows, over_scales, similarity
from detectors.training.base import ReadOuts
from detectors.training.localisation import DeepLocalizer
from detectors.training.replica import Replica

Net = TypeVar("Net", bound=nn.Module)
Residual = Literal["squared", "absolute", "structural", "multi-scale"]


@dataclass(kw_only=True)
class Reconstruction(DeepLocalizer[Net]):
    """Base of the methods that reconstruct samples from a code.

    The network maps samples (n, *shape) to their reconstructions; its part `encoder` returns codes
    (n, k).

    Attributes:
        residual: how the read-outs and maps of a reconstruction measure the error of a feature;
            training is the same. `squared` and `absolute` differences; for images also
            `structural`, 1 - the structural similarity in a window of 11 x 11 pixels (Bergmann et
            al., VISAPP 2019, arXiv:1807.02011), and `multi-scale`, its mean over the image and two
            halvings of its sides.
    """

    encodes: ClassVar[bool] = True

    residual: Residual = "squared"

    def _suited(self, samples: Floats) -> Floats:
        suited = super()._suited(samples)
        if self.residual in ("structural", "multi-scale"):
            check_windows(suited, WINDOW, self.patch)
        return suited

    def _learn(self, replica: Replica) -> None:
        self.extent_ = float(np.ptp(replica.x.numpy())) or 1.0
        super()._learn(replica)

    def reconstruct(self, x: ArrayLike) -> Floats:
        """Return the reconstructions (n, *shape) of samples (n, *shape)."""
        restored = self._read(lambda rows: self.net_(rows.float()), self._like_training(x))
        return restored.reshape(np.shape(x))

    def _errors(self, rows: Tensor) -> Tensor:
        """Return the errors (n, *shape) of float64 rows (n, *shape), as `residual` says."""
        return self._residuals(rows, cast("Tensor", self.net_(rows.float())))

    def _residuals(self, rows: Tensor, restored: Tensor) -> Tensor:
        match self.residual:
            case "squared":
                return (restored - rows).square()
            case "absolute":
                return (restored - rows).abs()
            case "structural":
                return 1 - similarity(rows, restored.double(), *self._windows())
            case "multi-scale":
                return over_scales(rows, restored.double(), *self._windows())

    def _windows(self) -> tuple[int, Tensor]:
        """Return the side of a window, and the range of the training pixels."""
        return WINDOW, torch.tensor(self.extent_)

    def _mean_error(self, rows: Tensor) -> Tensor:
        """Mean over the features of their errors, squared ones by default."""
        return self._errors(rows).flatten(1).mean(-1)

    def _largest_error(self, rows: Tensor) -> Tensor:
        """The largest error of a feature, for anomalies in single features."""
        return self._errors(rows).flatten(1).amax(-1)

    readouts: ClassVar[ReadOuts] = {"reconstruction": _mean_error, "largest-error": _largest_error}
    localizes: ClassVar[Mapping[str, str]] = {"reconstruction": "mean", "largest-error": "max"}
    maps: ClassVar[ReadOuts] = {
        "reconstruction": lambda self, rows: self._errors(rows),
        "largest-error": lambda self, rows: self._errors(rows),
    }

    def _embed(self, rows: Tensor) -> Tensor:
        return cast("Tensor", cast("nn.Module", self.net_.encoder)(rows.float()))


@dataclass(kw_only=True)
class CodeReconstruction(Reconstruction[AutoencoderNet]):
    """Base of the methods with an `AutoencoderNet`; by default it minimises the squared error.

    Attributes:
        hidden: widths of the encoder's dense hidden layers, mirrored in the decoder; by default
            two for vectors, chosen from the number of features (`hidden_sizes`), and none after
            the convolutions of images. An empty list gives a linear autoencoder for vectors. For
            a single non-linear hidden layer, use `sae` with an empty `hidden`, a `latent_dim`, and
            `penalty_weight` and `weight_decay` of 0.
        latent_dim: size of the code; by default 1 + sqrt(d) for d features (`code_size`).
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None

    def _network(self, shape: tuple[int, ...]) -> AutoencoderNet:
        return AutoencoderNet(shape, self.hidden, self.latent_dim)

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return squared_error(x, net(x))
