"""What differences say of a claim: supported, refuted or undecided.

A claim holds the true mean over families of data sets to be within limits. It is supported if the
whole confidence interval of the mean is within them, refuted if the whole interval is outside, and
undecided otherwise. The interval knows the spread of the families at hand alone. A difference that
few families carry is in none of them with some chance, and then they agree that nothing differs. So
a verdict that holds where nothing differs takes as many families as show, but for the error, one of
those `RARE` in which a difference is: that equivalence or non-inferiority is supported, and that
superiority is refuted by an interval that is not below 0.

Over several claims the error of the intervals follows Holm's step-down procedure: with k claims
left, each has the k-th part of the error; those that decide leave, and the rest share it again.

S. Holm, Scandinavian Journal of Statistics 6:65-70, 1979.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.stats import averages, student
from bench.stats.averages import Floats, Nesting

Verdict = Literal["supported", "refuted", "undecided"]
FEWEST = 3  # families of which a spread says something
RARE = 0.1  # share of families that may carry a difference alone, see above
POWER = 0.8  # chance that so many families decide, at the estimated effect
MOST = 10_000  # families that are ever asked for


@dataclass(frozen=True)
class Sample:
    """The differences that a claim is about, and the region in which it holds their mean to be.

    Attributes:
        values: (data sets,) without nan.
        nesting: of them in families.
        region: lower and upper limit.
    """

    values: Floats
    nesting: Nesting
    region: tuple[float, float]

    @property
    def families(self) -> Floats:
        """(families,) the means of their data sets."""
        means: Floats = averages.by_family(self.values[None], self.nesting)[0]
        return means

    @property
    def estimate(self) -> float:
        """The mean over families."""
        return float(np.round(self.families.mean(), averages.TIE))

    def interval(self, error: float) -> tuple[float, float]:
        """Return the limits of the mean, nan where there are none."""
        if len(self.families) < FEWEST:
            return math.nan, math.nan
        low, high = averages.interval(self.values[None], self.nesting, alpha=error)
        return float(low[0]), float(high[0])

    def verdict(self, error: float) -> Verdict:
        """Return what the interval says; a difference that never varies is its own interval."""
        n = len(self.families)
        if n < FEWEST:
            return "undecided"
        low, high = self.interval(error)
        if math.isnan(low):
            low = high = self.estimate
        return self.says(low, high, n, error)

    def says(self, low: float, high: float, n_families: float, error: float) -> Verdict:
        """Return what limits of the mean of so many families say."""
        least, most = self.region
        refuted = high < least or low > most
        if not refuted and not least < low <= high < most:
            return "undecided"
        holds_without_difference = 0 <= high < least if refuted else least < 0 < most
        if holds_without_difference and n_families < needed(error):
            return "undecided"
        return "refuted" if refuted else "supported"

    def more_families(self, error: float) -> float:
        """Return how many more families decide with a chance of `POWER`, at the estimated effect.

        As many as bring the limits, at the spread and the skewness of the present families, closer
        to the estimate than the limits of the region are, by what `POWER` takes, and no fewer than
        are `needed`. Infinite for more than `MOST`, nan if there are too few families to say.
        """
        n, estimate = len(self.families), self.estimate
        if n < FEWEST:
            return math.nan
        variance, third = averages.moments(self.families[None])

        def decides(size: int) -> bool:
            chance = float(student.quantile(2 * POWER - 1, size - 1))
            spare = chance * np.sqrt(variance / size)
            below, above = np.array(averages.reach(variance, third, size, error)) + spare
            if not math.isfinite(variance[0]):  # nothing varies
                below = above = np.zeros(1)
            low, high = float(estimate - below[0]), float(estimate + above[0])
            return self.says(low, high, size, error) != "undecided"

        sizes = range(n, MOST + 1)
        found = bisect_left(sizes, True, key=decides)
        return math.inf if found == len(sizes) else float(found)


def needed(error: float) -> int:
    """Return how many families a verdict takes that holds where nothing differs."""
    return max(FEWEST, math.ceil(math.log(error) / math.log(1 - RARE)))


def holm(samples: Sequence[Sample | None], error: float) -> tuple[list[Verdict], float]:
    """Return the verdict of each claim, and the error that each undecided one is left with.

    Args:
        samples: of all claims; None where a claim's rows are missing, which stays undecided.
        error: of all verdicts together.
    """
    verdicts: list[Verdict] = ["undecided"] * len(samples)
    left = list(range(len(samples)))
    while left:
        share = error / len(left)
        found = {i: one.verdict(share) for i in left if (one := samples[i]) is not None}
        decided = [i for i, verdict in found.items() if verdict != "undecided"]
        if not decided:
            return verdicts, share
        for i in decided:
            verdicts[i] = found[i]
        left = [i for i in left if i not in decided]
    return verdicts, error
