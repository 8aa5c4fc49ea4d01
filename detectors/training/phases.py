"""The phases of training, each with its losses and the parts of the network that they update.

Most methods have one phase with one loss of the whole network. A method with a pretrained
encoder has two phases; an adversarial one has several losses in a phase, which take turns on
every batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BatchLoss = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
"""net, x (n, *shape), weight (n,), noise (n, ...) -> the scalar loss of a batch.

The weight of a row is one over the number of rows, and 0 for padding.
"""


def mean_of(losses: Callable[[Any, Tensor, Tensor], Tensor]) -> BatchLoss:
    """Return the weighted mean of losses per row: net, x (n, *shape), noise (n, ...) -> (n,)."""

    def loss(net: Any, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        return (weight * losses(net, x, noise)).sum()

    return loss


def trimmed_mean_of(losses: Callable[[Any, Tensor, Tensor], Tensor]) -> BatchLoss:
    """Return the mean of losses per row, as `mean_of`, without the highest tenth (rounded up).

    For validation, where a single held-out row can outweigh all others.
    """

    def loss(net: Any, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        counts = weight > 0
        ordered = torch.where(counts, losses(net, x, noise), torch.inf).sort().values
        n = counts.sum()
        n_kept = (n - (n + 9) // 10).clamp(min=1)
        kept = torch.arange(len(weight), device=weight.device) < n_kept
        return torch.where(kept, ordered, 0.0).sum() / n_kept

    return loss


@dataclass(frozen=True)
class Objective:
    """A loss, and the parts of the network that its steps update.

    Attributes:
        loss: loss of a batch.
        parts: names of the children of the network whose parameters are updated; empty for all.
            Other parameters are constants of the loss.
        name: name of its curve in the detector's diagnostics.
        betas: decay rates of the running means of AdamW. Adversarial objectives use (0.5, 0.999),
            after Radford et al., arXiv:1511.06434.
        pace: factor on the detector's learning rate.
    """

    loss: BatchLoss
    parts: tuple[str, ...] = ()
    name: str = "loss"
    betas: tuple[float, float] = (0.9, 0.999)
    pace: float = 1.0


@dataclass(frozen=True)
class Phase:
    """A part of training with its own optimisers.

    Attributes:
        objectives: they step in this order on every batch.
        epochs: the most passes over the training rows.
        name: suffix of its random streams and curves; empty for the main phase.
        judge: validation loss of held-out rows after each epoch, which selects the best weights
            and stops training; the loss of the first objective by default.
        selects: whether the best epoch is kept. If not, no row is held out, all epochs run and the
            last weights are kept: for games, whose losses do not measure progress.
        enough: mean training loss of an epoch, by the first objective, below which training stops.
    """

    objectives: tuple[Objective, ...]
    epochs: int
    name: str = ""
    judge: BatchLoss | None = None
    selects: bool = True
    enough: float = -math.inf

    @property
    def is_game(self) -> bool:
        """Whether objectives compete until the end, so that their losses need not fall."""
        return not self.selects and len(self.objectives) > 1

    def stream(self, name: str) -> str:
        """Return the name of the stream or curve in this phase."""
        return f"{name} of {self.name}" if self.name else name
