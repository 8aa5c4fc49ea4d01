"""Errors of the differences of AUROCs on one test set, after DeLong, DeLong & Clarke-Pearson.

E. R. DeLong et al., "Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach", Biometrics 44:837-845, 1988, doi:10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.scored import Floats, Labels


def variances(y: Labels, scores: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the two parts of the variance of each difference of two detectors' AUROCs.

    The AUROC is the mean of its components by anomaly, the share of the normals below each, and the
    mean of those by normal, the share of the anomalies above each, ties counting one half. The
    parts are the variance over anomalies and that over normals: the test set is a sample of both.

    Args:
        y: (n,) labels, at least two of each class.
        scores: of each detector (n,), larger for more anomalous.

    Returns:
        (detectors, detectors) and the same.
    """
    components = [_components(y, each) for each in scores]
    return _of_pairs([a for a, _ in components]), _of_pairs([b for _, b in components])


def _components(y: Labels, scores: Floats) -> tuple[Floats, Floats]:
    anomalies, normals = scores[y == 1], scores[y == 0]
    return _share_below(anomalies, normals), 1 - _share_below(normals, anomalies)


def _share_below(values: Floats, others: Floats) -> Floats:
    """(values,) the share of the others below each value, half of the equal ones included."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (left + right) / (2 * len(others))


def _of_pairs(components: Sequence[Floats]) -> Floats:
    """(detectors, detectors) variances of the means of the differences of components."""
    covariance = np.cov(np.array(components), ddof=1).reshape(len(components), len(components))
    own = np.diag(covariance)
    found: Floats = np.maximum(own[:, None] + own - 2 * covariance, 0) / len(components[0])
    return found
