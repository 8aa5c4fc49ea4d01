"""Means over the data sets of a board, their differences, and the limits of both.

Every mean, difference and interval that a board, a page, a file or MLflow shows of detectors comes
from here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.boards.cells import row_limits
from bench.boards.grid import Grid
from bench.boards.paired import Paired
from bench.metrics import scored
from bench.stats import averages
from bench.stats.averages import TEST_SETS, Floats, Nesting

SAME = 1e-9  # differences of at most this are of rounding


@dataclass(frozen=True)
class Estimates:
    """What complete detectors reach by a metric.

    Attributes:
        metric: its name.
        labels: of the detectors.
        datasets: names of the data sets.
        by_dataset: (detectors, data sets) means over seeds, without nan.
        nesting: of the data sets in families.
        own: (detectors, data sets) lower and upper limits of the values, nan where there are none;
            one or two data sets need them, and the errors of differences:
        paired: None where these are not known.
        least: the smallest mean that the metric can have.
    """

    metric: str
    labels: tuple[str, ...]
    datasets: tuple[str, ...]
    by_dataset: Floats
    nesting: Nesting
    own: tuple[Floats, Floats] | None
    paired: Paired | None
    least: float

    @property
    def most(self) -> float:
        """The largest mean that the metric can have."""
        return np.inf if scored.get(self.metric).larger_is_better is False else 1

    @property
    def of_test_sets(self) -> bool:
        """Whether the sample is that of the test sets, since data sets are too few to be one."""
        return len(self.datasets) <= TEST_SETS

    def means(self) -> tuple[Floats, Floats, Floats]:
        """(detectors,) the means over data sets, then families, with their 95 % limits."""
        return self._with_limits(self.by_dataset, self.own)

    def typical(self, labels: list[str]) -> tuple[float, float, float]:
        """Return the mean, with its limits, of the median of detectors on each data set."""
        if not labels:
            return np.nan, np.nan, np.nan
        middle = np.median(self.by_dataset[[self.labels.index(each) for each in labels]], axis=0)
        mean, low, high = (float(column[0]) for column in self._with_limits(middle[None], None))
        return mean, low, high

    def most_influential(self) -> tuple[str, Floats]:
        """Return the data set on which means depend most, and their changes without it."""
        means = averages.family_means(self.by_dataset, self.nesting)
        changes = np.array(averages.left_out_means(self.by_dataset, self.nesting)) - means
        most = int(np.abs(changes).mean(axis=1).argmax())
        return self.datasets[most], changes[most]

    def differences(self, reference: str) -> tuple[Floats, Floats, Floats]:
        """(detectors,) means less that of a reference, paired, with their 95 % limits.

        The limits are nan where a difference is the same in all families, and where one or two data
        sets have no errors.
        """
        lines = self.by_dataset - self.by_dataset[self.labels.index(reference)]
        means = averages.family_means(lines, self.nesting)
        if self.paired is None or not self.of_test_sets:
            low, high = averages.interval(lines, self.nesting)
        else:
            reach = self.paired.reach(self.labels, reference)
            low, high = means - reach, means + reach
        return means, *np.clip([low, high], self.least - self.most, self.most - self.least)

    def signs(self, reference: str) -> Floats:
        """(detectors,) 1 where a mean is clearly above that of a reference, -1 clearly below.

        0 where the limits of the difference contain 0, nan where one or two data sets have none.
        """
        means, low, high = self.differences(reference)
        if not self.of_test_sets:  # a difference that never varies has no limits
            low, high = (np.where(np.isnan(limit), means, limit) for limit in (low, high))
        found: Floats = np.where(low > SAME, 1.0, np.where(high < -SAME, -1.0, 0.0))
        return np.where(np.isnan(low), np.nan, found)

    def p(self) -> Floats:
        """(detectors, detectors) two-sided p-values of their differences, by `paired`."""
        assert self.paired is not None
        means = self.means()[0]
        return self.paired.p(self.labels, np.abs(means[:, None] - means))

    def _with_limits(
        self, lines: Floats, own: tuple[Floats, Floats] | None
    ) -> tuple[Floats, Floats, Floats]:
        low, high = averages.interval(lines, self.nesting, own)
        means = averages.family_means(lines, self.nesting)
        return means, *np.clip([low, high], self.least, self.most)


def estimates(
    grid: Grid, rows: pd.DataFrame, metric: str, errors: Paired | None = None
) -> Estimates:
    """Return the estimates of the detectors that have all their rows."""
    whole = np.isfinite(grid.table(rows[metric])).all(axis=1)

    def by_dataset(column: pd.Series) -> Floats:
        return averages.dataset_means(grid.table(column)[whole], grid.nesting)

    own = None
    if len(grid.datasets) <= TEST_SETS:
        low, high = (by_dataset(pd.Series(each)) for each in row_limits(rows, metric))
        own = low, high
    least = 0.0
    if metric == "lifted_average_precision" and whole.any():
        prevalence = rows["prevalence"].to_numpy(float)
        lifted = pd.Series(scored.lifted_average_precision(np.zeros(len(rows)), prevalence))
        least = float(averages.family_means(by_dataset(lifted), grid.nesting).min())
    return Estimates(
        metric, tuple(grid.labels[whole]), tuple(grid.datasets), by_dataset(rows[metric]),
        grid.nesting, own, errors if metric == "auroc" else None, least,
    )  # fmt: skip
