"""95 % intervals of one row's AUROC and average precision, for whole columns at once.

AUROC: DeLong's standard error on the logit scale, which keeps the limits inside (0, 1). It
degenerates to zero width when the classes are perfectly separated (AUROC 0 or 1) or all components
are alike, and does not exist with one anomaly or one normal; there the interval is Newcombe's
method 5, which needs the class sizes alone. With few samples of a class DeLong's error is often far
too small near 1 (10 anomalies and 1619 normals of binormal scores at AUROC .98: 76 % coverage;
20 and 300: 87 %), while Newcombe's falls short where anomalies are of two kinds (80 to 90 %). So
below 100 anomalies or 100 normals the interval is the hull of both (at least 95 % in the first two,
86 to 97 % in mixtures).

AP: the logit interval of Boyd, Eng & Page, as wide as a proportion's with as many trials as there
are anomalies.

E. R. DeLong et al., Biometrics 44:837-845, 1988, doi:10.2307/2531595;
R. G. Newcombe, Statistics in Medicine 25:559-573, 2006, doi:10.1002/sim.2324;
J. A. Hanley & B. J. McNeil, Radiology 143:29-36, 1982, doi:10.1148/radiology.143.1.7063747;
K. Boyd, K. H. Eng & C. D. Page, ECML PKDD 2013, doi:10.1007/978-3-642-40994-3_29.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
FEW = 100  # samples of a class below which DeLong alone is too narrow
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


def auroc_interval(
    auroc: ArrayLike, se: ArrayLike, n_anomalies: ArrayLike, n_normals: ArrayLike
) -> tuple[Floats, Floats]:
    """Lower and upper limits (n,) of AUROCs (n,) with DeLong standard errors `se` (n,).

    A nan AUROC, or missing class sizes where Newcombe's method is needed, gives nan limits.
    """
    a, se, m, n = _columns(auroc, se, n_anomalies, n_normals)
    inner = (a > 0) & (a < 1) & (se > 0)
    centre = np.where(inner, a, 0.5)
    spread = Z * np.where(inner, se, 0) / (centre * (1 - centre))  # delta method
    low = np.where(inner, _expit(_logit(centre) - spread), np.nan)
    high = np.where(inner, _expit(_logit(centre) + spread), np.nan)
    smaller = np.minimum(m, n)
    few = np.isfinite(a) & (smaller >= 1) & (~inner | (smaller < FEW))
    low[few] = np.fmin(low[few], _newcombe_lower(a[few], m[few], n[few]))
    high[few] = np.fmax(high[few], 1 - _newcombe_lower(1 - a[few], m[few], n[few]))
    return low, high


def average_precision_interval(
    average_precision: ArrayLike, n_anomalies: ArrayLike
) -> tuple[Floats, Floats]:
    """Lower and upper limits (n,) of average precisions (n,) over `n_anomalies` (n,) each.

    Continuity: the logit interval is centred on the AP moved into [1/(k+1), k/(k+1)], k anomalies.
    Nearer to 1 (or 0) its lower (upper) limit would turn back and fall to 0 (rise to 1). The
    interval is then widened, where needed, to hold the AP itself, so an AP of 1 has the upper
    limit 1.
    """
    ap, k = _columns(average_precision, n_anomalies)
    k = np.where(k >= 1, k, np.nan)
    centre = np.clip(ap, 1 / (k + 1), k / (k + 1))
    spread = Z / np.sqrt(k * centre * (1 - centre))
    low, high = _expit(_logit(centre) - spread), _expit(_logit(centre) + spread)
    return np.minimum(low, ap), np.maximum(high, ap)


def _newcombe_lower(auroc: Floats, m: Floats, n: Floats) -> Floats:
    """Method 5: the t below `auroc` with auroc - t = z sqrt(V(t)), by bisection.

    V is Hanley & McNeil's variance under exponential scores with both class sizes, in its two
    covariance terms, replaced by their mean.
    """
    middle = (m + n) / 2 - 1
    low, high = np.zeros_like(auroc), auroc.copy()
    for _ in range(52):  # down to the precision of a double
        t = (low + high) / 2
        variance = t * (1 - t) / (m * n) * (1 + middle * ((1 - t) / (2 - t) + t / (1 + t)))
        below = auroc - t > Z * np.sqrt(variance)
        low, high = np.where(below, t, low), np.where(below, high, t)
    return low


def _columns(*values: ArrayLike) -> list[Floats]:
    return list(np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in values)))


def _logit(p: Floats) -> Floats:
    return np.log(p) - np.log1p(-p)


def _expit(x: Floats) -> Floats:
    return (1 + np.tanh(x / 2)) / 2  # neither overflows nor warns of nan
