"""What the training loop needs of a model, and no more: so that the loop knows no detector."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.training.phases import Phase

Singles = NDArray[np.float32]


class Trainable(Protocol):
    """A model to be trained, as `DeepDetector` is one; its attributes are described there."""

    trains_together: ClassVar[bool]

    seed: int
    device: str
    max_steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    validation_share: float
    patience: int
    max_gradient_norm: float

    def stream(self, name: str) -> np.random.Generator:
        """Return the random stream of that name under the seed, from its start."""

    def _network(self, shape: tuple[int, ...]) -> nn.Module: ...

    def _phases(self) -> tuple[Phase, ...]: ...

    def _noise(self, net: Any, draws: np.random.Generator, n: int) -> Singles: ...

    def _renew(self, net: Any, x: Tensor, phase: Phase, epoch: int) -> None: ...
