"""Mahalanobis distance under a robust covariance.

Rousseeuw, Van Driessen, "A fast algorithm for the minimum covariance determinant estimator",
Technometrics 41, 1999, doi:10.1080/00401706.1999.10485670.

Reference: [rousseeuw1999mcd]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import MinCovDet

from detectors.contract import Detector, Floats, Unsupported, require_rows
from detectors.standardise import location_and_scale
from detectors.streams import integer_seed

MOST_ROWS = 100_000  # the standard error of a variance of as many is .45 % of it


@dataclass(kw_only=True)
class Mahalanobis(Detector):
    """Squared Mahalanobis distance to the centre of the most compact half of the data.

    Location and covariance are those of the (n + d + 1) / 2 training samples whose covariance
    has the smallest determinant, reweighted. A feature that is constant in training is left out
    and adds its squared deviation in its own unit. Other directions in which that half does not
    vary do not count; scikit-learn warns about them.

    Of more than 100,000 training samples as many are drawn: the search takes subsets of 300 from
    all of them, which would be minutes for a million.
    """

    def _fit(self, x: Floats) -> None:
        mean, scale = location_and_scale(x)
        self.varies_ = x.std(axis=0) == scale
        self.constants_ = mean[~self.varies_]
        n_varying = int(self.varies_.sum())
        if n_varying == 0:
            msg = "no feature varies in training, so there is no covariance; use mean-distance"
            raise Unsupported(msg)
        require_rows(x, max(3, n_varying + 1), f"a covariance of {n_varying} features")
        if len(x) > MOST_ROWS:
            x = x[np.sort(self.stream("training samples").permutation(len(x))[:MOST_ROWS])]
        estimate = MinCovDet(random_state=integer_seed(self.seed, "subsets"))
        self.covariance_ = estimate.fit(x[:, self.varies_])

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = self.covariance_.mahalanobis(x[:, self.varies_])
        deviations: Floats = np.square(x[:, ~self.varies_] - self.constants_).sum(axis=1)
        return distances + deviations
