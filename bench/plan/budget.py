"""A budget of training: CPU seconds that the configurations of a method have on a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bench.plan.costs import trained
from bench.plan.suite import Suite
from bench.store.records import Wanted

Share = tuple[str, str, str]
"""What has a budget of its own: a method on a data set under a protocol."""


class Budget:
    """What the configurations of each method have spent; none starts after the budget."""

    def __init__(self, suite: Suite, wanted: Iterable[Wanted]) -> None:
        """Begin with nothing spent on the rows that a suite wants."""
        method = suite.varied
        self.seconds = suite.budget
        self._shares: dict[str, Share] = {
            row.key: (method.get(row.label, row.label), row.dataset, row.protocol) for row in wanted
        }
        self._spent = Counter[Share]()

    def add(self, record: Mapping[str, Any]) -> None:
        """Count what a stored row took, failures included, if it is wanted."""
        share = self._shares.get(record["key"])
        if share is not None:
            self._spent[share] += trained(record)  # type: ignore[assignment]  # floats

    def allows(self, rows: Iterable[Wanted]) -> bool:
        """Return whether one of these rows may start."""
        if self.seconds is None:
            return True
        return any(self._spent[self._shares[row.key]] < self.seconds for row in rows)

    def sentence(self, n_left: int) -> str:
        """Return why so many rows may be missing."""
        limit = f"a budget of {self.seconds:g} CPU seconds of training that was spent"
        return f"{n_left} rows are not stored: for want of data, or after {limit}"
