"""Tail probabilities of single features, estimated from the training samples alone.

ECOD: Li, Zhao, Hu, Botta, Ionescu, Chen, "ECOD: unsupervised outlier detection using empirical
cumulative distribution functions", TKDE 2022, doi:10.1109/TKDE.2022.3159580.
COPOD: Li, Zhao, Botta, Ionescu, Hu, "COPOD: copula-based outlier detection", ICDM 2020,
doi:10.1109/ICDM50108.2020.00135.

The tails are combined as in the authors' code (PyOD), in which the two methods differ; in the
papers they do not. That code ranks a test sample among the training *and the test* samples, so
that a score depends on the other test samples. Here a tail probability is (training samples at
least as far out + 1) / (n + 1), which is never 0 and equals that of the code for a single test
sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Detector, Floats


@dataclass(kw_only=True)
class _Tails(Detector):
    """Sorted training columns and the sign of the skewness of each."""

    def _fit(self, x: Floats) -> None:
        self.sorted_ = np.sort(x, axis=0)
        constant = self.sorted_[0] == self.sorted_[-1]
        third_moment = ((x - x.mean(axis=0)) ** 3).mean(axis=0)
        self.skew_: NDArray[np.float64] = np.where(constant, 0.0, np.sign(third_moment))

    def _surprise(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Return -log tail probabilities (n, d): left, right and the skewed one (no skew: both)."""
        n = len(self.sorted_)
        left, right = np.empty_like(x), np.empty_like(x)
        for j, column in enumerate(self.sorted_.T):
            left[:, j] = column.searchsorted(x[:, j], side="right")
            right[:, j] = n - column.searchsorted(x[:, j], side="left")
        left, right = -np.log((left + 1) / (n + 1)), -np.log((right + 1) / (n + 1))
        return left, right, left * (self.skew_ <= 0) + right * (self.skew_ >= 0)


@dataclass(kw_only=True)
class ECOD(_Tails):
    """Sum over features of -log of the smaller tail probability, in nats.

    Reference: [li2022ecod]
    """

    def _score(self, x: Floats, readout: str) -> Floats:
        left, right, skewed = self._surprise(x)
        scores: Floats = np.maximum(np.maximum(left, right), skewed).sum(axis=1)
        return scores


@dataclass(kw_only=True)
class COPOD(_Tails):
    """Sum over features of the larger of the skewed tail and the mean of both tails, in nats.

    A tail counts as -log of its probability.

    Reference: [li2020copod]
    """

    def _score(self, x: Floats, readout: str) -> Floats:
        left, right, skewed = self._surprise(x)
        scores: Floats = np.maximum(skewed, (left + right) / 2).sum(axis=1)
        return scores
