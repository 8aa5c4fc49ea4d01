"""Detectors that record what they do: files beside them grow with every fit.

Used as `tests/helpers/counting.py:Counting`; $FATHOM_TEST_COUNT names the file that grows.
"""

import os
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import Detector, Localizer


@dataclass(kw_only=True)
class Counting(Detector):
    """Distances to the mean, as two read-outs and as codes.

    Attributes:
        seconds: how long `fit` takes at least.
    """

    readouts: ClassVar[tuple[str, ...]] = ("sum", "largest")
    encodes: ClassVar[bool] = True

    seconds: float = 0.0

    def _fit(self, x):
        self.mean_ = x.mean(axis=0)
        time.sleep(self.seconds)
        with open(os.environ["FATHOM_TEST_COUNT"], "a") as file:
            file.write(f"{self.seed}\n")

    def _score(self, x, readout):
        distances = np.abs(x - self.mean_)
        return distances.sum(axis=1) if readout == "sum" else distances.max(axis=1)

    def _encode(self, x):
        return x - self.mean_


@dataclass(kw_only=True)
class Backwards(Detector):
    """Gives near samples the larger scores, which the contract forbids.

    Attributes:
        length: any number of at least one.
    """

    length: float = 1.0

    def _fit(self, x):
        self.mean_ = x.mean(axis=0)

    def _score(self, x, readout):
        return -np.abs(x - self.mean_).sum(axis=1)


@dataclass(kw_only=True)
class Relative(Backwards, Localizer):
    """Its maps depend on the samples beside."""

    localizes: ClassVar[dict[str, str]] = {"": ""}

    def _localize(self, x, readout):
        return (x - np.mean(x, axis=0)) ** 2


@dataclass(kw_only=True)
class Unordered(Backwards, Localizer):
    """Its maps do not pool to its score, although it says so."""

    localizes: ClassVar[dict[str, str]] = {"": "mean"}

    def _localize(self, x, readout):
        return np.abs(x - self.mean_)


@dataclass(kw_only=True)
class Raising(Detector):
    """Raises when it scores."""

    def _fit(self, x):
        pass

    def _score(self, x, readout):
        msg = f"no score for {len(x)} samples"
        raise ValueError(msg)
