"""A normalising flow as a density: the masked autoregressive flow of zuko.

Papamakarios, Pavlakou and Murray, "Masked autoregressive flow for density estimation", NeurIPS
2017, arXiv:1705.07057. zuko: Rozet et al., doi:10.5281/zenodo.7625672.

Reference: [papamakarios2017maf], [rozet2022zuko]
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import zuko
from annotated_types import Ge
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.autoregressive import make_rowwise
from detectors.networks.dense import hidden_sizes
from detectors.training.base import DeepDetector


@dataclass(kw_only=True)
class Flow(DeepDetector[zuko.flows.MAF]):
    """Negative log-likelihood of a sample, in nats, under an invertible map to a normal.

    Scores are computed in double precision. Codes are the normal variates, one per feature.

    Attributes:
        n_transforms: number of autoregressive transformations, in alternating orders of the
            features; 3 is zuko's default.
        hidden: widths of the hidden layers of each transformation; by default chosen from the
            number of features (`hidden_sizes`).
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    n_transforms: Annotated[int, Ge(1)] = 3
    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None

    def _network(self, shape: tuple[int, ...]) -> zuko.flows.MAF:
        (d,) = shape
        hidden = hidden_sizes(d) if self.hidden is None else self.hidden
        flow = zuko.flows.MAF(
            d, transforms=self.n_transforms, hidden_features=hidden, activation=nn.LeakyReLU
        )
        make_rowwise(flow)
        return flow

    def _losses(self, net: zuko.flows.MAF, x: Tensor, noise: Tensor) -> Tensor:
        log_density: Tensor = net().log_prob(x)
        return -log_density

    def _score(self, x: Floats, readout: str) -> Floats:
        density = self._in_double()
        return self._read(lambda rows: -density().log_prob(rows), x)

    def _encode(self, x: Floats) -> Floats:
        density = self._in_double()
        return self._read(lambda rows: density().transform(rows), x)

    def _in_double(self) -> zuko.flows.MAF:
        return copy.deepcopy(self.net_).double()
