"""Kernel mean embedding of groups, with random Fourier features.

Muandet, Fukumizu, Sriperumbudur and Schölkopf, "Kernel mean embedding of distributions: a review
and beyond", Foundations and Trends in Machine Learning 10, 2017, doi:10.1561/2200000060. The
features: Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007.

Reference: [muandet2017embedding], [rahimi2007features]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from detectors.contract import Floats
from detectors.grouped import GroupDetector
from detectors.kernels import Gamma, width


@dataclass(kw_only=True)
class MeanEmbedding(GroupDetector):
    """Squared distance of a group's mean embedding to the mean of those of the training groups.

    The embedding, which is the code of a group for a head, is the mean over its rows of
    sqrt(2 / D) cos(W x + b), with W and b drawn by the seed: inner products of these features
    approximate a Gaussian kernel.

    Attributes:
        gamma: as in `MMD`.
        n_components: D, the size of the code.
    """

    encodes: ClassVar[bool] = True

    gamma: Gamma = "median"
    n_components: Annotated[int, Ge(1)] = 100

    def _fit(self, x: Any) -> None:
        rng, d = self.stream("features"), x.rows.shape[1]
        gamma = width(self.gamma, x.rows, self.stream("median"))
        self.weights_ = math.sqrt(2 * gamma) * rng.standard_normal((d, self.n_components))
        self.phases_ = rng.uniform(0, 2 * math.pi, self.n_components)
        self.mean_ = self._encode(x).mean(axis=0)

    def _encode(self, x: Any) -> Floats:
        features = np.cos(x.rows @ self.weights_ + self.phases_)
        codes: Floats = math.sqrt(2 / self.n_components) * x.means(features)
        return codes

    def _score(self, x: Any, readout: str) -> Floats:
        scores: Floats = np.square(self._encode(x) - self.mean_).sum(axis=1)
        return scores
