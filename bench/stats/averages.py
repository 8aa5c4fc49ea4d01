"""Statistics over data sets and seeds: family averages, mean ranks, their intervals.

Results lie in a table of values (detectors, columns); a column is one data set and seed. Data sets
come in families (all `digits/K` are one), whose members are not independent, so every mean is taken
over the seeds of a data set, then over the data sets of a family, then over families.

Only numpy: a board must not wait for scipy to be imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats import student
from bench.stats.intervals import LEVEL

Floats = NDArray[np.float64]

NOMINAL = 0.97  # of limits that hold 95 % with few families and a skewed effect, see `interval`
ALPHA = 1 - LEVEL
TAIL = 1.5  # power by which the nominal alpha falls with alpha: skewness counts more far out
TEST_SETS = 2  # data sets up to which intervals are of the test sets, not of other data sets
TIE = 12  # decimals; means of seeds differing less are one rank


@dataclass(frozen=True)
class Nesting:
    """How the columns of a table of values nest: in data sets, and these in families.

    dataset: (columns,) index into `family`; every data set has at least one column.
    family: (data sets,) index of the family of each data set, 0 to the number of families - 1.
    """

    dataset: NDArray[np.intp]
    family: NDArray[np.intp]

    @classmethod
    def of(cls, families: Sequence[str], datasets: Sequence[str]) -> "Nesting":
        """From the names (columns,) of family and data set of each; indices in sorted order."""
        _, first, dataset = np.unique(datasets, return_index=True, return_inverse=True)
        _, family = np.unique(np.asarray(families)[first], return_inverse=True)
        return cls(dataset, family)

    def __len__(self) -> int:
        return len(self.dataset)


def dataset_means(values: Floats, nesting: Nesting) -> Floats:
    """(detectors, data sets): means over the seeds present; nan where none is."""
    return _grouped_means(values, nesting.dataset)


def family_means(by_dataset: Floats, nesting: Nesting) -> Floats:
    """(detectors,): means over data sets (detectors, data sets) within families, then families.

    Data sets and families without a value are left out, so an incomplete detector's mean is over
    less than a complete one's and the two do not compare.
    """
    families = by_family(by_dataset, nesting)
    return _grouped_means(families, np.zeros(families.shape[1], np.intp))[:, 0]


def by_family(by_dataset: Floats, nesting: Nesting) -> Floats:
    """(detectors, families): means of data sets (detectors, data sets); nan where none is."""
    return _grouped_means(by_dataset, nesting.family)


def ranks(by_dataset: Floats, *, larger_is_better: bool = True) -> Floats:
    """(detectors, data sets) ranks within each data set, 1 the best, ties sharing their mean."""
    means = np.round(by_dataset, TIE)
    means = -means if larger_is_better else means
    better = (means[None, :, :] < means[:, None, :]).sum(axis=1)  # (detectors, data sets)
    equal = (means[None, :, :] == means[:, None, :]).sum(axis=1)  # itself included
    found: Floats = better + (equal + 1) / 2
    return found


def left_out_means(by_dataset: Floats, nesting: Nesting) -> list[Floats]:
    """Return the `family_means` (detectors,) without each data set in turn; of one, nothing."""
    n = by_dataset.shape[1]
    keep = ~np.eye(n, dtype=bool)
    lines = [np.where(kept, by_dataset, np.nan) for kept in keep]
    return [family_means(line, nesting) for line in lines] if n > 1 else []


def interval(
    by_dataset: Floats,
    nesting: Nesting,
    own: tuple[Floats, Floats] | None = None,
    alpha: float = ALPHA,
) -> tuple[Floats, Floats]:
    """95 % limits (lines,) of the `family_means` of lines (lines, data sets) without nan.

    From three data sets the means of the families are the sample (of one family, its data sets):
    Student's t, which the spread of few families needs, and beyond it, on the side of the longer
    tail, Johnson's correction for skewness. nan where all of them agree: an interval of zero width
    would claim certainty. The nominal level is `NOMINAL`, by simulation: 4 to 10 families held the
    truth in 98 % for a normal effect, and in 94 to 95 % for an exponential one (skewness 2).

    One or two data sets say nothing of others. Their limits are of their test sets, from `own`, and
    nan without it: in a family the means of the limits, since its data sets may share samples;
    over independent families the distances of the limits from the means add up as squares.

    N. J. Johnson, "Modified t tests and confidence intervals for asymmetrical populations", Journal
    of the American Statistical Association 73:536-544, 1978, doi:10.2307/2286597; of the sum: G. Y.
    Zou & A. Donner, Statistics in Medicine 27:1693-1702, 2008, doi:10.1002/sim.3095.

    Args:
        by_dataset: means over seeds.
        nesting: of its columns.
        own: (lines, data sets) lower and upper limits of each value.
        alpha: how often the limits may miss, if not in 5 % of cases; for three data sets and more.
            The alpha of the nominal level falls with its power `TAIL`. By simulation, with an
            exponential effect of 5 to 30 families, limits of 1 % missed in .6 to 1.4 %, and those
            of .25 % (20 claims that share 5 %) in .16 to .41 %, most often at 7 to 10 families;
            with a normal effect in .2 and .03 %.
    """
    families = by_family(by_dataset, nesting)
    means = families.mean(axis=1)
    if len(nesting.family) > TEST_SETS:
        return _of_sample(families if families.shape[1] > 1 else by_dataset, alpha)
    if own is None:
        return np.full_like(means, np.nan), np.full_like(means, np.nan)
    apart = [by_family(np.abs(by_dataset - limit), nesting) for limit in own]
    below, above = (np.sqrt((part**2).sum(axis=1)) / families.shape[1] for part in apart)
    return means - below, means + above


def _of_sample(sample: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Limits (lines,) of the means of samples (lines, units); nan where all units agree."""
    means = sample.mean(axis=1)
    below, above = reach(*moments(sample), sample.shape[1], alpha)
    return means - below, means + above


def moments(sample: Floats) -> tuple[Floats, Floats]:
    """(lines,) variances and third central moments of samples (lines, units).

    nan where all units agree; of two units the third moment is 0.
    """
    n = sample.shape[1]
    means = sample.mean(axis=1)
    apart = sample - means[:, None]
    flat = np.abs(apart).max(axis=1) <= 1e-9 * np.maximum(1, np.abs(means))
    variance = np.where(flat, np.nan, (apart**2).sum(axis=1) / (n - 1))
    third = n * (apart**3).sum(axis=1) / ((n - 1) * (n - 2)) if n > 2 else np.zeros_like(means)
    return variance, third


def reach(variance: Floats, third: Floats, n: int, alpha: float = ALPHA) -> tuple[Floats, Floats]:
    """(lines,) how far the limits of `interval` are below and above means of n units.

    Args:
        variance: (lines,) and third central moment (lines,) of a unit.
        third: see there.
        n: number of units.
        alpha: as for `interval`.
    """
    t = float(student.quantile(1 - (1 - NOMINAL) * (alpha / ALPHA) ** TAIL, n - 1))
    half = t * np.sqrt(variance / n)
    shift = (1 + 2 * t**2) * third / (6 * n * variance)
    return half - np.minimum(shift, 0), half + np.maximum(shift, 0)


def _grouped_means(values: Floats, group: NDArray[np.intp]) -> Floats:
    """(rows, groups) means of the columns of each group, nan left out; nan for an empty group."""
    member = np.eye(int(group.max()) + 1)[group]  # (columns, groups)
    present = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        means: Floats = (np.where(present, values, 0) @ member) / (present @ member)
    return means
