"""A detector whose fit takes a known time and no processor: what a cluster adds can be seen."""

import time
from dataclasses import dataclass

import numpy as np

from detectors import Detector


@dataclass(kw_only=True)
class Waiting(Detector):
    """Distances to the mean.

    Attributes:
        seconds: how long `fit` waits.
    """

    seconds: float = 0.25

    def _fit(self, x):
        time.sleep(self.seconds)
        self.mean_ = x.mean(axis=0)

    def _score(self, x, readout):
        return np.linalg.norm(x - self.mean_, axis=1)
