"""Errors of the differences of AUROCs on one test set, after DeLong, DeLong & Clarke-Pearson.

E. R. DeLong et al., "Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach", Biometrics 44:837-845, 1988, doi:10.2307/2531595.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.scored import Floats, Labels, delong_components


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
    return _of_pairs([a for a, _ in components]), _of_pairs([b for _, b in components])


def _of_pairs(components: Sequence[Floats]) -> Floats:
    """(detectors, detectors) variances of the means of the differences of components."""
    covariance = np.cov(np.array(components), ddof=1).reshape(len(components), len(components))
    own = np.diag(covariance)
    found: Floats = np.maximum(own[:, None] + own - 2 * covariance, 0) / len(components[0])
    return found
