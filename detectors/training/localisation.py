"""Maps of deep detectors: errors of a reconstruction, and gradients of scores.

The gradient of a score with respect to a sample says which of its values would lower the score:
the direction towards normality. Zimmerer, Isensee, Petersen, Kohl and Maier-Hein, "Unsupervised
anomaly localization using variational auto-encoders", MICCAI 2019, arXiv:1907.02796.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats, Unsupported
from detectors.localisation import POOLINGS, Localizer
from detectors.training.base import DeepDetector, ReadOuts

LEAST_ROWS = 16  # per backward pass, which keeps the outputs of all layers
CHUNK = 2**18  # values of samples per backward pass

Net = TypeVar("Net", bound=nn.Module)


def gradient(score: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Return the derivatives (n, *shape) of the scores (n,) of rows (n, *shape)."""
    found: list[Tensor] = []
    for part in torch.split(rows, max(LEAST_ROWS, CHUNK // rows[0].numel())):
        with torch.enable_grad():
            x = part.clone().requires_grad_()
            found += torch.autograd.grad(score(x).sum(), x)
    return torch.cat(found)


@dataclass(kw_only=True)
class DeepLocalizer(DeepDetector[Net], Localizer):
    """Base of the deep methods that localize.

    A map is that of the table `maps`, else the absolute gradient of the score of the read-out. A
    model that encodes writes `_embed`, so that heads on its codes have maps too.
    """

    maps: ClassVar[ReadOuts] = {}

    def localize(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """As `Localizer.localize`; warns with `remark_`, if there is one."""
        maps = super().localize(x, readout)
        self._warn()
        return maps

    def _score(self, x: Floats, readout: str) -> Floats:
        if self.patch and (pooling := self.localizes.get(readout)):
            return POOLINGS[pooling](self._localize(x, readout).reshape(len(x), -1))
        return super()._score(x, readout)

    def _localize(self, x: Floats, readout: str) -> Floats:
        if read := self.maps.get(readout):
            return self._read(lambda rows: read(self, rows), x)
        score = cast("ReadOuts", self.readouts)[readout]
        return self._read(lambda rows: gradient(lambda one: score(self, one), rows).abs(), x)

    def _embed(self, rows: Tensor) -> Tensor:
        """Return the codes (n, k) of float64 rows (n, *shape), of a model that encodes."""
        raise NotImplementedError

    def _encode(self, x: Floats) -> Floats:
        return self._read(self._embed, x) if self.encodes else super()._encode(x)

    def pulled_back(self, x: ArrayLike, slopes: Floats) -> Floats:
        """Return the derivatives (n, *shape) of a function of codes with respect to samples.

        Args:
            x: samples (n, *shape).
            slopes: (n, k) derivatives of the function with respect to the codes.

        Raises:
            Unsupported: codes are means over patches.
        """
        rows = self._like_training(x)
        if self.patch:
            msg = f"codes of patch = {self.patch} are means over patches; leave it out for maps"
            raise Unsupported(msg)
        shape, n_values = rows.shape[1:], rows[0].size

        def along_slopes(both: Tensor) -> Tensor:
            codes = self._embed(both[:, :n_values].reshape(-1, *shape))
            return (codes.double() * both[:, n_values:].detach()).sum(1)

        both = np.hstack([rows.reshape(len(rows), -1), slopes])
        read = self._read(lambda part: gradient(along_slopes, part)[:, :n_values], both)
        return read.reshape(np.shape(x))
