"""DFM: a Gaussian of the principal components of deep features.

Ahuja, Ndiour, Kalyanpur and Tickoo, "Probabilistic modeling of deep features for
out-of-distribution and adversarial detection", 2019, arXiv:1909.11786. The error of the features
that the components cannot restore is from Ndiour, Ahuja and Tickoo, "Out-of-distribution detection
with subspace techniques and probabilistic modeling of features", 2020, arXiv:2012.04250.

Reference: [ahuja2019dfm], [ndiour2020fre]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor
from torch.nn import functional

from detectors.contract import Floats, Unsupported, require_rows
from detectors.localisation import Localizer
from detectors.networks.features import FeatureDetector, as_pixels

DEPTH = 2  # the map of 16 pixels a cell


@dataclass(kw_only=True)
class DFM(FeatureDetector, Localizer):
    """Negative log-density of an image's features among their principal components.

    Features are a map of 16 pixels a cell, averaged over squares of cells. The read-out `fre` is
    the squared error of the features when the components restore them; its map has the error by
    cell.

    Attributes:
        pooled_cells: side of the squares, in cells.
        variance_kept: share of the features' variance that the components have; 0.995 in the paper.
    """

    readouts: ClassVar[tuple[str, ...]] = ("likelihood", "fre")
    localizes: ClassVar[Mapping[str, str]] = {"fre": ""}

    pooled_cells: Annotated[int, Ge(1)] = 4
    variance_kept: Annotated[float, Gt(0), Lt(1)] = 0.97

    def _learn(self, x: Floats) -> None:
        require_rows(x, 3, "a covariance of features")
        rows = self._rows(x)
        self.mean_ = rows.mean(0)
        _, singular, directions = torch.linalg.svd(rows - self.mean_, full_matrices=False)
        variances = singular.square() / (len(x) - 1)
        shares = variances.cumsum(0) / variances.sum()
        if not shares[-1] > 0:
            msg = "the features of all training images are equal; give images that differ"
            raise Unsupported(msg)
        n = 1 + int((shares < self.variance_kept).sum())
        self.variances_ = variances[:n]
        self.components_ = directions[:n].contiguous()  # in the layout of a saved model

    def _rows(self, x: Floats) -> Tensor:
        """Return the features (n, d) float64."""
        rows = []
        for features in self._features(x):
            cells = features[DEPTH]
            size = min(self.pooled_cells, *cells.shape[2:])
            pooled = functional.avg_pool2d(cells, size).double()
            self.map_shape_ = pooled.shape[1:]
            rows.append(pooled.flatten())
        return torch.stack(rows)

    def _errors(self, x: Floats) -> Tensor:
        """Return the squared errors (n, d) of the restored features."""
        parts = []
        for row in self._rows(x) - self.mean_:
            parts.append((row - self.components_.T @ (self.components_ @ row)).square())
        return torch.stack(parts)

    def _localize(self, x: Floats, readout: str) -> Floats:
        cells = self._errors(x).reshape(-1, *self.map_shape_).sum(1)
        return np.concatenate([as_pixels(each, x.shape[2:]) for each in cells])

    def _score(self, x: Floats, readout: str) -> Floats:
        if readout == "fre":
            errors: Floats = self._errors(x).sum(1).numpy()
            return errors
        codes = torch.stack([self.components_ @ row for row in self._rows(x) - self.mean_])
        constant = (2 * np.pi * self.variances_).log().sum()
        energies: Floats = ((codes.square() / self.variances_).sum(1) + constant).numpy() / 2
        return energies
