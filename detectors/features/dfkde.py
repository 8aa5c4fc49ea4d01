"""DFKDE: a kernel density of the principal components of pooled pretrained features.

The method is of the library anomalib: Akcay, Ameln, Vaidya, Lakshmanan, Ahuja and Genc, "Anomalib:
a deep learning library for anomaly detection", ICIP 2022, arXiv:2202.08341. Its density is that of
Scott, "Multivariate density estimation", 1992, doi:10.1002/9780470316849.

Reference: [akcay2022anomalib], [scott1992density]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge

from detectors.contract import Floats, Unsupported, require_rows
from detectors.networks.features import FeatureDetector


@dataclass(kw_only=True)
class DFKDE(FeatureDetector):
    """Negative log-density of an image's pooled features, a sum of Gaussian kernels.

    The kernels have the covariance of the training images' principal components, times the square
    of Scott's factor n ** (-1 / (d + 4)).

    Attributes:
        n_components: principal components, at most two less than training images.
    """

    n_components: Annotated[int, Ge(1)] = 16

    def _learn(self, x: Floats) -> None:
        require_rows(x, 3, "a density of features")
        pooled = self._pooled(x)
        self.mean_ = pooled.mean(0)
        _, singular, directions = torch.linalg.svd(pooled - self.mean_, full_matrices=False)
        varies = int((singular > 1e-6 * singular[0]).sum()) if singular[0] > 0 else 0
        n = min(self.n_components, len(x) - 2, varies)
        if n == 0:
            msg = "the features of all training images are equal; give images that differ"
            raise Unsupported(msg)
        # The components, divided by their standard deviations and Scott's factor.
        width = singular[:n] / (len(x) - 1) ** 0.5 * len(x) ** (-1 / (n + 4))
        self.whitening_ = directions[:n] / width[:, None]
        self.kernels_ = (pooled - self.mean_) @ self.whitening_.T
        self.constant_ = float(n / 2 * np.log(2 * np.pi) + width.log().sum() + np.log(len(x)))

    def _score(self, x: Floats, readout: str) -> Floats:
        scores = []
        for row in self._pooled(x) - self.mean_:
            squares = (self.whitening_ @ row - self.kernels_).square().sum(1)
            scores.append(self.constant_ - float((-squares / 2).logsumexp(0)))
        return np.array(scores)
