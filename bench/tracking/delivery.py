"""Rows on their way to MLflow: what is logged, and a failure as one sentence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.store.store import Store
from bench.tracking import connection, row_run
from bench.tracking.destination import Destination, without_password
from bench.tracking.experiment import Experiment

Batch = Sequence[dict[str, Any]]
"""Records that are logged together."""


@dataclass(frozen=True)
class TrackingReport:
    """How many of the rows given were logged.

    Attributes:
        uri: where they went, without credentials.
        experiment: name of the MLflow experiment.
        logged: rows logged now.
        already: rows that were there before.
        problem: one sentence for the user if nothing more can be logged, else None.
        refused: one sentence on the rows that MLflow does not take, else None.
        left_out: one sentence on the numbers that MLflow cannot hold, else None.
    """

    uri: str
    experiment: str
    logged: int
    already: int
    problem: str | None
    refused: str | None = None
    left_out: str | None = None


class Delivery:
    """The rows of one invocation.

    Attributes:
        destination: where they go.
        logged: rows logged so far.
        already: rows that were there before.
        seconds: that logging took.
        problem: one sentence for the user if the last attempt failed, else None.
    """

    def __init__(self, store: Store, experiment: str, invocation: Mapping[str, str]) -> None:
        connection.prepare_environment()
        self.destination = Destination(store, experiment, dict(invocation))
        self.logged = self.already = 0
        self.seconds = 0.0
        self.problem: str | None = None
        self._refused: list[str] = []
        self._not_finite: list[str] = []

    def send(self, batches: Iterable[Batch], end: Callable[[Experiment], None]) -> None:
        """Log records that the experiment does not hold yet, batch by batch, then end it.

        A row that MLflow refuses costs no other its run. After a failure what was logged stays, and
        a second attempt goes on from there.
        """
        errors = connection.errors()
        try:
            with connection.connected(self.destination) as (client, engine):
                experiment = Experiment(self.destination, client, engine)
                for batch in batches:
                    start = time.perf_counter()
                    are_new = [self._is_new(experiment, record) for record in batch]
                    experiment.flush()
                    self.seconds += time.perf_counter() - start
                    self.logged += are_new.count(True)
                    self.already += are_new.count(False)
                end(experiment)
                self._not_finite += experiment.not_finite
        except errors as error:
            self.problem = self.destination.problem(connection.cause(error))
        else:
            self.problem = None

    def _is_new(self, experiment: Experiment, record: dict[str, Any]) -> bool | None:
        """Log a record; return whether it was not there, None if it is refused."""
        try:
            return experiment.log(record)
        except connection.errors() as error:
            if not connection.is_refusal(error):
                raise
            where = f"{row_run.title(record)} (row {record['key'][:8]})"
            self._refused.append(f"{where}: {connection.cause(error)}")
            return None

    def report(self) -> TrackingReport:
        """Return what became of the rows."""
        to = self.destination
        uri = without_password(to.uri)
        refused = left_out = None
        if self._refused:
            refused = (
                f"rows that mlflow refuses, which stay stored: {len(self._refused)}; "
                f"the first is {self._refused[0]}"
            )
        if self._not_finite:
            ((example, _),) = Counter(self._not_finite).most_common(1)
            left_out = (
                f"mlflow takes no number that is infinite or undefined, such as {example} here: "
                f"left out of {len(self._not_finite)} runs, whose tag `{row_run.NOT_FINITE}` "
                "names them; the store has them"
            )
        return TrackingReport(
            uri, to.experiment, self.logged, self.already, self.problem, refused, left_out
        )
