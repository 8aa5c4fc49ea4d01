"""Detectors whose scores depend on the company of a row, and some that only seem to.

Used as `tests/helpers/companions.py:CLASS`.
"""

import os
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.contract import Detector


@dataclass(kw_only=True)
class Distances(Detector):
    """The distance to the origin, in an honest way."""

    def _fit(self, x):
        pass

    def _score(self, x, readout):
        return np.linalg.norm(x, axis=1)


class Centred(Distances):
    """Subtracts the mean of the rows that are scored together."""

    def _score(self, x, readout):
        return np.linalg.norm(x - x.mean(axis=0), axis=1)


class Declared(Centred):
    """The same, and says so."""

    transductive: ClassVar[bool] = True


class DeclaredBaseline(Declared):
    family: ClassVar[str] = "control"


class Crowd(Distances):
    """Uses the other rows only where there are more than 30 of them."""

    def _score(self, x, readout):
        middle = np.median(x, axis=0) if len(x) > 30 else 0.0
        return np.linalg.norm(x - middle, axis=1)


class Ranks(Distances):
    """The share of the rows that are nearer to the origin."""

    def _score(self, x, readout):
        return super()._score(x, readout).argsort().argsort() / len(x)


class Clipped(Distances):
    """Limits scores by a quantile of the rows: only extreme ones change."""

    def _score(self, x, readout):
        scores = super()._score(x, readout)
        return np.minimum(scores, np.quantile(scores, 0.99))


class Lazy(Distances):
    """Takes its scale from the first rows that it scores, and keeps it."""

    def _fit(self, x):
        self.scale_ = None

    def _score(self, x, readout):
        if self.scale_ is None:
            self.scale_ = x.std(axis=0)
        return np.linalg.norm(x / self.scale_, axis=1)


class Unpickled(Lazy):
    """The same, which cannot be pickled."""

    def _fit(self, x):
        super()._fit(x)
        self.unused_ = lambda: None


class Together(Distances):
    """Does not score a row alone."""

    def _score(self, x, readout):
        if len(x) == 1:
            msg = "expected more than 1 value per channel"
            raise ValueError(msg)
        return super()._score(x, readout)


class Dying(Distances):
    """Ends its process when few rows are scored."""

    def _score(self, x, readout):
        if len(x) < 30:
            os._exit(0)
        return super()._score(x, readout)


class Narrow(Distances):
    """Refuses many rows."""

    def _score(self, x, readout):
        if len(x) > 5000:
            msg = "too many"
            raise ValueError(msg)
        return super()._score(x, readout)


class Fragile(Distances):
    """Ends its process when many rows are scored."""

    def _score(self, x, readout):
        if len(x) > 5000:
            os._exit(3)
        return super()._score(x, readout)


@dataclass(kw_only=True)
class Network(Detector):
    """A torch network in float32 whose author set no family.

    Attributes:
        normalises: whether its batch normalisation stays in the mode of training.
    """

    normalises: bool = False

    def _fit(self, x):
        import torch

        torch.manual_seed(self.seed)
        n = x.shape[1]
        layers = [torch.nn.Linear(n, 256), torch.nn.BatchNorm1d(256), torch.nn.ReLU()]
        self.net_ = torch.nn.Sequential(*layers, torch.nn.Linear(256, n))
        self.net_.train(self.normalises)

    def _score(self, x, readout):
        import torch

        samples = torch.tensor(x, dtype=torch.float32)
        with torch.no_grad():
            return (self.net_(samples) - samples).square().sum(1).numpy()


class Remembering(Distances):
    """Keeps a count on its class, which every fit of the process raises."""

    fits = 0

    def _fit(self, x):
        type(self).fits += 1

    def _score(self, x, readout):
        return super()._score(x, readout) ** type(self).fits
