"""The metrics, in one table.

A metric is a function of the labels `y` (n,), 0 for normal and 1 for anomaly, and the scores (n,),
larger for more anomalous. The table has further kinds, so that a board can rank by them: a value
derived from two stored metrics, values of pixels (`bench.metrics.pixels`), and costs, which the
harness measures itself.

The table is importable with numpy alone; scikit-learn is imported when a metric is computed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.conformal import are_alarms, p_values
from detectors.settings import nearest

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]

MAX_FALSE_POSITIVE_RATE = 0.05
NOMINAL_ALARM_RATE = 0.05
HELD = -1  # in place of the label of a training sample that was held out of the fit
OF_ALARMS = ("alarm_rate@0.05", "alarm_recall@0.05")
OF_PIXELS = ("pixel_auroc", "pixel_average_precision", "aupro", "aupro@fpr=0.05", "aupimo")


@dataclass(frozen=True)
class Metric:
    """One line of the table of metrics.

    name: in the store, the suites and `--metric`.
    label: its printed column head, with the unit.
    function: (y, scores) -> float; None for a derived value, one of pixels or a cost.
    larger_is_better: None if the value says nothing about quality; no board ranks by it.
    help: one sentence.
    """

    name: str
    label: str
    function: Callable[[Labels, Floats], float] | None
    larger_is_better: bool | None
    help: str


def compute(y: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    """Return all metrics that are functions of labels and scores.

    y: (n,), 0 or 1, both present; HELD for training samples that were held out of the fit, without
    which the metrics of alarms are absent. scores: (n,), finite, larger for more anomalous.
    Raises ValueError when shapes differ, a score is not finite or a class is absent.
    """
    y, scores = _checked(y, scores)
    tested = y != HELD
    values = {
        m.name: float(m.function(y[tested], scores[tested])) for m in METRICS.values() if m.function
    }
    if tested.all():
        return values
    p = p_values([scores[tested]], [scores[~tested]])
    alarms = are_alarms(p, NOMINAL_ALARM_RATE, int(np.count_nonzero(~tested)))
    of = {"alarm_rate@0.05": 0, "alarm_recall@0.05": 1}
    return values | {name: float(alarms[y[tested] == kind].mean()) for name, kind in of.items()}


def get(name: str) -> Metric:
    """Return the metric of that name; ValueError with the nearest names otherwise."""
    if name not in METRICS:
        msg = f"unknown metric {name!r}; {nearest(name.lower(), METRICS)}"
        raise ValueError(msg)
    return METRICS[name]


def of_quality(name: str) -> Metric:
    """Return the metric of that name; ValueError unless larger is better."""
    metric = get(name)
    if not metric.larger_is_better:
        able = ", ".join(m.name for m in METRICS.values() if m.larger_is_better)
        msg = f"{name!r} does not measure quality; choose one of {able}"
        raise ValueError(msg)
    return metric


def auroc(y: Labels, scores: Floats) -> float:
    """Area under the ROC curve, a tie between an anomaly and a normal counting one half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, scores))


def auroc_se(y: Labels, scores: Floats) -> float:
    """Standard error of the AUROC, after DeLong, DeLong & Clarke-Pearson (1988).

    nan with fewer than two anomalies or two normals, where a variance within the class does not
    exist.

    E. R. DeLong et al., Biometrics 44:837-845, 1988, doi:10.2307/2531595.
    """
    m = int(np.count_nonzero(y))
    n = len(y) - m
    if m < 2 or n < 2:
        return float("nan")
    of_anomalies, of_normals = delong_components(y, scores)
    return float(np.sqrt(of_anomalies.var(ddof=1) / m + of_normals.var(ddof=1) / n))


def delong_components(y: Labels, scores: Floats) -> tuple[Floats, Floats]:
    """Return what the AUROC is the mean of, by anomaly and by normal.

    The fast algorithm of Sun & Xu (2014), O(n log n): with mid-ranks among all scores and within
    each class, an anomaly's component is the share of normals it exceeds, a normal's the share of
    anomalies above it, ties counting one half.

    X. Sun & W. Xu, IEEE Signal Processing Letters 21:1389-1393, 2014, doi:10.1109/LSP.2014.2337313.
    """
    positive, negative = scores[y == 1], scores[y == 0]
    ranks = _midranks(scores)
    of_anomalies: Floats = (ranks[y == 1] - _midranks(positive)) / len(negative)
    of_normals: Floats = 1 - (ranks[y == 0] - _midranks(negative)) / len(positive)
    return of_anomalies, of_normals


