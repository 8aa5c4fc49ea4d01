"""Jobs on this machine: threads that each talk with a fork server of their own.

The detectors run in the children of the fork servers, so the threads mostly wait.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import joblib

from bench.plan.budget import Budget
from bench.plan.job import Job
from bench.plan.race import Race
from bench.plan.stages import Stages
from bench.run.converse import NotRun, run_job
from bench.run.supervise import ForkServer, Interrupted
from bench.store.records import Row


class ForkServers:
    """The fork servers of this process, lent to whichever thread needs one."""

    def __init__(self, tmp: Path, modules: Sequence[str]) -> None:
        """Prepare; a server starts when one is needed and none is idle.

        Args:
            tmp: folder for arrays and output in flight.
            modules: what each server imports before its first job.
        """
        self.stop = threading.Event()
        self._tmp, self._modules = tmp, modules
        self._idle: list[ForkServer] = []
        self._all: list[ForkServer] = []

    def start(self, n_servers: int) -> None:
        """Start servers at once, so that their imports run side by side."""
        for _ in range(n_servers):
            server = self._new()
            server.start()
            self._idle.append(server)

    def _new(self) -> ForkServer:
        server = ForkServer(self._tmp, self._modules, self.stop)
        self._all.append(server)
        return server

    @contextlib.contextmanager
    def lend(self) -> Iterator[ForkServer]:
        """Lend a server for the `with` block."""
        try:
            server = self._idle.pop()
        except IndexError:
            server = self._new()
        try:
            yield server
        finally:
            self._idle.append(server)

    def close(self) -> None:
        """End the servers and whatever runs in them."""
        self.stop.set()
        for server in self._all:
            server.close()


class Running:
    """The jobs that run now, and the moment and the budget (or race) after which none starts."""

    def __init__(
        self,
        stages: Stages,
        minutes: float = math.inf,
        budget: Budget | Race | None = None,
    ) -> None:
        """Let jobs start for so many minutes from now, while their budget is not spent."""
        self.until = time.time() + 60 * minutes
        self._budget = budget
        self._since: dict[int, tuple[str, float]] = {}
        self.stages = stages

    @contextlib.contextmanager
    def job(self, job: Job) -> Iterator[None]:
        """Count a job as running for the `with` block."""
        first = job.wanted[0]
        dataset = first.dataset.partition("?")[0]  # without settings, which are long
        self._since[id(job)] = f"{first.model} on {dataset}", time.monotonic()
        try:
            yield
        finally:
            del self._since[id(job)]

    def may_start(self, job: Job) -> bool:
        """Return whether time and budget are left for a job."""
        in_time = time.time() <= self.until
        return in_time and (self._budget is None or self._budget.allows(job.wanted))

    def now(self) -> list[tuple[str, float]]:
        """Return the jobs that run with their seconds since they started."""
        return [(name, time.monotonic() - since) for name, since in [*self._since.values()]]


def run_jobs(
    jobs: Sequence[Job],
    servers: ForkServers,
    workers: int,
    on_row: Callable[[Row], None],
    running: Running,
) -> list[str]:
    """Run jobs on this machine; call `on_row` with each row as it comes, from any thread.

    Returns:
        For each job, "" or why it was not run.
    """

    def work(job: Job) -> str:
        if not running.may_start(job):
            return ""
        try:
            with servers.lend() as server, running.job(job):
                for row in run_job(job, server, running.stages):
                    on_row(row)
        except NotRun as error:
            return str(error)
        except Interrupted:
            pass
        return ""

    parallel = joblib.Parallel(n_jobs=workers, backend="threading", return_as="generator_unordered")
    return list(parallel(joblib.delayed(work)(job) for job in jobs))
