"""Conformal p-values: an alarm with a stated false-alarm rate, whatever the detector.

The scores of normals that a detector was not fitted on and that of another normal are exchangeable,
so the rank of the latter is uniform. With p = (1 + #{held out >= s}) / (n + 1), a normal has p <=
alpha with a probability of at most alpha, for any n and any distribution (split conformal). Given
one calibration the rate varies: of m normals, the number of alarms is beta-binomial.

With K folds each model judges the scores of its own held-out normals, and the counts are added
(cross-conformal): all normals calibrate. The probability is then below 2 alpha + 2 K / n (R. F.
Barber et al., Annals of Statistics 49:486-507, 2021, doi:10.1214/20-AOS1965, theorem 4), and about
alpha where the models are alike.

V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, 2005 (split), and V. Vovk,
Annals of Mathematics and AI 74:9-28, 2015, doi:10.1007/s10472-013-9368-4 (cross); both for anomaly
detection: O. Hennhöfer, C. Preisach, arXiv:2402.16388, 2024; S. Bates et al., Annals of Statistics
51:149-178, 2023, doi:10.1214/22-AOS2244 (rates over a batch, beta distribution);
Y. Benjamini, Y. Hochberg, JRSS B 57:289-300, 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_ROUNDING = 1e-9  # of alpha * (n + 1), where it is a whole number


def p_values(scores: Sequence[ArrayLike], held: Sequence[ArrayLike]) -> Floats:
    """Return the (m,) p-values of samples that all were normals.

    Args:
        scores: (m,) of the samples by each model, larger for more anomalous.
        held: (n_k,) of the normals that each model was not fitted on, by that model.
    """
    counts = [
        len(of) - np.searchsorted(np.sort(of), values, side="left")
        for values, of in zip(scores, map(np.asarray, held), strict=True)
    ]
    p: Floats = (1 + np.sum(counts, axis=0)) / (1 + sum(map(len, map(np.asarray, held))))
    return p


def normals_needed(alpha: float) -> int:
    """Return how many held-out normals are the fewest with which a p-value can be alpha."""
    return math.ceil(1 / alpha - _ROUNDING) - 1


def check_enough(n_held: int, alpha: float) -> None:
    """Check that so many held-out normals can give an alarm.

    Raises:
        ValueError: they cannot; the message has the number needed.
    """
    if not 0 < alpha < 1:
        msg = f"the alarm rate is {alpha}; give a share within (0, 1), such as 0.05"
        raise ValueError(msg)
    if n_held < (needed := normals_needed(alpha)):
        msg = (
            f"an alarm rate of {alpha:g} needs {needed} held-out normals, there are {n_held}; give "
            "more samples, hold out all of them (--folds 5), or take a higher --alarm-rate"
        )
        raise ValueError(msg)


def alarms_among(n_held: int, alpha: float) -> int:
    """Return the number k of n + 1 ranks that give an alarm: p <= alpha is rank <= k."""
    return math.floor(alpha * (n_held + 1) + _ROUNDING)


def threshold(held: ArrayLike, alpha: float) -> float:
    """Return the score above which p <= alpha, given (n,) held-out scores of one model."""
    of = np.sort(held)
    k = alarms_among(len(of), alpha)
    return float(of[-k]) if k else math.inf


def are_alarms(p: Floats, alpha: float, n_held: int) -> NDArray[np.bool_]:
    """Return which (m,) p-values, of n held-out normals, are alpha or less."""
    ranks = np.rint(p * (n_held + 1))
    return np.asarray(ranks <= alarms_among(n_held, alpha))


def false_discoveries(p: Floats, q: float) -> NDArray[np.bool_]:
    """Return which of a batch of (m,) p-values are alarms by Benjamini and Hochberg's rule.

    At most a share q of the alarms is false, on average over batches, where the samples are
    independent; conformal p-values that share their calibration keep that (Bates et al.).
    """
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] <= q * np.arange(1, len(p) + 1) / len(p) + _ROUNDING / len(p))
    alarms = np.zeros(len(p), bool)
    alarms[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return alarms


def false_alarm_band(
    n_held: int, n_normals: int, alpha: float, level: float = 0.95
) -> tuple[float, float]:
    """Return limits of the share of alarms among normals that the calibration has not seen.

    The number is beta-binomial, k = `alarms_among` and n + 1 - k, where no scores are equal; equal
    ones make alarms rarer. The limits leave (1 - level) / 2 on either side, or less.
    """
    k = alarms_among(n_held, alpha)
    if k == 0:
        return 0.0, 0.0
    m, b = n_normals, n_held + 1 - k
    log_p = [
        math.lgamma(m + 1) - math.lgamma(j + 1) - math.lgamma(m - j + 1)
        + math.lgamma(j + k) + math.lgamma(m - j + b) - math.lgamma(m + k + b)
        + math.lgamma(k + b) - math.lgamma(k) - math.lgamma(b)
        for j in range(m + 1)
    ]  # fmt: skip
    cdf = np.cumsum(np.exp(log_p))
    low, high = np.searchsorted(cdf, [(1 - level) / 2, (1 + level) / 2 - _ROUNDING])
    return low / m, min(int(high), m) / m
