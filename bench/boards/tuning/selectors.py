"""Selectors: which configuration to take where no labels are at hand.

A selector sees the scores of all configurations on the test samples, and what their training
reports, and never a label. Those that compare configurations with each other follow M. Q. Ma, Y.
Zhao, X. Zhang & L. Akoglu, "The need for unsupervised outlier model selection", ACM SIGKDD
Explorations 25(1), 2023, arXiv:2104.01422.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.stats.averages import Floats


@dataclass(frozen=True)
class Pool:
    """Configurations on one data set, as selectors see them.

    Attributes:
        ranks: for each seed, (configurations, n_test) ranks of scores, the largest the most
            anomalous.
        samples: for each seed, (n_test,) numbers of the test samples in the data set; None where
            they are not known.
        losses: (configurations,) losses of held-out training samples, nan where there are none.
        excess, volumes: (configurations,) areas under the curves of excess mass and mass volume
            (`bench.metrics.volumes`), nan where there are none.
    """

    ranks: Sequence[Floats]
    samples: Sequence[NDArray[np.intp] | None]
    losses: Floats
    excess: Floats
    volumes: Floats

    def take(self, chosen: Sequence[int]) -> Pool:
        """Return the pool of some of the configurations."""
        one = list(chosen)
        return Pool(
            [each[one] for each in self.ranks],
            self.samples,
            self.losses[one],
            self.excess[one],
            self.volumes[one],
        )


def held_out_loss(pool: Pool) -> Floats:
    """The smallest loss of training samples that were held out of training."""
    return -pool.losses


def excess_mass(pool: Pool) -> Floats:
    """The largest area under the curve of excess mass."""
    return pool.excess


def mass_volume(pool: Pool) -> Floats:
    """The smallest area under the curve of mass volume."""
    return -pool.volumes


def seeds_agree(pool: Pool) -> Floats:
    """How alike two seeds rank the samples that both test; seeds draw other training samples."""
    found = []
    for a, b in combinations(range(len(pool.ranks)), 2):
        first, second = pool.samples[a], pool.samples[b]
        if first is None or second is None:
            continue
        _, i, j = np.intersect1d(first, second, return_indices=True)
        if len(i) > 2:
            parts = _standard(pool.ranks[a][:, i]), _standard(pool.ranks[b][:, j])
            found.append((parts[0] * parts[1]).sum(axis=1))
    return np.mean(found, axis=0) if found else np.full(len(pool.losses), np.nan)


def centrality(pool: Pool) -> Floats:
    """How alike a configuration and all others rank the samples."""
    means = []
    for ranks in pool.ranks:
        alike = _standard(ranks) @ _standard(ranks).T
        means.append((alike.sum(axis=1) - np.diag(alike)) / max(len(ranks) - 1, 1))
    found: Floats = np.mean(means, axis=0)
    return found


def consensus(pool: Pool) -> Floats:
    """HITS: a good configuration ranks samples high that good configurations rank high.

    The hubs of the graph of configurations and samples, whose edges weigh the inverse of the place
    that a configuration gives to a sample.
    """
    hubs = []
    for ranks in pool.ranks:
        places = ranks.shape[1] + 1 - ranks
        hubs.append(np.abs(np.linalg.svd(1 / places, full_matrices=False)[0][:, 0]))
    found: Floats = np.mean(hubs, axis=0)
    return found


def _standard(ranks: Floats) -> Floats:
    """Lines of mean 0 and length 1, whose products are correlations; 0 without a spread."""
    apart = ranks - ranks.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    found: Floats = apart / np.where(lengths > 0, lengths, 1)
    return found


SELECTORS: dict[str, Callable[[Pool], Floats]] = {
    "loss": held_out_loss,
    "seeds": seeds_agree,
    "centrality": centrality,
    "consensus": consensus,
    "excess-mass": excess_mass,
    "mass-volume": mass_volume,
}
"""Each returns (configurations,) values, of which the largest is chosen."""


def choice(name: str, pool: Pool) -> int | None:
    """Return the configuration that a selector takes; of equal ones the first, the default.

    None where it has no value for one of them.
    """
    values = SELECTORS[name](pool)
    return None if np.isnan(values).any() else int(values.round(9).argmax())
