"""What rows are expected to take: from rows of the same detector, in proportion to size.

These are stored ones, or else typical ones, which come with the project: each detector with its
default settings on small data. `tests.perf.typical` measures them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import datasets
from bench.protocols.named import parse as parse_protocol
from bench.store.records import Wanted, canonical

FARTHEST = 10.0  # times as many training or test values, as far as proportions are trusted
GUESSED = {"control": 1e-6, "shallow": 1e-5}  # seconds a value, where nothing is known
OTHER = 1e-4  # of all other types
SAMPLE = 20_000  # stored rows that are read for it: no run waits for a store of a million
UNKNOWN = 1e6  # values, where the size of a data set is not known
COSTS = ("fit_seconds", "model_fit_seconds", "score_us")  # of typical rows
TYPICAL = Path(__file__).with_name("typical.csv")
Size = tuple[float, float, int]
"""About how many training and test samples the protocol one-class gives, and the features."""


class Costs:
    """Expected CPU seconds of rows: plain proportions, to order jobs and to plan an evening by.

    A row of the same data set and protocol is taken as it is. Otherwise the fit is taken to grow
    with the training values, and scoring with the test values, from the row of the nearest size,
    unless that is far away: methods differ in how they grow. Typical rows count for any settings.
    """

    def __init__(
        self, records: Iterable[Mapping[str, Any]], sizes: Mapping[str, Size] | None = None
    ) -> None:
        """Take the costs of stored rows, whatever code made them, and sizes of users' data."""
        self._known: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        self._sizes = sizes or {}
        for record in records:
            if record.get("fit_seconds") is not None:
                self._known.setdefault(_detector(record), []).append(record)

    def seconds(self, row: Wanted) -> float | None:
        """Return the seconds of a row as expected from stored rows, None if they say nothing."""
        return self._expected(row, self._known.get(_detector(vars(row)), ()))

    def typical_seconds(self, row: Wanted, sharing: int = 1) -> float | None:
        """Return the seconds of a row as expected from typical ones, None if they say nothing.

        Args:
            row: to be made.
            sharing: number of rows that share its model.
        """
        found = [{**each, "model_rows": sharing} for each in _typical().get(row.spec, ())]
        return self._expected(row, found)

    def rank(self, row: Wanted) -> float:
        """Return the expected seconds of a row, for the order of jobs; a guess if not known."""
        for expected in (self.seconds, self.typical_seconds):
            if (known := expected(row)) is not None:
                return known
        size = self._values(row)
        return GUESSED.get(row.family, OTHER) * (UNKNOWN if size is None else sum(size))

    def _expected(self, row: Wanted, found: Sequence[Mapping[str, Any]]) -> float | None:
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

    def _values(self, row: Wanted) -> tuple[float, float] | None:
        """Return about how many training and test values a row has, None if not known."""
        size = self._size(row.dataset)
        if size is None:
            return None
        train, test, d = size
        most = parse_protocol(row.protocol).parameters.get("max_train", train)
        return max(1.0, min(train, most)) * d, max(1.0, test) * d

    def _features(self, dataset: str) -> int | None:
        size = self._size(dataset)
        return size and size[2]

    def _size(self, dataset: str) -> Size | None:
        return self._sizes.get(dataset) or _in_catalogue(dataset)


@cache
def _typical() -> dict[str, list[dict[str, Any]]]:
    """Return typical rows by spec, in the form of records."""
    found: dict[str, list[dict[str, Any]]] = {}
    with TYPICAL.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            numbers = {"n_train": int(line["n_train"]), "n_test": int(line["n_test"])}
            costs = {name: float(line[name]) for name in COSTS}
            found.setdefault(line["spec"], []).append({**line, **numbers, **costs})
    return found


@lru_cache
def _in_catalogue(dataset: str) -> Size | None:
    try:
        entry = datasets.find(dataset)
    except ValueError:  # of a stored row
        return None
    if entry.facts is None:
        return None
    facts = entry.facts
    return size_of(facts.n, facts.n_anomalies, facts.shape, entry.max_test_anomaly_rate)


def size_of(
    n: int, n_anomalies: int, shape: Sequence[int], max_test_anomaly_rate: float | None = None
) -> Size:
    """Return the size of a data set of n samples, whose tests may have a largest anomaly rate."""
    half = (n - n_anomalies) / 2
    cap = math.inf if max_test_anomaly_rate is None else half / (1 - max_test_anomaly_rate)
    return half, min(half + n_anomalies, cap), math.prod(shape)


def _detector(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["spec"], canonical(row["settings"])


def spent(record: Mapping[str, Any]) -> tuple[float, float]:
    """Return seconds of the fit, a shared model's by equal parts, and of scoring."""
    shared = record.get("model_fit_seconds") or 0.0
    fit = record["fit_seconds"] - shared + shared / (record.get("model_rows") or 1)
    return fit, (record.get("score_us") or 0.0) * record["n_test"] / 1e6


def trained(record: Mapping[str, Any]) -> float:
    """Return the CPU seconds of a row's fit; of a failure, the seconds until it failed."""
    failed: float = record.get("fit_wall_seconds") or 0.0  # of rows of earlier versions nothing
    return failed if record.get("fit_seconds") is None else spent(record)[0]
