"""The thread that logs rows to MLflow behind a run."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from bench.store.store import Store
from bench.tracking.connection import TIMEOUT_S
from bench.tracking.delivery import Delivery, TrackingReport
from bench.tracking.destination import local_file
from bench.tracking.experiment import Experiment
from bench.tracking.parent_run import Summary

GATHER_S = 1.0  # for more rows to come, which are logged with the first
PATIENCE_S = 30.0  # for a server to take what is left when the run is done


class Tracker:
    """Logs the rows of one invocation as they come, in a thread of its own.

    The run never waits for it. After a failure nothing more is sent; `finish` tries once more.
    Hold the lock of the results folder, and use one tracker at a time in it.
    """

    def __init__(self, store: Store, experiment: str, invocation: Mapping[str, str]) -> None:
        """Start the thread, which opens or creates the experiment.

        Args:
            store: holds the rows that will be logged.
            experiment: name of the experiment, the suite's.
            invocation: tags of the parent run; "command" also names it.
        """
        self._delivery = Delivery(store, experiment, invocation)
        self._news = threading.Condition()
        self._waiting: deque[dict[str, Any]] = deque()
        self._summarise: Callable[[], Summary] = Summary
        self._deadline: float | None = None  # monotonic; set when no more rows will come
        self._abandoned = False
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """One sentence for the user, as soon as tracking has failed."""
        return self._delivery.problem

    @property
    def seconds(self) -> float:
        """How long logging has taken."""
        return self._delivery.seconds

    def log(self, record: dict[str, Any]) -> None:
        """Add a record of the store to those to be logged; returns at once."""
        with self._news:
            self._waiting.append(record)
            self._news.notify()

    def finish(self, summarise: Callable[[], Summary]) -> TrackingReport:
        """Log what is left, add the summary of the board to the parent run and end it.

        The summary is made only if there is a parent run. A server gets PATIENCE_S for it, the
        local database as long as it takes.
        """
        delivery = self._delivery
        local = local_file(delivery.destination.uri) is not None
        with self._news:
            self._summarise = summarise
            self._deadline = math.inf if local else time.monotonic() + PATIENCE_S
            self._news.notify()
        self._thread.join(None if local else PATIENCE_S + 2 * TIMEOUT_S)
        if self._waiting and delivery.problem is None:
            late = f"{len(self._waiting)} rows were not taken in time"
            delivery.problem = delivery.destination.problem(late)
        return delivery.report()

    def abandon(self) -> None:
        """Stop at once, leave what is logged, and end the parent run as killed if that is quick."""
        with self._news:
            self._abandoned = True
            self._deadline = 0.0
            self._news.notify()
        self._thread.join(2.0)

    def _work(self) -> None:
        self._delivery.send(self._batches(), self._end)
        if self._delivery.problem is None:
            return
        with self._news:
            failed_late = self._deadline is not None
            self._news.wait_for(lambda: self._deadline is not None)
        if not failed_late and not self._abandoned:
            self._delivery.send(self._batches(), self._end)

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records as they come, until none will; those that fail to be logged stay.

        The first one waits a moment for others, with which it costs less.
        """
        at_once = self._delivery.destination.at_once
        while True:
            with self._news:
                self._news.wait_for(lambda: self._has(1))
                self._news.wait_for(lambda: self._has(at_once), GATHER_S)
                late = self._deadline is not None and time.monotonic() > self._deadline
                if late or not self._waiting:
                    return
                batch = list(islice(self._waiting, at_once))
            yield batch
            for _ in batch:
                self._waiting.popleft()

    def _has(self, n: int) -> bool:
        """Return whether so many rows wait, or no more will come."""
        return len(self._waiting) >= n or self._deadline is not None

    def _end(self, experiment: Experiment) -> None:
        summarise = Summary if self._abandoned else self._summarise
        experiment.end(summarise, killed=self._abandoned)
