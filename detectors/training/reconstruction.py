"""What autoencoders share: the errors of a reconstruction as scores, whole and by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.training.base import DeepDetector

Net = TypeVar("Net", bound=nn.Module)


@dataclass(kw_only=True)
class Reconstruction(DeepDetector[Net]):
    """Base of the methods that restore samples through a code.

    The network maps samples (n, *shape) to their reconstructions; its part `encoder` gives codes
    (n, k). A method that reads its errors otherwise overrides `_errors`.

    Read-outs:

    - `reconstruction`: mean over the features of their squared errors.
    - `largest-error`: the largest squared error of a feature, for anomalies that sit in one.
    """

    readouts: ClassVar[tuple[str, ...]] = ("reconstruction", "largest-error")
    encodes: ClassVar[bool] = True

    def feature_errors(self, x: ArrayLike) -> Floats:
        """Return the errors (n, *shape) by feature, or by pixel, of samples (n, *shape).

        Squared ones, in squared units of the input, where a method says nothing else; their mean
        over the features is the score.

        Raises:
            Unsupported: x is not finite or has another shape than the training samples.
            ValueError: `fit` has not been called.
        """
        errors = self._read(self._errors, self._like_training(x))
        self._warn()
        return errors.reshape(np.shape(x))

    def _errors(self, rows: Tensor) -> Tensor:
        """Return the squared errors (n, *shape) of float64 rows (n, *shape)."""
        restored = cast("Tensor", self.net_(rows.float()))
        return (restored - rows).square()

    def _score(self, x: Floats, readout: str) -> Floats:
        if readout == "largest-error":
            return self._read(lambda rows: self._errors(rows).flatten(1).amax(-1), x)
        return self._read(lambda rows: self._errors(rows).flatten(1).mean(-1), x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: cast("nn.Module", self.net_.encoder)(rows.float()), x)
