"""Errors of the differences of AUROCs on one test set, after DeLong, DeLong & Clarke-Pearson.

E. R. DeLong et al., "Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach", Biometrics 44:837-845, 1988, doi:10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.scored import Floats, Labels, delong_components
from bench.stats.intervals import FEW, Z, auroc_interval


def variances(y: Labels, scores: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the two parts of the variance of each difference of two detectors' AUROCs.

    The parts are the variance over anomalies and that over normals, of the components that the
    AUROC is the mean of: the test set is a sample of both.

    Args:
        y: (n,) labels, at least two of each class.
        scores: of each detector (n,), larger for more anomalous.

    Returns:
        (detectors, detectors) and the same.
    """
    components = [delong_components(y, each) for each in scores]
    of_anomalies, of_normals = (_covariance(each) for each in zip(*components, strict=True))
    return _of_differences(of_anomalies), _of_differences(of_normals)


def lacking(y: Labels, scores: Sequence[Floats]) -> Floats:
    """Return what the variance of each difference lacks where a class has few samples; else 0.

    Near an AUROC of 1, hardly any of a few anomalies is out of place, and DeLong's variance is far
    too small: its 95 % interval misses differences of .98 to .95 and .99 to .97 in 9 to 21 % with 5
    to 21 anomalies. The interval of a single AUROC is wide enough there. So the variance is at
    least that of two detectors with the widths of their single intervals and DeLong's correlation.

    Args:
        y: (n,) labels, at least two of each class.
        scores: of each detector (n,), larger for more anomalous.

    Returns:
        (detectors, detectors), on the diagonal 0.
    """
    m, n = int(np.count_nonzero(y)), int(np.count_nonzero(y == 0))
    if min(m, n) >= FEW:
        return np.zeros(2 * [len(scores)])
    components = [delong_components(y, each) for each in scores]
    covariance = np.sum([_covariance(each) for each in zip(*components, strict=True)], axis=0)
    error = np.sqrt(np.diag(covariance))
    low, high = auroc_interval([a.mean() for a, _ in components], error, m, n)
    single = (high - low) / (2 * Z)
    alike = np.divide(covariance, np.outer(error, error), where=covariance != 0,
                      out=np.zeros_like(covariance))  # fmt: skip
    np.fill_diagonal(alike, 1)
    wide = _of_differences(alike * np.outer(single, single))
    found: Floats = np.maximum(wide - _of_differences(covariance), 0)
    return found


def _covariance(components: Sequence[Floats]) -> Floats:
    """(detectors, detectors) covariances of the means of the detectors' components."""
    found: Floats = np.atleast_2d(np.cov(np.array(components), ddof=1)) / len(components[0])
    return found


def _of_differences(covariance: Floats) -> Floats:
    own = np.diag(covariance)
    found: Floats = np.maximum(own[:, None] + own - 2 * covariance, 0)
    return found
