"""The smallest difference that test sets can resolve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import datasets
from bench.plan.suite import Member
from bench.stats import averages
from bench.stats.averages import Nesting


def resolution(members: Sequence[Member]) -> float:
    """Return what one anomaly of each test set is worth in the mean over families.

    An anomaly that moves from the last place to the first changes an AUROC or a recall by one over
    the number of anomalies, and no other metric by much more. Families are independent, so their
    parts add up as squares. Data sets of unknown size count as large.
    """
    names = sorted(member.name for member in members)
    entries = [datasets.find(name) for name in names]
    worth = [1 / entry.facts.n_anomalies if entry.facts else 0.0 for entry in entries]
    nesting = Nesting.of([entry.family for entry in entries], names)
    parts = averages.by_family(np.array([worth]), nesting)
    return float(np.sqrt((parts**2).sum()) / parts.shape[1])