def average_precision(y: Labels, scores: Floats) -> float:
    """Sum of precision times the step in recall over distinct scores (no trapezoids)."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, scores))


def prevalence(y: Labels, scores: Floats) -> float:
    """Share of anomalies in the test set: the average precision of a random order."""
    return float(y.mean())


def recall_at_fpr(y: Labels, scores: Floats) -> float:
    """Largest recall among the points of the ROC curve whose false-positive rate is <= 0.05.

    Tied scores pass together or not at all, so a point is always attainable: nothing is
    interpolated.
    """
    order, ends = descending(scores)
    hits = np.cumsum(y[order])[ends]
    alarms = np.cumsum(1 - y[order])[ends]
    allowed = alarms / (len(y) - y.sum()) <= MAX_FALSE_POSITIVE_RATE
    return float(hits[allowed].max(initial=0) / y.sum())


def descending(scores: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order (n,) of scores from the largest down, and where in it each tie ends."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)


def distinct(y: Labels, scores: Floats) -> float:
    """Number of distinct scores."""
    return float(len(np.unique(scores)))


def lifted_average_precision(average_precision: Floats, prevalence: Floats) -> Floats:
    """(AP - prevalence) / (1 - prevalence) of whole columns (n,)."""
    return (average_precision - prevalence) / (1 - prevalence)


def value_of(record: Mapping[str, Any], metric: str) -> float:
    """Return a stored row's value of a metric, also of one that is derived from others."""
    if metric == "lifted_average_precision":
        ap, base = (np.array([record[n]]) for n in ("average_precision", "prevalence"))
        return float(lifted_average_precision(ap, base)[0])
    return float(record[metric])


def _midranks(values: Floats) -> Floats:
    """(n,) ranks from 1, tied values sharing the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def refuse_not_finite(values: NDArray[np.floating], what: str) -> None:
    """Raise ValueError if a value, of what the message calls `what`, is NaN or infinite."""
    n_bad = np.count_nonzero(~np.isfinite(values))
    if n_bad:
        msg = f"{n_bad} of {values.size} {what} are not finite; metrics need finite scores"
        raise ValueError(msg)


def _checked(y: ArrayLike, scores: ArrayLike) -> tuple[Labels, Floats]:
    labels, values = np.asarray(y), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != values.shape:
        msg = f"labels {labels.shape} and scores {values.shape} must be one-dimensional and alike"
        raise ValueError(msg)
    refuse_not_finite(values, "scores")
    found = np.unique(labels[labels != HELD])
    if not np.array_equal(found, [0, 1]):
        msg = f"labels must be 0 and 1, both present; found {found[:5].tolist()}"
        raise ValueError(msg)
    return labels.astype(np.int64), values


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric(
            "auroc", "AUROC", auroc, True,
            "Area under the ROC curve: the chance that an anomaly scores above a normal.",
        ),
        Metric(
            "auroc_se", "AUROC s.e.", auroc_se, None,
            "DeLong standard error of the AUROC.",
        ),
        Metric(
            "average_precision", "AP", average_precision, True,
            "Average precision; compare it with the prevalence, the value of a random order.",
        ),
        Metric(
            "lifted_average_precision", "chance-adjusted AP", None, True,
            "(AP - prevalence) / (1 - prevalence): 0 for a random order, 1 for a perfect one.",
        ),
        Metric(
            "prevalence", "prevalence", prevalence, None,
            "Share of anomalies in the test set.",
        ),
        Metric(
            "recall@fpr=0.05", "recall@5%", recall_at_fpr, True,
            "Largest recall at a false-positive rate of at most 0.05; a point of the ROC curve of "
            "the test set, not a threshold that could have been set beforehand.",
        ),
        Metric(
            "alarm_recall@0.05", "alarm recall@5%", None, True,
            "Share of the anomalies with an alarm, at a threshold from held-out training samples: "
            "p <= 0.05 by split-conformal p-values; for protocols with `calibration`.",
        ),
        Metric(
            "alarm_rate@0.05", "false alarms@5%", None, None,
            "Share of the normal test samples with an alarm at that threshold: at most 0.05 on "
            "average where they are like the training samples.",
        ),
        Metric(
            "distinct", "distinct", distinct, None,
            "Number of distinct scores in the test set.",
        ),
        Metric(
            "pixel_auroc", "pixel AUROC", None, True,
            "AUROC of all pixels of the test set, for suites with `pixels = true`; large defects "
            "have the most weight, and the many normal pixels increase it.",
        ),
        Metric(
            "pixel_average_precision", "pixel AP", None, True,
            "Average precision of all pixels of the test set; large defects have the most weight.",
        ),
        Metric(
            "aupro", "AUPRO", None, True,
            "Mean over the defects of the share found, against the false-positive rate of pixels "
            "up to 0.3, as an area divided by 0.3; for suites with `pixels = true`.",
        ),
        Metric(
            "aupro@fpr=0.05", "AUPRO@5%", None, True,
            "As `aupro`, up to a false-positive rate of 0.05.",
        ),
        Metric(
            "aupimo", "AUPIMO", None, True,
            "Mean over the anomalous images of the share of anomalous pixels found, at false-"
            "positive rates of 0.00001 to 0.0001 of the pixels of normal images, over the "
            "logarithm of the rate; absent where these have fewer than 100,000 pixels.",
        ),
        Metric(
            "fit_seconds", "fit s", None, False,
            "CPU seconds of a fit; a read-out or head has the cost of its model.",
        ),
        Metric(
            "score_us", "\N{MICRO SIGN}s/x", None, False,
            "Microseconds to score one sample.",
        ),
        Metric(
            "peak_mib", "peak MiB", None, False,
            "Peak memory above the start, in MiB.",
        ),
        Metric(
            "parameters", "parameters", None, False,
            "Number of trained parameters; absent for a method without them.",
        ),
    )
}  # fmt: skip
