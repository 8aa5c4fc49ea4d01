"""Execution: jobs through joblib in threads of this process, or on a Dask cluster.

A worker is a thread that drives a sandbox; the detectors run in the sandbox's children, so the
threads mostly wait. Locally, rows reach the run one by one; from a cluster, job by job.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from bench.plan.job import Job, Limits
from bench.run.job import NotRun, run_job
from bench.run.sandbox import Interrupted, Sandbox, check_in_sandbox, default_memory_mib
from bench.store.codeid import code_id, origin
from bench.store.records import Row
from detectors.spec import parse

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 5
CHECK_SECONDS = 60.0  # for a detector to be imported


class Workshop:
    """The sandboxes of one process, lent to whichever worker needs one."""

    def __init__(self, tmp: Path, modules: Sequence[str]) -> None:
        """Prepare; a sandbox starts when one is asked for that is not there.

        Args:
            tmp: folder for arrays and output in flight.
            modules: what each sandbox imports before its first job.
        """
        self.stop = threading.Event()
        self._tmp, self._modules = tmp, modules
        self._idle: list[Sandbox] = []
        self._all: list[Sandbox] = []

    def start(self, n_sandboxes: int) -> None:
        """Start sandboxes at once, so that their imports run side by side."""
        for _ in range(n_sandboxes):
            sandbox = self._new()
            sandbox.start()
            self._idle.append(sandbox)

    def _new(self) -> Sandbox:
        sandbox = Sandbox(self._tmp, self._modules, self.stop)
        self._all.append(sandbox)
        return sandbox

    @contextlib.contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        """Lend a sandbox for the `with` block."""
        try:
            sandbox = self._idle.pop()
        except IndexError:
            sandbox = self._new()
        try:
            yield sandbox
        finally:
            self._idle.append(sandbox)

    def close(self) -> None:
        """End the sandboxes and whatever runs in them."""
        self.stop.set()
        for sandbox in self._all:
            sandbox.close()


def execute(
    jobs: Sequence[Job], workshop: Workshop, workers: int, on_row: Callable[[Row], None]
) -> list[str]:
    """Run jobs on this machine; call `on_row` with each row as it comes, from any thread.

    Returns:
        What was not run since its data are not there, one sentence each.
    """

    def work(job: Job) -> str:
        try:
            with workshop.sandbox() as sandbox:
                for row in run_job(job, sandbox):
                    on_row(row)
        except NotRun as error:
            return str(error)
        except Interrupted:
            pass
        return ""

    parallel = joblib.Parallel(n_jobs=workers, backend="threading", return_as="generator_unordered")
    return _distinct(parallel(joblib.delayed(work)(job) for job in jobs))


class SchedulerError(RuntimeError):
    """Raised for a Dask cluster that cannot be used; says why and what to do."""


def connect(scheduler: str) -> Client:
    """Return a client of the Dask scheduler at an address, to be used as a context.

    Raises:
        SchedulerError: it cannot be reached, it has no workers, or Dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError:
        msg = "--scheduler takes the package `distributed`; pip install 'fathom[dask]'"
        raise SchedulerError(msg) from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        why = str(error).partition("\n")[0]
        msg = f"no Dask scheduler answers at {scheduler!r} ({why}); start one: `dask scheduler`"
        raise SchedulerError(msg) from error
    if not client.nthreads():  # type: ignore[no-untyped-call]
        client.close()  # type: ignore[no-untyped-call]
        msg = f"the scheduler {scheduler} has no workers; start some with `dask worker {scheduler}`"
        raise SchedulerError(msg)
    return client


def execute_on_cluster(
    jobs: Sequence[Job], modules: Sequence[str], client: Client, on_row: Callable[[Row], None]
) -> list[str]:
    """Run jobs on a Dask cluster; call `on_row` in this thread.

    Through Dask itself: joblib runs jobs on this machine if the cluster has one thread only.
    The workers need the same code and libraries, and the data in their own data folder.

    Returns:
        What was not run, since workers have not the data or the code or died, one sentence each.
    """
    from distributed import KilledWorker, as_completed

    missing = []
    futures = client.map(_remote, jobs, modules=modules, pure=False)
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        try:
            rows, problem = future.result()
        except KilledWorker as error:
            rows, problem = [], f"workers of the cluster died: {error}".partition("\n")[0]
        missing.append(problem)
        for row in rows:
            on_row(row)
    return _distinct(missing)


def _distinct(problems: Any) -> list[str]:
    return [problem for problem in dict.fromkeys(problems) if problem]


_workshops: dict[tuple[str, ...], tuple[Workshop, tempfile.TemporaryDirectory[str]]] = {}
_workshops_guard = threading.Lock()


def _remote(job: Job, modules: Sequence[str]) -> tuple[list[Row], str]:
    """Run one job in a process of a cluster, with sandboxes that stay for the next."""
    for wanted in job.wanted:
        made = origin(parse(wanted.spec), wanted.protocol, wanted.dataset)
        if code_id(made) != wanted.code_id:
            return [], (
                f"{wanted.spec}: the worker on {socket.gethostname()} has other code or libraries "
                "than this machine; install the same there, and start the worker again"
            )
    with _workshops_guard:
        if tuple(modules) not in _workshops:
            tmp = tempfile.TemporaryDirectory(prefix="fathom-")
            _workshops[tuple(modules)] = Workshop(Path(tmp.name), modules), tmp
        workshop, _ = _workshops[tuple(modules)]
    try:
        with workshop.sandbox() as sandbox:
            return list(run_job(job, sandbox)), ""
    except NotRun as error:
        return [], str(error)


def check_settings(workshop: Workshop, pairs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what is wrong with (spec, settings) pairs, tried where the detectors will run."""
    limits = Limits(CHECK_SECONDS, default_memory_mib(1))
    with workshop.sandbox() as sandbox:
        return check_in_sandbox(sandbox, pairs, limits)
