"""One-class support vector machines with an exact and an approximate kernel.

Schölkopf, Platt, Shawe-Taylor, Smola, Williamson, "Estimating the support of a high-dimensional
distribution", Neural Computation 13, 2001, doi:10.1162/089976601750264965. Nyström features:
Williams, Seeger, "Using the Nyström method to speed up kernel machines", NIPS 2000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.svm import OneClassSVM

from detectors.contract import Detector, Floats, require_rows
from detectors.streams import global_generators, integer_seed

Gamma = Literal["scale", "auto"] | Annotated[float, Gt(0)]


@dataclass(kw_only=True)
class OCSVM(Detector):
    """Signed distance outside the support of the training samples, under a Gaussian kernel.

    The kernel is exact; the time of `fit` is quadratic to cubic in the training samples. The
    defaults are those of scikit-learn, which published comparisons use: with nu = 0.5 the score
    averages kernels over half of the samples, much like a density, and a clean training set needs
    no tuning of nu.

    Reference: [schoelkopf2001ocsvm]

    Attributes:
        gamma: inverse squared width of the kernel; "scale" is 1 / (d * variance of x), "auto"
            is 1 / d.
        nu: bound on the share of training samples outside, and on that of support vectors.
    """

    gamma: Gamma = "scale"
    nu: Annotated[float, Gt(0), Le(1)] = 0.5

    def _fit(self, x: Floats) -> None:
        svm = OneClassSVM(gamma=self.gamma, nu=self.nu)
        svm.random_state = 0  # else `fit` draws from numpy's global generator, for no use
        self.svm_ = svm.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.svm_.decision_function(x)
        return scores


@dataclass(kw_only=True)
class NystroemOCSVM(Detector):
    """The one-class SVM on Nyström features of the same kernel, linear in the training samples.

    Reference: [schoelkopf2001ocsvm], [williams2000nystroem]

    Attributes:
        gamma: as in `OCSVM`.
        nu: as in `OCSVM`.
        n_components: number of training samples that span the features; all of them if there
            are fewer, which makes the kernel exact.
    """

    gamma: Gamma = "scale"
    nu: Annotated[float, Gt(0), Le(1)] = 0.5
    n_components: Annotated[int, Ge(1)] = 100

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "stochastic gradient descent")
        self.features_ = Nystroem(
            gamma=_gamma(self.gamma, x),
            n_components=min(self.n_components, len(x)),
            random_state=integer_seed(self.seed, "landmarks"),
            n_jobs=1,
        )
        self.svm_ = SGDOneClassSVM(nu=self.nu, random_state=integer_seed(self.seed, "order"))
        with global_generators(0):  # `fit` draws from numpy's, for no use
            self.svm_.fit(self.features_.fit_transform(x))

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.svm_.decision_function(self.features_.transform(x))
        return scores


def _gamma(gamma: str | float, x: Floats) -> float:
    """Return what scikit-learn's `OneClassSVM` makes of gamma."""
    if gamma == "auto":
        return float(1 / x.shape[1])
    if gamma == "scale":
        variance = float(x.var())
        return float(1 / (x.shape[1] * variance)) if variance > 0 else 1.0
    return float(gamma)
