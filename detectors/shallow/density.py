"""Density estimates: a mixture of Gaussians and a kernel estimate.

Bishop, "Novelty detection and neural network validation", IEE Proceedings on Vision, Image and
Signal Processing 141, 1994, doi:10.1049/ip-vis:19941330 (negative log density as the score).
Scott, "Multivariate Density Estimation", 1992, doi:10.1002/9780470316849 (bandwidth).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity as SklearnKernelDensity

from detectors.contract import Detector, Floats, Unsupported, require_rows
from detectors.streams import integer_seed


@dataclass(kw_only=True)
class GaussianMixtureDensity(Detector):
    """Negative log-likelihood, in nats, under a mixture of Gaussians fitted by EM.

    Reference: [bishop1994novelty]

    Attributes:
        n_components: number of Gaussians; at most the training samples.
        covariance_type: shape of their covariances.
        reg_covar: variance added to every feature, in squared units of the scaled data. The
            default, a standard deviation of 0.1, also keeps a full covariance usable with fewer
            samples than features.
        max_iter: steps of EM.
    """

    n_components: Annotated[int, Ge(1)] = 4
    covariance_type: Literal["full", "tied", "diag", "spherical"] = "full"
    reg_covar: Annotated[float, Gt(0)] = 0.01
    max_iter: Annotated[int, Ge(1)] = 200

    def _fit(self, x: Floats) -> None:
        require_rows(x, max(2, self.n_components), f"n_components = {self.n_components}")
        self.mixture_ = GaussianMixture(
            self.n_components,
            covariance_type=self.covariance_type,
            reg_covar=self.reg_covar,
            max_iter=self.max_iter,
            random_state=integer_seed(self.seed, "means"),
        ).fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.mixture_.score_samples(x)
        return scores


@dataclass(kw_only=True)
class KernelDensity(Detector):
    """Negative log density, in nats, of a Gaussian kernel at every training sample.

    Reference: [bishop1994novelty], [scott1992density]

    Attributes:
        bandwidth: standard deviation of the kernel in units of the data, or Scott's rule:
            n^(-1 / (d + 4)) times the root of the features' mean variance.
    """

    bandwidth: Literal["scott"] | Annotated[float, Gt(0)] = "scott"

    def _fit(self, x: Floats) -> None:
        n, d = x.shape
        if self.bandwidth == "scott":
            width = n ** (-1 / (d + 4)) * float(np.sqrt(x.var(axis=0).mean()))
        else:
            width = self.bandwidth
        if width == 0:
            msg = "all training samples are equal, so Scott's rule gives no bandwidth; set one"
            raise Unsupported(msg)
        # With several leaves, scikit-learn's sums lose up to hundreds of nats far from the data.
        self.density_ = SklearnKernelDensity(bandwidth=width, leaf_size=n).fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.density_.score_samples(x)
        return scores
