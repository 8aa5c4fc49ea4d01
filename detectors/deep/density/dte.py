"""Diffusion time estimation, categorical (DTE-C).

Livernoche, Jain, Hezaveh and Ravanbakhsh, "On diffusion modeling for anomaly detection", ICLR
2024, arXiv:2305.18593. A network predicts the diffusion time of noised training samples; a sample
without added noise that looks noised is anomalous.

As in the paper's experiments, noise is added without shrinking the sample, x_t = x + sigma_t
epsilon; dropout follows all hidden layers but the first, and the squared weights are penalised. The
cross-entropy takes the logits; the authors' code applies a softmax first. Hidden layers have a
leaky ReLU. The held-out loss that selects an epoch leaves out the highest tenth of the samples, as
a few distant ones can outweigh all others; the authors' code selects none.

Reference: [livernoche2024dte]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks.dense import mlp
from detectors.training.base import DeepDetector
from detectors.training.phases import Objective, Phase, mean_of, trimmed_mean_of
from detectors.training.trainable import Singles

FIRST_BETA, LAST_BETA = 1e-4, 1e-2  # of the linear schedule


DRAWN_BITS = 24  # per random number: the integers that single precision holds exactly


def kept_units(words: Tensor, units: int) -> Tensor:
    """Return (n, units) of 0 and 2, the dropout of half the units, by the bits of words (n, w)."""
    bits = words[:, :, None].div(2.0 ** torch.arange(DRAWN_BITS, device=words.device)).floor() % 2
    return 2 * bits.flatten(1)[:, :units]


def noise_scales(n_times: int) -> Floats:
    """Return sigma_t (n_times,): sigma_t^2 = 1 - product over s <= t of (1 - beta_s)."""
    betas = np.linspace(FIRST_BETA, LAST_BETA, n_times)
    scales: Floats = np.sqrt(1 - np.cumprod(1 - betas))
    return scales


def surprise(logits: Tensor, of_time: Tensor) -> Tensor:
    """Return -log of the share that logits (n, bins) give to the bins (n,)."""
    return -logits.log_softmax(-1).gather(1, of_time[:, None].long())[:, 0]


@dataclass(kw_only=True)
class DTECategorical(DeepDetector[nn.Sequential]):
    """Expected bin of the diffusion time that the network predicts for a sample.

    Codes are the network's last hidden layer.

    Attributes:
        n_times: length T of the diffusion.
        n_bins: number of equal intervals of time that the network distinguishes.
        hidden: widths of the hidden layers, as in the paper.
        penalty: weight of half the squared weights, as in the authors' code.
        batch_size: samples per step, as in the paper.
        learning_rate: of AdamW. At 0.003 the loss of layers as wide as these rises before it
            falls; 0.0003 reaches no lower loss, and the paper's 0.0001 for 400 epochs a higher one.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    n_times: Annotated[int, Ge(2)] = 400
    n_bins: Annotated[int, Ge(2)] = 7
    hidden: tuple[Annotated[int, Ge(1)], ...] = (256, 512, 256)
    penalty: Annotated[float, Ge(0)] = 5e-4
    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _network(self, shape: tuple[int, ...]) -> nn.Sequential:
        return mlp([math.prod(shape), *self.hidden, self.n_bins])

    def _phases(self) -> tuple[Phase, ...]:
        objective = Objective(mean_of(self._losses))
        return (Phase((objective,), self.epochs, judge=trimmed_mean_of(self._judged)),)

    def _noise(self, net: nn.Sequential, draws: np.random.Generator, n: int) -> Singles:
        """Return (n, d + 1 + w): sigma_t epsilon, the bin of t, and the bits of the dropout."""
        d = next(net.parameters()).shape[0]
        times = draws.integers(self.n_times, size=n)
        steps = noise_scales(self.n_times)[times, None] * draws.standard_normal((n, d))
        bins = times * self.n_bins // self.n_times
        words = draws.integers(2**DRAWN_BITS, size=(n, -(-sum(self.hidden[1:]) // DRAWN_BITS)))
        return np.hstack([steps, bins[:, None], words]).astype(np.float32)

    def _losses(self, net: nn.Sequential, x: Tensor, noise: Tensor) -> Tensor:
        d = x.shape[1]
        kept = kept_units(noise[:, d + 1 :], sum(self.hidden[1:]))
        h = net[:2](x + noise[:, :d])
        for i, mask in enumerate(torch.split(kept, list(self.hidden[1:]), dim=1), start=1):
            h = net[2 * i : 2 * i + 2](h) * mask
        weights = torch.stack([each.square().sum() for each in net.parameters()]).sum()
        return surprise(net[-1](h), noise[:, d]) + 0.5 * self.penalty * weights

    def _judged(self, net: nn.Sequential, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses without dropout and penalty."""
        d = x.shape[1]
        return surprise(net(x + noise[:, :d]), noise[:, d])

    def _score(self, x: Floats, readout: str) -> Floats:
        bins = torch.arange(self.n_bins, dtype=torch.float64)

        def read(rows: Tensor) -> Tensor:
            logits: Tensor = self.net_(rows.float()).double()
            return (logits.softmax(-1) * bins).sum(-1)

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        hidden = self.net_[:-1]
        return self._read(lambda rows: hidden(rows.float()), x)
