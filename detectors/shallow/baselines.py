"""Baselines: scores that learn next to nothing, which a method should beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from detectors.contract import Detector, Family, Floats
from detectors.localisation import Localizer
from detectors.standardise import location_and_scale


@dataclass(kw_only=True)
class Baseline(Detector):
    """Base of the baselines."""

    family: ClassVar[Family] = "control"

    def _fit(self, x: Floats) -> None:
        self.mean_, self.scale_ = location_and_scale(x)


@dataclass(kw_only=True)
class Random(Baseline):
    """A number in [0, 1) from a hash of the seed and the bytes of the sample.

    It is uniform over samples and seeds, and depends neither on the order nor on other samples.
    Equal samples get equal scores.
    """

    def _score(self, x: Floats, readout: str) -> Floats:
        key = str(self.seed).encode()
        rows = x + 0.0  # -0.0 becomes 0.0, which is the same sample in other bytes
        digests = (blake2b(key + b":" + row.tobytes(), digest_size=8).digest() for row in rows)
        scores = [int.from_bytes(digest, "big") >> 11 for digest in digests]
        return np.array(scores, dtype=np.float64) / 2**53


@dataclass(kw_only=True)
class RowIndex(Baseline):
    """The position of a sample among the test samples: a canary whose AUROC must be 0.5.

    A higher AUROC shows that the order of the test samples reveals the labels.
    """

    transductive: ClassVar[bool] = True

    def _score(self, x: Floats, readout: str) -> Floats:
        return np.arange(len(x), dtype=np.float64)


@dataclass(kw_only=True)
class MeanDistance(Baseline, Localizer):
    """Euclidean distance to the training mean; maps are squared distances."""

    localizes: ClassVar[Mapping[str, str]] = {"": "mean"}

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = np.linalg.norm(x - self.mean_, axis=1)
        return distances

    def _localize(self, x: Floats, readout: str) -> Floats:
        squares: Floats = np.square(x - self.mean_)
        return squares


@dataclass(kw_only=True)
class MaxAbsZ(Baseline, Localizer):
    """The largest absolute z-score of a feature, by training mean and standard deviation.

    For a feature that is constant in training, the deviation counts in the feature's own unit.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": "max"}

    def _score(self, x: Floats, readout: str) -> Floats:
        largest: Floats = self._deviations(x).max(axis=1)
        return largest

    def _localize(self, x: Floats, readout: str) -> Floats:
        return self._deviations(x)

    def _deviations(self, x: Floats) -> Floats:
        deviations: Floats = np.abs((x - self.mean_) / self.scale_)
        return deviations
