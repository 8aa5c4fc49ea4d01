"""The thread that logs rows to MLflow behind a run."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.store.store import Store
from bench.tracking.connection import TIMEOUT_S
from bench.tracking.delivery import Delivery, TrackingReport
from bench.tracking.destination import local_file
from bench.tracking.experiment import Experiment
from bench.tracking.parent_run import Summary

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
        self._delivery.send(self._records(), self._end)
        if self._delivery.problem is None:
            return
        with self._news:
            failed_late = self._deadline is not None
            self._news.wait_for(lambda: self._deadline is not None)
        if not failed_late and not self._abandoned:
            self._delivery.send(self._records(), self._end)

    def _records(self) -> Iterator[dict[str, Any]]:
        """Yield the records as they come, until none will; one that fails to be logged stays."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._deadline is not None)
                late = self._deadline is not None and time.monotonic() > self._deadline
                if late or not self._waiting:
                    return
            yield self._waiting[0]
            self._waiting.popleft()

    def _end(self, experiment: Experiment) -> None:
        summarise = Summary if self._abandoned else self._summarise
        experiment.end(summarise, killed=self._abandoned)
