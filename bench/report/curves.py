"""ROC and PR curves with pointwise intervals, and the distributions of scores, on fixed grids.

At every threshold the false-positive rate and the recall are two independent proportions, so
Wilson's interval of each spans a rectangle in the ROC plane; the curves through the outer corners
of all rectangles are the limits (F. Provost & S. Macskassy, "Confidence bands for ROC curves:
methods and an empirical study", 2004; E. B. Wilson, 1927, doi:10.1080/01621459.1927.10502953). The
sides of a rectangle need less confidence than their corner: with each at 90 % the limits contained
91 to 99 % of the points of the true curve, in simulations of binormal scores with 10 to 200
anomalies, 60 to 500 normals and AUROC .76 to .98. The limits of the PR curve are those of the ROC
curve, transformed with the prevalence of the test set.

Curves of several seeds are averaged, and so are their limits: seeds share anomalies, so averaging
narrows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.curves import roc

Floats = NDArray[np.float64]

SIDE_LEVEL = 0.90  # of each side of a rectangle; see above
FALSE_POSITIVE_RATES = np.linspace(0, 1, 61) ** 2  # dense near 0, where it matters
RECALLS = np.linspace(0, 1, 51)
BINS = 40
_Z = NormalDist().inv_cdf(0.5 + SIDE_LEVEL / 2)
_FULL = 65535  # the largest number of 16 bits


@dataclass(frozen=True)
class Curves:
    """The curves of one detector on one data set.

    roc: (3, 61) mean, lower and upper recall at FALSE_POSITIVE_RATES; the area under the mean,
        with straight lines between thresholds, is the mean AUROC, but for thinning.
    pr: (3, 51) mean, lower and upper precision at RECALLS; the area under the mean, in steps, is
        the mean average precision, but for thinning.
    scores: (2, BINS) share of the normals and of the anomalies in each of equal bins.
    low, high: ends of the bins on a scale that all detectors share: asinh of the scores less the
        median of the normals, in interquartile ranges of the normals.
    """

    roc: Floats
    pr: Floats
    scores: Floats
    low: float
    high: float

    def packed(self) -> bytes:
        """Return all three as little-endian 16-bit numbers, 0 for 0 and 65535 for 1."""
        shares = np.concatenate([self.roc.ravel(), self.pr.ravel(), self.scores.ravel()])
        numbers: bytes = np.rint(np.clip(shares, 0, 1) * _FULL).astype("<u2").tobytes()
        return numbers


def average(seeds: Iterable[tuple[NDArray[Any], Floats]]) -> Curves:
    """Return the curves of a detector from the labels (n,) and scores (n,) of each seed.

    Every seed needs a normal and an anomaly, and finite scores, larger for more anomalous.
    """
    rocs, prs, normals, anomalies = [], [], [], []
    for y, scores in seeds:
        one = _of_seed(y, scores)
        rocs.append(one[0])
        prs.append(one[1])
        placed = _placed(y, scores)
        normals.append(placed[y == 0])
        anomalies.append(placed[y == 1])
    classes = [np.concatenate(normals), np.concatenate(anomalies)]
    low, high = min(map(np.min, classes)), max(map(np.max, classes))
    high = high if high > low else low + 1
    bins = [np.histogram(part, BINS, (low, high))[0] / len(part) for part in classes]
    return Curves(
        np.mean(rocs, axis=0), np.mean(prs, axis=0), np.array(bins), float(low), float(high)
    )


def _of_seed(y: NDArray[Any], scores: Floats) -> tuple[Floats, Floats]:
    """Return ROC (3, 61) and PR (3, 51) of one seed, on the grids."""
    n_anomalies = int(y.sum())
    n_normals = len(y) - n_anomalies
    fpr, recall = roc(y, scores)
    recall_low, recall_high = _wilson(recall, n_anomalies)
    fpr_low, fpr_high = _wilson(fpr, n_normals)
    on_grid = [
        np.interp(FALSE_POSITIVE_RATES, fpr, recall),
        np.interp(FALSE_POSITIVE_RATES, fpr_high, recall_low),
        np.interp(FALSE_POSITIVE_RATES, fpr_low, recall_high),
    ]
    prevalence = n_anomalies / len(y)
    middle = _precision(recall, fpr, prevalence)
    pr = [  # where precision rises with recall, a step of a limit may pass a step of the curve
        middle,
        np.minimum(_precision(recall_low, fpr_high, prevalence), middle),
        np.maximum(_precision(recall_high, fpr_low, prevalence), middle),
    ]
    return np.array(on_grid), np.array(pr)


def _precision(recall: Floats, fpr: Floats, prevalence: float) -> Floats:
    """Return the precision at the first threshold that reaches each of RECALLS."""
    true, false = prevalence * recall, (1 - prevalence) * fpr
    reached = np.searchsorted(recall, np.maximum(RECALLS, 1e-9) - 1e-12)
    first = np.minimum(reached, len(recall) - 1)
    found: Floats = true[first] / (true[first] + false[first])
    return found


def _wilson(share: Floats, trials: int) -> tuple[Floats, Floats]:
    """Return the limits of proportions (n,), which contain the proportions themselves."""
    spread = _Z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)


def _placed(y: NDArray[Any], scores: Floats) -> Floats:
    """Return the scores (n,) on the scale that all detectors share."""
    low, middle, high = np.quantile(scores[y == 0], [0.25, 0.5, 0.75])
    width = high - low or np.std(scores) or 1.0
    placed: Floats = np.arcsinh((scores - middle) / width)
    return placed
