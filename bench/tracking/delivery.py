"""Rows on their way to MLflow: what is logged, and a failure as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.store.store import Store
from bench.tracking import connection, row_run
from bench.tracking.destination import Destination, without_password
from bench.tracking.experiment import Experiment


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
        problem: one sentence for the user if the last attempt failed, else None.
    """

    def __init__(self, store: Store, experiment: str, invocation: Mapping[str, str]) -> None:
        connection.prepare_environment()
        self.destination = Destination(store, experiment, dict(invocation))
        self.logged = self.already = 0
        self.problem: str | None = None
        self._refused: list[str] = []
        self._n_not_finite = 0

    def send(self, records: Iterable[dict[str, Any]], end: Callable[[Experiment], None]) -> None:
        """Log records that the experiment does not hold yet, then end it.

        A row that MLflow refuses costs no other its run. After a failure what was logged stays, and
        a second attempt goes on from there.
        """
        errors = connection.errors()
        try:
            with connection.connected(self.destination) as client:
                experiment = Experiment(self.destination, client)
                for record in records:
                    self._log(experiment, record)
                end(experiment)
                self._n_not_finite += experiment.n_not_finite
        except errors as error:
            self.problem = self.destination.problem(connection.cause(error))
        else:
            self.problem = None

    def _log(self, experiment: Experiment, record: dict[str, Any]) -> None:
        try:
            new = experiment.log(record)
        except connection.errors() as error:
            if not connection.is_refusal(error):
                raise
            where = f"{row_run.title(record)} (row {record['key'][:8]})"
            self._refused.append(f"{where}: {connection.cause(error)}")
        else:
            self.logged += new
            self.already += not new

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
        if self._n_not_finite:
            left_out = (
                f"runs without some numbers, which are not finite: {self._n_not_finite}; "
                f"their tag `{row_run.NOT_FINITE}` names them"
            )
        return TrackingReport(
            uri, to.experiment, self.logged, self.already, self.problem, refused, left_out
        )
