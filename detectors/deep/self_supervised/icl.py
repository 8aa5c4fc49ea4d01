"""Internal contrastive learning (ICL).

Shenkar and Wolf, "Anomaly detection for tabular data with internal contrastive learning", ICLR
2022, https://openreview.net/forum?id=_hszZbt46bT. Within a sample, a window of features and the
rest of them are a pair; two networks learn to distinguish matching pairs from crossed ones.

Layers, activations, normalisations and the loss at which training stops are those of the authors'
code. Batch normalisation has a scale and a shift for each window, by which a network knows the
position of a window; without them, it cannot tell equal contents apart. In training, mean and
variance are those of the batch; afterwards those of the training samples, where the authors' code
has running means. A representation is divided by its norm over the windows, unit by unit, and then
by its length, as in the authors' code; the paper does not mention the first. The networks are
narrower than the authors', batches smaller, features keep their order, and there is one model, not
an ensemble over permutations of the features.

Reference: [shenkar2022icl]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import Dense
from detectors.training.base import DeepDetector
from detectors.training.phases import Objective, Phase, mean_of

LEAST_NORM = 1e-6  # of a representation
SLOPE = 0.2  # of the leaky ReLU
EPSILON = 1e-5  # added to a variance before division
STATISTICS_ROWS = 1024  # per batch for the statistics
SMALL, LARGE, LONGEST_REST = 40, 160, 150  # features, of the paper's rule for the window


def window_size(d: int) -> int:
    """Return k, the window of d >= 2 features: 2 up to 40, 10 up to 160, d - 150 above.

    The paper's rule; with two features, one is left for the rest.
    """
    if d > LARGE:
        return d - LONGEST_REST
    return 10 if d > SMALL else min(2, d - 1)


class WindowNorm(nn.Module):
    """Batch normalisation of each of m windows, with a learned scale and shift."""

    mean: Tensor
    variance: Tensor

    def __init__(self, m: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(m, 1))
        self.shift = nn.Parameter(torch.zeros(m, 1))
        self.register_buffer("mean", torch.zeros(m, 1))
        self.register_buffer("variance", torch.ones(m, 1))

    def forward(self, h: Tensor, weight: Tensor | None) -> Tensor:
        """Return h (n, m, u) normalised over batch and units, with the weights (n,) of the rows.

        Without weights, mean and variance are the buffers.
        """
        mean, variance = self.mean, self.variance
        if weight is not None:
            mean, variance = self.moments(h, weight)
        return (h - mean) / (variance + EPSILON).sqrt() * self.scale + self.shift

    def moments(self, h: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means and variances of the windows, (m, 1) each."""
        shares = weight[:, None, None] / h.shape[-1]
        mean = (shares * h).sum((0, 2))[:, None]
        return mean, (shares * (h - mean).square()).sum((0, 2))[:, None]


class Encoder(nn.Module):
    """Three dense layers; the first ones are followed by batch normalisation."""

    def __init__(self, sizes: Sequence[int], m: int, n_norms: int, first: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Dense(n_in, n_out) for n_in, n_out in pairwise(sizes)])
        self.norms = nn.ModuleList([WindowNorm(m) for _ in range(n_norms)])
        self.activations = [first, nn.LeakyReLU(SLOPE), nn.LeakyReLU(SLOPE)]

    def forward(self, x: Tensor, weight: Tensor | None) -> Tensor:
        """Return (n, m, u) of x (n, m, sizes[0]), with length 1 in the last dimension."""
        for i, layer in enumerate(self.layers):
            x = self.activations[i](layer(x))
            if i < len(self.norms):
                x = self.norms[i](x, weight)
        return unit(unit(x, 1), 2)


class ICLNet(nn.Module):
    """G of windows (k features) and F of the rest (d - k); representations have unit length."""

    def __init__(self, d: int, k: int, width: int) -> None:
        super().__init__()
        self.d, self.k, m = d, k, d - k + 1
        self.rest = Encoder([d - k, width, 2 * width, width], m, 2, nn.Tanh())
        self.window = Encoder([k, width // 4, width // 2, width], m, 1, nn.LeakyReLU(SLOPE))

    def forward(self, x: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return F(b_j) and G(a_j), both (n, m, u), of samples x (n, d) and windows j.

        With the weights (n,) of a batch, its own statistics normalise it.
        """
        start = torch.arange(self.d - self.k + 1, device=x.device)[:, None]
        place = torch.arange(self.d - self.k, device=x.device)
        rest = x[:, place + self.k * (place >= start)]
        window = x[:, start + torch.arange(self.k, device=x.device)]
        return self.rest(rest, weight), self.window(window, weight)


def unit(v: Tensor, dim: int) -> Tensor:
    """Return vectors along a dimension of v scaled to length 1."""
    return v / v.square().sum(dim, keepdim=True).clamp(min=LEAST_NORM**2).sqrt()


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
        enough: mean loss of an epoch at which training stops, as in the authors' code for up to 40
            features; they take 0.01 above.
        epochs: most passes over the training samples; a quarter of those of other methods, as each
            pass shows d - k + 1 pairs of every sample.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    window: Annotated[int, Ge(1)] | None = None
    width: Annotated[int, Ge(4)] = 64
    temperature: Annotated[float, Gt(0)] = 0.1
    enough: Annotated[float, Ge(0)] = 1e-3
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

    def _phases(self) -> tuple[Phase, ...]:
        objective = Objective(self._loss)
        return (Phase((objective,), self.epochs, judge=mean_of(self._judged), enough=self.enough),)

    def _loss(self, net: ICLNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        rest, window = net(x, weight)
        return (weight * contrastive_losses(rest, window, self.temperature)).sum()

    def _judged(self, net: ICLNet, x: Tensor, noise: Tensor) -> Tensor:
        rest, window = net(x)
        return contrastive_losses(rest, window, self.temperature)

    def _renew(self, net: ICLNet, x: Tensor, phase: Phase, epoch: int) -> None:
        taken: dict[WindowNorm, list[Tensor]] = defaultdict(list)

        def note(layer: WindowNorm, inputs: tuple[Tensor, Tensor]) -> None:
            taken[layer].append(torch.stack(layer.moments(*inputs)))

        norms = [each for each in net.modules() if isinstance(each, WindowNorm)]
        hooks = [each.register_forward_pre_hook(note) for each in norms]
        for rows in torch.tensor_split(x, -(-len(x) // STATISTICS_ROWS)):
            net(rows, torch.full((len(rows),), 1 / len(rows), device=x.device))
        for hook in hooks:
            hook.remove()
        for layer, batches in taken.items():
            layer.mean, layer.variance = torch.stack(batches).mean(0)

    def _score(self, x: Floats, readout: str) -> Floats:
        def read(rows: Tensor) -> Tensor:
            rest, window = (each.double() for each in self.net_(rows.float()))
            return contrastive_losses(rest, window, self.temperature)

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_(rows.float())[0].mean(1), x)
