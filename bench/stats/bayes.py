"""The Bayesian signed-rank test: how likely is one detector better, or the same in practice?

A. Benavoli, F. Mangili, G. Corani, M. Zaffalon & F. Ruggeri, "A Bayesian Wilcoxon signed-rank test
based on the Dirichlet process", ICML 2014; with a region of practical equivalence: A. Benavoli, G.
Corani, J. Demsar & M. Zaffalon, "Time for a change: a tutorial for comparing multiple classifiers
through Bayesian analysis", JMLR 18(77):1-36, 2017.
"""

from dataclasses import dataclass

import numpy as np

from bench.stats.averages import Floats

ROPE = 0.01  # differences of AUROC, AP or recall that nobody would act upon
DRAWS = 10_000  # the standard error of a probability is at most .005
STRENGTH = 0.5  # of the prior: a half of a block without a difference


@dataclass(frozen=True)
class Practical:
    """Posterior probabilities, which sum to 1, that the first of two detectors is ...

    Attributes:
        better: better by more than the region of practical equivalence.
        same: within that region of the second.
        worse: worse by more than it.
    """

    better: float
    same: float
    worse: float


def signed_rank(
    differences: Floats, *, rope: float = ROPE, draws: int = DRAWS, seed: int = 0
) -> Practical:
    """Return the Bayesian signed-rank test of one pair of detectors.

    In each draw the blocks have Dirichlet weights, and two blocks drawn by them fall with some
    probability on either side of the region, by the mean of their differences, or within it; the
    answer is how often each of the three is the most probable. The prior is one block without a
    difference, of weight 0.5.

    Args:
        differences: (blocks,) the first detector's values less the second's, larger is better.
        rope: half the width of the region of practical equivalence, in units of the metric.
        draws: how many Monte Carlo draws.
        seed: of the draws; the same seed gives the same answer.

    Raises:
        ValueError: a negative `rope`.
    """
    if rope < 0:
        msg = f"rope is {rope}; give 0 or a positive difference of the metric"
        raise ValueError(msg)
    z = np.sort(np.append(differences, 0.0))
    weights = np.ones(len(z))
    weights[np.searchsorted(z, 0.0)] = STRENGTH
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = rng.dirichlet(weights, draws)  # (draws, blocks + 1)
    below = np.pad(np.cumsum(drawn, axis=1), ((0, 0), (1, 0)))  # weight of the first i blocks
    # the mean of two differences is beyond the region where their sum is beyond twice its limit
    better = (drawn * (1 - below[:, np.searchsorted(z, 2 * rope - z, side="right")])).sum(axis=1)
    worse = (drawn * below[:, np.searchsorted(z, -2 * rope - z, side="left")]).sum(axis=1)
    likeliest = np.argmax([better, 1 - better - worse, worse], axis=0)
    shares = np.bincount(likeliest, minlength=3) / draws
    return Practical(*map(float, shares))
