"""Errors of the differences of AUROCs on one test set, after DeLong, DeLong & Clarke-Pearson.

E. R. DeLong et al., "Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach", Biometrics 44:837-845, 1988, doi:10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.metrics.scored import Floats, Labels, delong_components
from bench.stats.intervals import FEW, Z, auroc_interval


@dataclass(frozen=True)
class Components:
    """What the AUROCs of detectors on one test set are the means of.

    Attributes:
        of_anomalies: (detectors, anomalies), of at least two.
        of_normals: (detectors, normals), of at least two.
    """

    of_anomalies: Floats
    of_normals: Floats

    @classmethod
    def of(cls, y: Labels, scores: Sequence[Floats]) -> Components:
        """Return those of labels y (n,) and scores, of each detector (n,), by all detectors."""
        of_anomalies, of_normals = zip(
            *(delong_components(y, each) for each in scores), strict=True
        )
        return cls(np.array(of_anomalies), np.array(of_normals))

    @cached_property
    def _covariances(self) -> tuple[Floats, Floats]:
        return _covariance(self.of_anomalies), _covariance(self.of_normals)

    def variances(self) -> tuple[Floats, Floats]:
        """Return the two parts (detectors, detectors) of the variance of each difference of AUROCs.

        The parts are the variance over anomalies and that over normals: the test set is a sample
        of both.
        """
        of_anomalies, of_normals = self._covariances
        return _of_differences(of_anomalies), _of_differences(of_normals)

    def lacking(self) -> Floats:
        """Return what the variance of each difference lacks where a class has few samples; else 0.

        Near an AUROC of 1, hardly any of a few anomalies is out of place, and DeLong's variance is
        far too small: its 95 % interval misses differences of .98 to .95 and .99 to .97 in 9 to
        21 % with 5 to 21 anomalies. The interval of a single AUROC is wide enough there. So the
        variance is at least that of two detectors with the widths of their single intervals and
        DeLong's correlation.

        Returns:
            (detectors, detectors), on the diagonal 0.
        """
        n_detectors, m = self.of_anomalies.shape
        n = self.of_normals.shape[1]
        if min(m, n) >= FEW:
            return np.zeros((n_detectors, n_detectors))
        covariance = np.sum(self._covariances, axis=0)
        error = np.sqrt(np.diag(covariance))
        low, high = auroc_interval(self.of_anomalies.mean(axis=1), error, m, n)
        single = (high - low) / (2 * Z)
        alike = np.divide(covariance, np.outer(error, error), where=covariance != 0,
                          out=np.zeros_like(covariance))  # fmt: skip
        np.fill_diagonal(alike, 1)
        wide = _of_differences(alike * np.outer(single, single))
        found: Floats = np.maximum(wide - _of_differences(covariance), 0)
        return found


def _covariance(components: Floats) -> Floats:
    """(detectors, detectors) covariances of the means of the detectors' components."""
    found: Floats = np.atleast_2d(np.cov(components, ddof=1)) / components.shape[1]
    return found


def _of_differences(covariance: Floats) -> Floats:
    own = np.diag(covariance)
    found: Floats = np.maximum(own[:, None] + own - 2 * covariance, 0)
    return found
