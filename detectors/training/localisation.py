"""Maps of deep detectors: errors of a reconstruction, and gradients of scores.

The gradient of a score with respect to a sample says which of its values would lower the score:
the direction towards normality. Zimmerer, Isensee, Petersen, Kohl and Maier-Hein, "Unsupervised
anomaly localization using variational auto-encoders", MICCAI 2019, arXiv:1907.02796.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar, cast

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.localisation import Localizer
from detectors.training.base import DeepDetector, ReadOuts

GRADIENT_ROWS = 16  # per backward pass, whose memory is that of all layers

Net = TypeVar("Net", bound=nn.Module)


def slope(score: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Return the absolute derivatives (n, *shape) of the scores (n,) of rows (n, *shape)."""
    slopes = []
    for part in torch.split(rows, GRADIENT_ROWS):
        with torch.enable_grad():
            x = part.clone().requires_grad_()
            (derivatives,) = torch.autograd.grad(score(x).sum(), x)
        slopes.append(derivatives.abs())
    return torch.cat(slopes)


@dataclass(kw_only=True)
class DeepLocalizer(DeepDetector[Net], Localizer):
    """Base of the deep methods that localize.

    A map is that of the table `maps`, else the `slope` of the score of the read-out.
    """

    maps: ClassVar[ReadOuts] = {}

    def localize(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """As `Localizer.localize`; warns with `remark_`, if there is one."""
        maps = super().localize(x, readout)
        self._warn()
        return maps

    def _localize(self, x: Floats, readout: str) -> Floats:
        if read := self.maps.get(readout):
            return self._read(lambda rows: read(self, rows), x)
        score = cast("ReadOuts", self.readouts)[readout]
        return self._read(lambda rows: slope(lambda one: score(self, one), rows), x)
