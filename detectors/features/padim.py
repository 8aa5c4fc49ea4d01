"""PaDiM: a Gaussian of pretrained features at each place of an image.

Defard, Setkov, Loesch and Audigier, "PaDiM: a patch distribution modeling framework for anomaly
detection and localization", ICPR workshops 2021, arXiv:2011.08785.

Reference: [defard2021padim]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt
from torch import Tensor

from detectors.contract import Floats, require_rows
from detectors.localisation import Localizer
from detectors.networks.features import FeatureDetector, as_pixels, on_grid

BLOCK = 16  # images that are added to the moments at a time


@dataclass(kw_only=True)
class PaDiM(FeatureDetector, Localizer):
    """Largest Mahalanobis distance of a place of an image to the Gaussian of that place.

    Features of three depths are joined on the finest grid, of 4 pixels a cell, and some of them are
    drawn. Mean and covariance of a cell are those of the training images, which should therefore
    show their object in one position.

    Attributes:
        n_features: features that are drawn at random; the paper draws 100 of 448 for ResNet-18.
        regularisation: added to each variance.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": "max"}

    n_features: Annotated[int, Ge(1)] = 100
    regularisation: Annotated[float, Gt(0)] = 0.01

    def _learn(self, x: Floats) -> None:
        require_rows(x, 2, "a covariance")
        (first,) = self._cells(x[:1])
        total = torch.zeros_like(first)
        products = torch.zeros(*first.shape, first.shape[1], dtype=first.dtype)
        for start in range(0, len(x), BLOCK):
            rows = torch.stack([*self._cells(x[start : start + BLOCK])], 1)  # (cells, rows, d)
            total += rows.sum(1)
            products.baddbmm_(rows.mT, rows)
        self.mean_ = total / len(x)
        products.baddbmm_(self.mean_[:, :, None], self.mean_[:, None], alpha=-len(x))
        products /= len(x) - 1
        products.diagonal(dim1=1, dim2=2).add_(self.regularisation)
        eye = torch.eye(first.shape[1], dtype=first.dtype)
        for covariance in products:  # in place: all together are hundreds of MiB
            factor = torch.linalg.cholesky(covariance)
            covariance[:] = torch.linalg.solve_triangular(factor, eye, upper=False)
        self.whitening_ = products

    def _cells(self, x: Floats) -> Iterator[Tensor]:
        """Yield the features (cells, n_features) float64 of each image."""
        for features in self._features(x):
            joined = on_grid(features[:-1], 0, "nearest")
            order = self.stream("features").permutation(len(joined))
            self.sides_ = joined.shape[1:]
            yield joined[np.sort(order[: self.n_features])].flatten(1).T.double()

    def _localize(self, x: Floats, readout: str) -> Floats:
        maps = []
        for cells in self._cells(x):
            whitened = self.whitening_ @ (cells - self.mean_)[:, :, None]
            distances = whitened[:, :, 0].norm(dim=1).reshape(self.sides_)
            maps.append(as_pixels(distances, x.shape[2:]))
        return np.concatenate(maps)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = self._localize(x, readout).max(axis=(1, 2))
        return scores
