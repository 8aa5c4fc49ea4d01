"""What training does: phases, one after the other, each with losses and the parts that lower them.

Most methods have one phase with one loss of the whole network. A method with a pretrained
encoder has two phases; an adversarial one has several losses in a phase, which take turns on
every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BatchLoss = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
"""net, x (n, *shape), weight (n,), noise (n, ...) -> the scalar loss of a batch.

Weights are one over the number of rows that count, and 0 for rows of padding.
"""


def mean_of(losses: Callable[[Any, Tensor, Tensor], Tensor]) -> BatchLoss:
    """Return the weighted mean of losses a row: net, x (n, *shape), noise (n, ...) -> (n,)."""

    def loss(net: Any, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        return (weight * losses(net, x, noise)).sum()

    return loss


def trimmed_mean_of(losses: Callable[[Any, Tensor, Tensor], Tensor]) -> BatchLoss:
    """Return the mean of losses a row, as `mean_of`, without the highest tenth (rounded up).

    To judge by, where a single held-out row can weigh more than all others.
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
    """A loss, and which parts of the network its steps move.

    Attributes:
        loss: of a batch.
        parts: names of the children of the network whose parameters move; empty for all. Other
            parameters are constants of the loss.
        name: of its curve among the detector's diagnostics.
        betas: decay of the running means of AdamW. Adversarial objectives take (0.5, 0.999),
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
    """A stretch of training with its own optimisers.

    Attributes:
        objectives: they step in this order on every batch.
        epochs: the most passes over the training rows.
        name: of its random streams and curves; empty for the main phase.
        judge: what is taken of held-out rows after each epoch, to keep the best weights and to
            stop; the loss of the first objective by default.
        selects: whether the best epoch is kept. Without it no row is held out, all epochs run and
            the last weights stay: for games, whose losses do not say how far they are.
    """

    objectives: tuple[Objective, ...]
    epochs: int
    name: str = ""
    judge: BatchLoss | None = None
    selects: bool = True

    @property
    def is_game(self) -> bool:
        """Whether objectives play against each other to the end: their losses do not fall."""
        return not self.selects and len(self.objectives) > 1

    def stream(self, name: str) -> str:
        """Return the name of this phase's own stream of that name."""
        return f"{name} of {self.name}" if self.name else name
