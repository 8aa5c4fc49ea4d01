"""False alarms on shifted normal images, at a threshold that held-out normals fix beforehand.

The threshold of a row is the conformal one: a normal image like those held out exceeds it with a
probability of at most the alarm rate. Intervals are of Clopper and Pearson, over the images: those
of several seeds are of the same images, whose alarms are averaged, so that seeds do not narrow an
interval. They do not cover the choice of the images that were held out.

C. J. Clopper and E. S. Pearson, Biometrika 26:404-413, 1934, doi:10.1093/biomet/26.4.404.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.protocols.named import split
from bench.stats import conformal
from bench.stats.intervals import LEVEL
from datasets import load
from datasets.shifts import DEFECTIVE, GROUPS, HELD

PROTOCOL = "official"  # that of the data sets with shifts
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share of images, with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Alarms:
    """The alarms of a detector on a data set.

    Attributes:
        label: the detector's name on boards.
        dataset: name of the data set.
        seeds: number of rows.
        n_held: number of held-out images that fix the threshold.
        shares: of images with an alarm, by group: false ones, but for the defective images.
    """

    label: str
    dataset: str
    seeds: int
    n_held: int
    shares: Mapping[str, Share]


def groups_of_test(name: str, data: Path | None) -> NDArray[np.int64]:
    """Return the place in `GROUPS` of each test sample, in the order of stored scores.

    Raises:
        MissingData: the data set's files are missing.
    """
    loaded = load(name, data)
    assert loaded.bags is not None
    return loaded.bags[split(PROTOCOL, loaded, seed=0).test]


def alarms(
    label: str, dataset: str, rows: Sequence[tuple[Floats, NDArray[np.int64]]], alpha: float
) -> Alarms:
    """Return the alarms of a detector's rows on a data set, one for each seed.

    Args:
        label: of the detector.
        dataset: name of the data set.
        rows: (n_test,) scores, and the place in `GROUPS` of each test sample.
        alpha: alarm rate of the threshold.

    Raises:
        ValueError: too few images are held out for this rate.
    """
    raised: dict[str, list[Floats]] = {}
    for scores, groups in rows:
        held = scores[groups == GROUPS.index(HELD)]
        conformal.check_enough(len(held), alpha)
        above = (scores > conformal.threshold(held, alpha)).astype(np.float64)
        for i in np.unique(groups):
            raised.setdefault(GROUPS[i], []).append(above[groups == i])
    n_held = len(raised.pop(HELD)[0])
    shares = {group: share(np.mean(found, axis=0)) for group, found in raised.items()}
    return Alarms(label, dataset, len(rows), n_held, shares)


def share(raised: Floats) -> Share:
    """Return the mean of (n,) alarms in [0, 1], by image, with Clopper and Pearson's limits."""
    from scipy.stats import beta

    n, k = len(raised), float(raised.sum())
    tail = (1 - LEVEL) / 2
    low = beta.ppf(tail, k, n - k + 1) if k > 0 else 0.0
    high = beta.ppf(1 - tail, k + 1, n - k) if k < n else 1.0
    return Share(k / n, float(low), float(high))


SHIFTED = tuple(group for group in GROUPS if group not in (GROUPS[0], HELD, DEFECTIVE))
"""The groups of normal images whose alarms are false."""
