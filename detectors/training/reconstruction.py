"""The bases of autoencoders: errors of a reconstruction as scores and as maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar, cast

import numpy as np
from annotated_types import Ge
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.training.base import ReadOuts
from detectors.training.localisation import DeepLocalizer

Net = TypeVar("Net", bound=nn.Module)


@dataclass(kw_only=True)
class Reconstruction(DeepLocalizer[Net]):
    """Base of the methods that reconstruct samples from a code.

    The network maps samples (n, *shape) to their reconstructions; its part `encoder` returns codes
    (n, k). A method with other errors than squared ones overrides `_errors`.
    """

    encodes: ClassVar[bool] = True

    def reconstruct(self, x: ArrayLike) -> Floats:
        """Return the reconstructions (n, *shape) of samples (n, *shape)."""
        restored = self._read(lambda rows: self.net_(rows.float()), self._like_training(x))
        return restored.reshape(np.shape(x))

    def _errors(self, rows: Tensor) -> Tensor:
        """Return the squared errors (n, *shape) of float64 rows (n, *shape)."""
        restored = cast("Tensor", self.net_(rows.float()))
        return (restored - rows).square()

    def _mean_error(self, rows: Tensor) -> Tensor:
        """Mean over the features of their squared errors."""
        return self._errors(rows).flatten(1).mean(-1)

    def _largest_error(self, rows: Tensor) -> Tensor:
        """The largest squared error of a feature, for anomalies in single features."""
        return self._errors(rows).flatten(1).amax(-1)

    readouts: ClassVar[ReadOuts] = {"reconstruction": _mean_error, "largest-error": _largest_error}
    localizes: ClassVar[Mapping[str, str]] = {"reconstruction": "mean", "largest-error": "max"}
    maps: ClassVar[ReadOuts] = {
        "reconstruction": lambda self, rows: self._errors(rows),
        "largest-error": lambda self, rows: self._errors(rows),
    }

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: cast("nn.Module", self.net_.encoder)(rows.float()), x)


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
