"""Residual of a principal component analysis.

Jackson, Mudholkar, "Control procedures for residuals associated with principal component
analysis", Technometrics 21, 1979, doi:10.1080/00401706.1979.10489779.

Reference: [jackson1979pca]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from detectors.contract import Floats, Unsupported
from detectors.localisation import Localizer


@dataclass(kw_only=True)
class PCA(Localizer):
    """Squared error of the reconstruction from the leading principal components (Q statistic).

    Attributes:
        n_components: an integer is the number of components, below the number of features and
            of training samples. A share in (0, 1) selects the fewest components that explain
            that share of the training variance, but leaves at least one direction out; for a
            single feature, the score is then the squared distance to the mean.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": "mean"}

    n_components: Annotated[int, Ge(1)] | Annotated[float, Gt(0), Lt(1)] = 0.9

    def _fit(self, x: Floats) -> None:
        from scipy.linalg import svd

        n, d = x.shape
        if isinstance(self.n_components, int) and self.n_components >= min(n, d):
            msg = (
                f"n_components = {self.n_components} leaves no residual of {n} training samples "
                f"with {d} features; lower it below {min(n, d)} or give a share"
            )
            raise Unsupported(msg)
        self.mean_ = x.mean(axis=0)
        centred = np.subtract(x, self.mean_, order="F")  # as LAPACK, which overwrites it, has it
        _, lengths, directions = svd(
            centred, full_matrices=False, overwrite_a=True, check_finite=False
        )
        del centred
        self.components_ = np.ascontiguousarray(directions[: self._count(lengths**2, d)])

    def _count(self, variances: Floats, d: int) -> int:
        if isinstance(self.n_components, int):
            return self.n_components
        explained = np.cumsum(variances)
        if explained[-1] == 0:
            return 0
        enough = int(np.argmax(explained >= self.n_components * explained[-1])) + 1
        return min(enough, d - 1)

    def _score(self, x: Floats, readout: str) -> Floats:
        errors: Floats = self._localize(x, readout).sum(axis=1)
        return errors

    def _localize(self, x: Floats, readout: str) -> Floats:
        residual: Floats = x - self.mean_
        residual -= residual @ self.components_.T @ self.components_
        return np.square(residual, out=residual)
