"""Jobs on this machine: threads that each talk with a fork server of their own.

The detectors run in the children of the fork servers, so the threads mostly wait.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import joblib

from bench.plan.job import Job
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


def run_jobs(
    jobs: Sequence[Job], servers: ForkServers, workers: int, on_row: Callable[[Row], None]
) -> list[str]:
    """Run jobs on this machine; call `on_row` with each row as it comes, from any thread.

    Returns:
        For each job, "" or why it was not run.
    """

    def work(job: Job) -> str:
        try:
            with servers.lend() as server:
                for row in run_job(job, server):
                    on_row(row)
        except NotRun as error:
            return str(error)
        except Interrupted:
            pass
        return ""

    parallel = joblib.Parallel(n_jobs=workers, backend="threading", return_as="generator_unordered")
    return list(parallel(joblib.delayed(work)(job) for job in jobs))
