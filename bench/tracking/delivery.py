"""Rows on their way to MLflow: what is logged, and a failure as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.store.store import Store
from bench.tracking import connection
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
        problem: one sentence for the user if not all are logged, else None.
    """

    uri: str
    experiment: str
    logged: int
    already: int
    problem: str | None


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

    def send(self, records: Iterable[dict[str, Any]], end: Callable[[Experiment], None]) -> None:
        """Log records that the experiment does not hold yet, then end it.

        After a failure what was logged stays, and a second attempt goes on from there.
        """
        errors = connection.errors()
        try:
            with connection.connected(self.destination) as client:
                experiment = Experiment(self.destination, client)
                for record in records:
                    new = experiment.log(record)
                    self.logged += new
                    self.already += not new
                end(experiment)
        except errors as error:
            self.problem = self.destination.problem(connection.cause(error))
        else:
            self.problem = None

    def report(self) -> TrackingReport:
        """Return what became of the rows."""
        to = self.destination
        uri = without_password(to.uri)
        return TrackingReport(uri, to.experiment, self.logged, self.already, self.problem)
