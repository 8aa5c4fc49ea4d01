"""Diffusion time estimation, categorical (DTE-C).

Livernoche, Jain, Hezaveh and Ravanbakhsh, "On diffusion modeling for anomaly detection", ICLR
2024, arXiv:2305.18593. A network predicts the diffusion time of noised training samples; a sample
without added noise that looks noised is anomalous.

As in the paper's experiments, noise is added without shrinking the sample, x_t = x + sigma_t
epsilon. The cross-entropy takes the logits; the authors' code applies a softmax first.

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
from detectors.training.trainable import Singles

FIRST_BETA, LAST_BETA = 1e-4, 1e-2  # of the linear schedule


def noise_scales(n_times: int) -> Floats:
    """Return sigma_t (n_times,): sigma_t^2 = 1 - product over s <= t of (1 - beta_s)."""
    betas = np.linspace(FIRST_BETA, LAST_BETA, n_times)
    scales: Floats = np.sqrt(1 - np.cumprod(1 - betas))
    return scales


@dataclass(kw_only=True)
class DTECategorical(DeepDetector[nn.Sequential]):
    """Expected bin of the diffusion time that the network predicts for a sample.

    Codes are the network's last hidden layer.

    Attributes:
        n_times: length T of the diffusion.
        n_bins: number of equal intervals of time that the network distinguishes.
        hidden: widths of the hidden layers, as in the paper.
        batch_size: samples per step, as in the paper.
        learning_rate: of AdamW. At 0.003 the loss of layers as wide as these rises before it
            falls; 0.0003 reaches no lower loss. The paper takes 0.0001 for 400 epochs.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    n_times: Annotated[int, Ge(2)] = 400
    n_bins: Annotated[int, Ge(2)] = 7
    hidden: tuple[Annotated[int, Ge(1)], ...] = (256, 512, 256)
    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _network(self, shape: tuple[int, ...]) -> nn.Sequential:
        return mlp([math.prod(shape), *self.hidden, self.n_bins])

    def _noise(self, net: nn.Sequential, draws: np.random.Generator, n: int) -> Singles:
        """Return (n, d + 1): sigma_t epsilon, and the bin of t."""
        d = next(net.parameters()).shape[0]
        times = draws.integers(self.n_times, size=n)
        steps = noise_scales(self.n_times)[times, None] * draws.standard_normal((n, d))
        bins = times * self.n_bins // self.n_times
        return np.hstack([steps, bins[:, None]]).astype(np.float32)

    def _losses(self, net: nn.Sequential, x: Tensor, noise: Tensor) -> Tensor:
        step, of_time = noise[:, :-1], noise[:, -1:].long()
        logits: Tensor = net(x + step)
        return -logits.log_softmax(-1).gather(1, of_time)[:, 0]

    def _score(self, x: Floats, readout: str) -> Floats:
        bins = torch.arange(self.n_bins, dtype=torch.float64)

        def read(rows: Tensor) -> Tensor:
            logits: Tensor = self.net_(rows.float()).double()
            return (logits.softmax(-1) * bins).sum(-1)

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        hidden = self.net_[:-1]
        return self._read(lambda rows: hidden(rows.float()), x)
