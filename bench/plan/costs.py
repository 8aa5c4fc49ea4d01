"""What rows are expected to take: from stored rows of the same detector, in proportion to size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import datasets
from bench.protocols.named import parse as parse_protocol
from bench.store.records import Wanted, canonical

FARTHEST = 10.0  # times as many training or test values, as far as proportions are trusted
GUESSED = {"control": 1e-6, "shallow": 1e-5}  # seconds a value, where nothing is known
OTHER = 1e-4  # of all other types
SAMPLE = 20_000  # stored rows that are read for it: no run waits for a store of a million
UNKNOWN = 1e6  # values, where the size of a data set is not known
Sizes = Mapping[str, tuple[int, int]]
"""Numbers of samples and of features, of data sets that the catalogue does not know."""


class Costs:
    """Expected CPU seconds of rows: plain proportions, to order jobs and to plan an evening by.

    A row of the same data set and protocol is taken as it is. Otherwise the fit is taken to grow
    with the training values, and scoring with the test values, from the stored row of the nearest
    size, unless that is far away: methods differ in how they grow.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]], sizes: Sizes | None = None) -> None:
        """Take the costs of stored rows, whatever code made them."""
        self._known: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        self._sizes = sizes or {}
        for record in records:
            if record.get("fit_seconds") is not None:
                self._known.setdefault(_detector(record), []).append(record)

    def seconds(self, row: Wanted) -> float | None:
        """Return the expected seconds of a row, None if they are not known."""
        found = self._known.get(_detector(vars(row)), ())
        same = [r for r in found if (r["dataset"], r["protocol"]) == (row.dataset, row.protocol)]
        if same:
            return sum(map(sum, map(spent, same))) / len(same)
        if (size := self._values(row)) is None:
            return None
        others = []
        for record in found:
            if d := self._features(record["dataset"]):
                train, test = record["n_train"] * d, record["n_test"] * d
                steps = (abs(math.log(a / b)) for a, b in zip(size, (train, test), strict=True))
                others.append((max(steps), train, test, spent(record)))
        step, train, test, (fit, score) = min(others, default=(math.inf, 1, 1, (0.0, 0.0)))
        if step > math.log(FARTHEST):
            return None
        return fit * size[0] / train + score * size[1] / test

    def rank(self, row: Wanted) -> float:
        """Return the expected seconds of a row, for the order of jobs; a guess if not known."""
        known = self.seconds(row)
        if known is not None:
            return known
        size = self._values(row)
        return GUESSED.get(row.family, OTHER) * (UNKNOWN if size is None else sum(size))

    def _values(self, row: Wanted) -> tuple[float, float] | None:
        """Return about how many training and test values a row has, None if not known."""
        size = self._size(row.dataset)
        if size is None:
            return None
        n, d = size
        most = parse_protocol(row.protocol).parameters.get("max_train", n)
        return max(1.0, min(n / 2, most)) * d, max(1.0, n / 2) * d

    def _features(self, dataset: str) -> int | None:
        size = self._size(dataset)
        return size and size[1]

    def _size(self, dataset: str) -> tuple[int, int] | None:
        return self._sizes.get(dataset) or _in_catalogue(dataset)


@lru_cache
def _in_catalogue(dataset: str) -> tuple[int, int] | None:
    try:
        facts = datasets.find(dataset).facts
    except ValueError:  # of a stored row
        return None
    return (facts.n, math.prod(facts.shape)) if facts else None


def _detector(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["spec"], canonical(row["settings"])


def spent(record: Mapping[str, Any]) -> tuple[float, float]:
    """Return seconds of the fit, a shared model's by equal parts, and of scoring."""
    shared = record.get("model_fit_seconds") or 0.0
    fit = record["fit_seconds"] - shared + shared / (record.get("model_rows") or 1)
    return fit, (record.get("score_us") or 0.0) * record["n_test"] / 1e6
