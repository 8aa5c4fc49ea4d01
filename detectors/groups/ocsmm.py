"""One-class support measure machine.

Muandet and Schölkopf, "One-class support measure machines for group anomaly detection", UAI 2013,
arXiv:1303.0309. A Gaussian kernel of embeddings: Muandet, Fukumizu, Dinuzzo and Schölkopf,
"Learning from distributions via support measure machines", NIPS 2012, arXiv:1202.6504.

Reference: [muandet2013ocsmm]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Le
from sklearn.svm import OneClassSVM

from detectors.contract import Floats, require_rows
from detectors.grouped import GroupDetector, Groups
from detectors.kernels import Gamma, between, kernel, width


@dataclass(kw_only=True)
class OCSMM(GroupDetector):
    """Signed distance of a group's mean embedding outside the support of the training groups.

    The kernel of two groups is exp(-D / (2 M)), with the squared distance D of their embeddings
    under a Gaussian kernel of rows, and the median M of D over the training groups. The paper also
    has the inner product of the embeddings, plain and normalised. Of these the first cannot see
    that one of several equal modes dominates a group, and the second takes a group whose rows
    spread for a typical one. The time of `fit` is quadratic in the training rows. nu is that of
    `ocsvm`.

    Attributes:
        gamma: as in `MMD`.
        nu: bound on the share of training groups outside, and on that of support groups.
    """

    gamma: Gamma = "median"
    nu: Annotated[float, Gt(0), Le(1)] = 0.5

    def _fit(self, x: Any) -> None:
        require_rows(x, 2, "a distance of groups")
        self.gamma_ = width(self.gamma, x.rows, self.stream("median"))
        self.groups_, self.squares_ = x, self._squares(x)
        distances = self._distances(x)
        median = float(np.median(distances[np.triu_indices(len(x), 1)]))
        self.scale_ = median if median > 0 else 1.0
        svm = OneClassSVM(kernel="precomputed", nu=self.nu)
        svm.random_state = 0  # else `fit` draws from numpy's global generator, for no use
        self.svm_ = svm.fit(np.exp(-distances / (2 * self.scale_)))

    def _score(self, x: Any, readout: str) -> Floats:
        kernels = np.exp(-self._distances(x) / (2 * self.scale_))
        scores: Floats = -self.svm_.decision_function(kernels)
        return scores

    def _distances(self, x: Groups) -> Floats:
        """Return the squared distances of groups and training groups, (g, h)."""
        mixed = between(x, self.groups_, self.gamma_)
        return (self._squares(x)[:, None] + self.squares_ - 2 * mixed).clip(min=0)

    def _squares(self, x: Groups) -> Floats:
        return np.array([kernel(rows, rows, self.gamma_).mean() for rows in x])
