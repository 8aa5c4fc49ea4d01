"""Do detectors differ? Tests and effect sizes over blocks: data sets, or families of them.

Functions take `values` (detectors, blocks), without nan, larger is better, or their `ranks`, as
`bench.boards.blocks` makes them of a board. Friedman's test asks whether any differ, Wilcoxon's
signed-rank test with Holm's correction which pairs do; Nemenyi's critical difference belongs to the
diagram of mean ranks, and depends on who else is compared.

J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7:1-30, 2006;
A. Benavoli, G. Corani & F. Mangili, "Should we really use post-hoc tests based on mean-ranks?",
JMLR 17(5):1-10, 2016.

scipy is imported when a test is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats import averages
from bench.stats.averages import Floats, Nesting
from bench.stats.intervals import LEVEL

ALPHA = 1 - LEVEL
EXACT = 50  # blocks up to which Wilcoxon's distribution is exact


@dataclass(frozen=True)
class Friedman:
    """Friedman's test that all detectors have equal ranks.

    Attributes:
        chi2: the statistic, corrected for ties; k - 1 degrees of freedom for k detectors.
        p: its p-value, by the chi-squared approximation.
        f: Iman and Davenport's less conservative statistic; (k - 1, (k - 1)(n - 1)) degrees of
            freedom for n blocks; infinite where all blocks agree.
        f_p: its p-value.
    """

    chi2: float
    p: float
    f: float
    f_p: float


def friedman(ranks: Floats) -> Friedman:
    """Return Friedman's test with Iman and Davenport's correction.

    Args:
        ranks: (detectors, blocks) of the detectors in each block, or means of their ranks in parts
            of it; the statistic is scaled by their spread, as for ties.

    Raises:
        ValueError: fewer than three detectors or two blocks.
    """
    from scipy.stats import chi2 as chi2_distribution
    from scipy.stats import f as f_distribution

    k, n = ranks.shape
    if k < 3 or n < 2:
        msg = f"Friedman's test needs 3 detectors and 2 blocks, here {k} and {n}; see the pairs"
        raise ValueError(msg)
    spread = _spread(ranks)
    if spread == 0:
        return Friedman(0.0, 1.0, 0.0, 1.0)
    between = n**2 * float(((ranks.mean(axis=1) - (k + 1) / 2) ** 2).sum())
    chi2 = (k - 1) * between / spread
    rest = n * (k - 1) - chi2
    f = (n - 1) * chi2 / rest if rest > 1e-9 else np.inf
    return Friedman(
        chi2,
        float(chi2_distribution.sf(chi2, k - 1)),
        float(f),
        float(f_distribution.sf(f, k - 1, (k - 1) * (n - 1))),
    )


@dataclass(frozen=True)
class Pairs:
    """Wilcoxon's signed-rank test of all pairs.

    Attributes:
        p: (detectors, detectors) two-sided p-values; 1 on the diagonal.
        holm: the same, corrected for the number of pairs after Holm.
        least: the least p-value that so few blocks can give.
    """

    p: Floats
    holm: Floats
    least: float


def wilcoxon(values: Floats) -> Pairs:
    """Return the two-sided signed-rank test of all pairs, with Holm's correction.

    Ranks of zero differences are shared out evenly, as Demsar advises. Up to 50 blocks the p-value
    is exact given ties and zeros; beyond, it is scipy's normal approximation. scipy's own exact
    test admits no ties, and enumerating the signs takes seconds for a board.
    """
    k, n = values.shape
    first, second = np.triu_indices(k, 1)
    differences = np.round(values[first] - values[second], averages.TIE)
    found = _exact_p(differences) if n <= EXACT else _approximate_p(differences)
    p, corrected = np.ones((k, k)), np.ones((k, k))
    for table, column in ((p, found), (corrected, holm(found))):
        table[first, second] = table[second, first] = column
    return Pairs(p, corrected, min(1.0, 2.0 ** (1 - n)))


def _exact_p(differences: Floats) -> Floats:
    """(pairs,) p-values of differences (pairs, blocks): the law of the rank sum, by convolution."""
    from scipy.stats import rankdata

    doubled = np.rint(2 * rankdata(np.abs(differences), axis=1)).astype(int)  # mid-ranks, whole
    found = np.ones(len(differences))
    for pair, (d, rank) in enumerate(zip(differences, doubled, strict=True)):
        law = np.zeros(rank.sum() + 1)  # of the doubled sum of ranks with a positive sign
        law[0] = 1
        for r in rank[d != 0]:
            law[r:] += law[:-r].copy()
            law /= 2
        positive = int(rank[d > 0].sum())
        found[pair] = 2 * min(law[: positive + 1].sum(), law[positive:].sum())
    return np.minimum(found, 1)


def _approximate_p(differences: Floats) -> Floats:
    from scipy.stats import wilcoxon as signed_rank

    found = np.ones(len(differences))
    some = (differences != 0).any(axis=1)
    if some.any():
        tested: Floats = differences[some].T
        found[some] = signed_rank(tested, zero_method="zsplit", method="approx").pvalue
    return found


def holm(p: Floats) -> Floats:
    """(tests,) p-values corrected by Holm's step-down procedure.

    S. Holm, Scandinavian Journal of Statistics 6:65-70, 1979.
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    factors = len(p) - np.arange(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def critical_difference(ranks: Floats) -> float:
    """Return Nemenyi's: smaller differences of mean ranks are not significant at the 5 % level.

    q sqrt(k (k + 1) / (6 n)), q the 95 % point of the studentized range divided by sqrt(2), where
    each of n blocks ranks k detectors without ties; else by the spread of the ranks, as for
    `friedman`.

    Args:
        ranks: (detectors, blocks), as for `friedman`.
    """
    from scipy.stats import studentized_range

    k, n = ranks.shape
    q = studentized_range.ppf(LEVEL, k, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(2 * _spread(ranks) / (k - 1)) / n)


def _spread(ranks: Floats) -> float:
    """Return the sum of squares about the mean rank: n k (k^2 - 1) / 12 without ties."""
    return float(((ranks - (len(ranks) + 1) / 2) ** 2).sum())


def cliques(mean_ranks: Sequence[float], difference: float) -> list[tuple[int, ...]]:
    """Return the largest groups of detectors whose mean ranks span less than `difference`.

    Each is a tuple of indices, the best rank first; groups of one, and those within another, are
    left out.
    """
    order = np.argsort(mean_ranks, kind="stable")
    ordered = np.asarray(mean_ranks)[order]
    ends = np.searchsorted(ordered, ordered + difference, side="left")  # first that is too far
    found, reached = [], 0
    for start, end in enumerate(ends):
        if end > max(reached, start + 1):
            found.append(tuple(int(i) for i in order[start:end]))
            reached = end
    return found


def win_tie_loss(values: Floats, margin: float = 0.0) -> NDArray[np.intp]:
    """(detectors, detectors, 3): blocks on which the first is better, no different, worse.

    A difference of at most `margin`, in units of the metric, is a tie.

    Raises:
        ValueError: a negative margin.
    """
    if margin < 0:
        msg = f"margin is {margin}; give 0 or a positive difference of the metric"
        raise ValueError(msg)
    difference = np.round(values[:, None, :] - values[None, :, :], averages.TIE)
    won = (difference > margin).sum(axis=2)
    lost = (difference < -margin).sum(axis=2)
    return np.stack([won, values.shape[1] - won - lost, lost], axis=2)


def superiority(values: Floats, other: Floats, nesting: Nesting) -> tuple[Floats, Floats, Floats]:
    """(detectors,) chance that a detector beats another on a block, with its 95 % limits.

    Ties count one half. Blocks of a family are averaged first, and the limits are those of
    `averages.interval`; nan where all blocks agree.

    Args:
        values: (detectors, blocks).
        other: (blocks,) values of the one that they are compared with.
        nesting: of the blocks in families (`Blocks.nesting`).

    A. Vargha & H. D. Delaney, Journal of Educational and Behavioral Statistics 25:101-132, 2000,
    doi:10.3102/10769986025002101 (the stochastic superiority A; here of paired blocks).
    """
    won = (np.sign(np.round(values - other, averages.TIE)) + 1) / 2
    low, high = averages.interval(won, nesting)
    return averages.family_means(won, nesting), np.maximum(low, 0), np.minimum(high, 1)
