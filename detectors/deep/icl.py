"""Internal contrastive learning (ICL).

Shenkar and Wolf, "Anomaly detection for tabular data with internal contrastive learning", ICLR
2022, https://openreview.net/forum?id=_hszZbt46bT. Within a sample, a window of features and the
rest of them are a pair; two networks learn to distinguish matching pairs from crossed ones.

There is no batch normalisation, which would make the samples of a batch depend on each other. The
networks are narrower than the authors', and features keep their order.

Reference: [shenkar2022icl]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import mlp
from detectors.training.base import DeepDetector

LEAST_NORM = 1e-6  # of a representation
SMALL, LARGE, LONGEST_REST = 40, 160, 150  # features, of the paper's rule for the window


def window_size(d: int) -> int:
    """Return k, the window of d >= 2 features: 2 up to 40, 10 up to 160, d - 150 above.

    The paper's rule; with two features, one is left for the rest.
    """
    if d > LARGE:
        return d - LONGEST_REST
    return 10 if d > SMALL else min(2, d - 1)


class ICLNet(nn.Module):
    """G of windows (k features) and F of the rest (d - k); representations have unit length."""

    def __init__(self, d: int, k: int, width: int) -> None:
        super().__init__()
        self.d, self.k = d, k
        self.rest = mlp([d - k, width, 2 * width, width])
        self.window = mlp([k, width // 4, width // 2, width])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return F(b_j) and G(a_j), both (n, m, u), of samples x (n, d) and windows j."""
        start = torch.arange(self.d - self.k + 1, device=x.device)[:, None]
        place = torch.arange(self.d - self.k, device=x.device)
        rest = x[:, place + self.k * (place >= start)]
        window = x[:, start + torch.arange(self.k, device=x.device)]
        return unit(self.rest(rest)), unit(self.window(window))


def unit(v: Tensor) -> Tensor:
    """Return vectors (..., u) scaled to length 1."""
    return v / v.square().sum(-1, keepdim=True).clamp(min=LEAST_NORM**2).sqrt()


def contrastive_losses(rest: Tensor, window: Tensor, temperature: float) -> Tensor:
    """Return the (n,) means over j of the loss of pair j, of (n, m, u) each.

    The loss is -log of exp(<F(b_j), G(a_j)> / tau) over its sum with G(a_i), i = 1 ... m.
    """
    logits = rest @ window.mT / temperature
    return -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1).mean(-1)


@dataclass(kw_only=True)
class ICL(DeepDetector[ICLNet]):
    """Mean contrastive loss of a sample: how badly its windows match its other features.

    Codes are the representations F(b_j), as their mean over the windows j.

    Attributes:
        window: features k of a window; by default the paper's rule (`window_size`).
        width: size u of the representations. Hidden layers are u and 2 u wide for the rest of a
            sample, and u / 4 and u / 2 for the window, as in the authors' code, where u is 200.
            64 is faster; the time also grows with the number of windows.
        temperature: tau, as in the authors' code.
        epochs: most passes over the training samples; a quarter of those of other methods, as each
            pass shows d - k + 1 pairs of every sample.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    window: Annotated[int, Ge(1)] | None = None
    width: Annotated[int, Ge(4)] = 64
    temperature: Annotated[float, Gt(0)] = 0.1
    epochs: Annotated[int, Ge(0)] = 50

    def _network(self, shape: tuple[int, ...]) -> ICLNet:
        (d,) = shape
        if d < 2:
            msg = "icl needs 2 or more features, as it takes a window out of a sample; there is 1"
            raise Unsupported(msg)
        k = self.window or window_size(d)
        if k >= d:
            msg = f"window = {k} leaves nothing of {d} features; choose one below {d}"
            raise Unsupported(msg)
        return ICLNet(d, k, self.width)

    def _losses(self, net: ICLNet, x: Tensor, noise: Tensor) -> Tensor:
        rest, window = net(x)
        return contrastive_losses(rest, window, self.temperature)

    def _score(self, x: Floats, readout: str) -> Floats:
        def read(rows: Tensor) -> Tensor:
            rest, window = (each.double() for each in self.net_(rows.float()))
            return contrastive_losses(rest, window, self.temperature)

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_(rows.float())[0].mean(1), x)
