"""Which sample of a data set each stored score is of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import datasets
from bench.protocols.grouped import drawn
from bench.protocols.split import Split
from bench.store.codeid import is_current
from bench.store.records import as_wanted


class Samples:
    """The samples of stored rows, from their data sets, protocols and seeds.

    Scores are stored in the order of the split, which the protocol draws again. That is done for
    rows of the present code and data alone: of others the order cannot be known.
    """

    def __init__(self, data: Path | None) -> None:
        """Find data in a data folder, None for the default one."""
        self._load = lru_cache(maxsize=1)(lambda name: datasets.load(name, data))
        self._files = lru_cache(maxsize=1)(lambda name: datasets.sample_files(name, data))
        self._split = lru_cache(maxsize=1)(self._drawn)

    @staticmethod
    def place(record: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the sort key of records by which each data set is loaded once."""
        return tuple(record[name] for name in ("dataset", "protocol", "seed", "key"))

    def of(
        self, record: Mapping[str, Any], truth: NDArray[np.int8]
    ) -> tuple[NDArray[np.intp] | None, list[str] | None]:
        """Return the rows in the data set, and the files, of the samples of a stored row's scores.

        Of a protocol that scores groups, it is their numbers in place of the rows.

        `truth` has all of them, or those of the test alone, which come first. Each result is None
        where it is not known, or, of the files, where there are none.
        """
        name = record["dataset"]
        try:
            found = self._split(name, record["protocol"], record["seed"], record["data_sha256"])
            if found is None or not is_current(as_wanted(record)):
                return None, None
            split, labels = found
            if not np.array_equal(split.truth(labels)[: len(truth)], truth):
                return None, None
            files = self._files(name)
        except (OSError, ValueError):  # no such protocol or data here
            return None, None
        rows = split.scored[: len(truth)]
        return rows, None if files is None else [files[i] for i in rows]

    def _drawn(
        self, name: str, protocol: str, seed: int, data_sha256: str
    ) -> tuple[Split, NDArray[np.int8]] | None:
        data = self._load(name)
        return drawn(protocol, data, seed) if data.card.sha256 == data_sha256 else None


def won(truth: NDArray[np.int8], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of samples of the other class that each sample is on the right side of.

    A tie counts as a half; it is nan for a score that is no number, and for a training sample that
    was held out.
    """
    shares = np.full(len(scores), np.nan)
    finite = ~np.isnan(scores)
    for kind in (0, 1):
        own, other = finite & (truth == kind), np.sort(scores[finite & (truth == 1 - kind)])
        if len(other):
            below = np.searchsorted(other, scores[own], "left")
            upto = np.searchsorted(other, scores[own], "right")
            share = (below + upto) / (2 * len(other))
            shares[own] = share if kind else 1 - share
    return shares
