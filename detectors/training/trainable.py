"""What the training loop needs from a model, so that it does not depend on `DeepDetector`."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.training.augmentation import Augmentation
from detectors.training.phases import Phase

Singles = NDArray[np.float32]


class Trainable(Protocol):
    """A model for the training loop; `DeepDetector`, which is one, describes its attributes."""

    trains_together: ClassVar[bool]

    seed: int
    device: str
    augment: Augmentation | None
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
