"""Differences of detectors on one or two data sets: paired, by DeLong's method.

Few data sets say nothing of others, so the samples are the test sets and, where there are several,
the seeds. On each data set the variance of a difference is DeLong's, with what it lacks for few
samples, averaged over the seeds, since their test sets share anomalies, plus that of a mean over
seeds. Data sets of one family may share samples as well, so their errors are averaged; those of
different families are independent. The degrees of freedom are Welch and Satterthwaite's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.metrics.delong import Components
from bench.stats import student
from bench.stats.averages import TEST_SETS, Floats, Nesting
from bench.stats.intervals import LEVEL

Scores = Callable[[str], tuple[NDArray[np.int8], Floats] | None]


@dataclass(frozen=True)
class Paired:
    """Errors of the differences of mean AUROCs between detectors.

    Attributes:
        labels: of the detectors.
        variance: (detectors, detectors) of each difference.
        freedom: (detectors, detectors) its degrees of freedom.
    """

    labels: tuple[str, ...]
    variance: Floats
    freedom: Floats

    def reach(self, labels: Sequence[str], reference: str) -> Floats:
        """(labels,) half the widths of the 95 % intervals of differences from the reference."""
        of, ref = [self.labels.index(label) for label in labels], self.labels.index(reference)
        reach: Floats = student.quantile(LEVEL, self.freedom[of, ref])
        return reach * np.sqrt(self.variance[of, ref])

    def p(self, labels: Sequence[str], differences: Floats) -> Floats:
        """(labels, labels) two-sided p-values of differences of the same shape; 1 if both are 0."""
        from scipy.special import stdtr

        of = np.ix_(*2 * [[self.labels.index(label) for label in labels]])
        error = np.sqrt(self.variance[of])
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(differences == 0, 0, np.abs(differences) / error)
        p: Floats = 2 * stdtr(self.freedom[of], -t)
        return p


def paired(rows: pd.DataFrame, labels: Collection[str], scores: Scores) -> Paired | None:
    """Return the errors for detectors with all their rows; None if they cannot be computed.

    There are none for more than two data sets, for fewer than two detectors, where scores are not
    stored or are not of the same test set, or for a test set with a single sample of a class.

    Args:
        rows: a line for each row, with its `key`.
        labels: of the detectors, which have a row for each data set and seed.
        scores: from a row's key to labels and scores (n_test,), None if it has none.
    """
    names = sorted(rows["dataset"].unique())
    if len(names) > TEST_SETS or len(labels) < 2:
        return None
    ordered = tuple(sorted(labels))
    of_sets, families = [], []
    for name in names:
        own = rows[(rows["dataset"] == name) & rows["label"].isin(ordered)]
        found = _of_data_set(own.sort_values("label"), len(ordered), scores)
        if found is None:
            return None
        of_sets.append(found)
        families.append(own["dataset_family"].iloc[0])
    return Paired(ordered, *_combined(of_sets, Nesting.of(families, names)))


def _of_data_set(rows: pd.DataFrame, n: int, scores: Scores) -> tuple[Floats, Floats] | None:
    """Return variances and degrees of freedom (n, n) on a data set; None as `paired` says."""
    parts, means = [], []
    for _, own in rows.groupby("seed"):
        stored = [scores(key) for key in own["key"]]
        there = [pair for pair in stored if pair is not None]
        if len(there) < n:
            return None
        truth = there[0][0]
        if not all(np.array_equal(truth, y) for y, _ in there):
            return None
        sizes = np.bincount(truth, minlength=2)[::-1]  # anomalies, normals
        if sizes.min() < 2:
            return None
        components = Components.of(truth, [each for _, each in there])
        parts.append((sizes, (*components.variances(), components.lacking())))
        means.append(own["auroc"].to_numpy(float))
    sizes = np.min([size for size, _ in parts], axis=0)
    pieces = [*np.mean([pair for _, pair in parts], axis=0)]
    freedoms = [*(sizes - 1), sizes.min() - 1]
    if len(means) > 1:
        table = np.array(means)  # (seeds, n)
        spread = (table[:, :, None] - table[:, None, :]).var(axis=0, ddof=1)
        pieces.append(spread / len(means))
        freedoms.append(len(means) - 1)
    return _summed(np.array(pieces), np.array(freedoms)[:, None, None])


def _combined(parts: Sequence[tuple[Floats, Floats]], nesting: Nesting) -> tuple[Floats, Floats]:
    """Return the variance of the mean over families and its degrees of freedom."""
    families = []
    for family in range(int(nesting.family.max()) + 1):
        own = [part for part, its in zip(parts, nesting.family, strict=True) if its == family]
        error = np.mean([np.sqrt(variance) for variance, _ in own], axis=0)
        families.append((error**2, np.min([freedom for _, freedom in own], axis=0)))
    variances = np.array([variance for variance, _ in families]) / len(families) ** 2
    return _summed(variances, np.array([freedom for _, freedom in families]))


def _summed(parts: Floats, freedoms: Floats) -> tuple[Floats, Floats]:
    """Return the sum of variances (parts, ...) and its degrees of freedom; 1 where it is 0."""
    total = parts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        freedom = total**2 / (parts**2 / freedoms).sum(axis=0)
    return total, np.where(total > 0, freedom, 1.0)
