"""Jobs on a Dask cluster, whose workers have fork servers of their own."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.plan.job import Job
from bench.run.converse import NotRun, run_job
from bench.run.local import ForkServers
from bench.store.codeid import code_id, origin
from bench.store.records import Row
from detectors.spec import parse

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 5


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


def run_jobs(
    jobs: Sequence[Job], modules: Sequence[str], client: Client, on_row: Callable[[Row], None]
) -> list[str]:
    """Run jobs on a Dask cluster; call `on_row` in this thread, job by job.

    Through Dask itself: joblib runs jobs on this machine if the cluster has one thread only.
    The workers need the same code and libraries, and the data in their own data folder.

    Returns:
        For each job, "" or why it was not run: data or code missing on the workers, or their end.
    """
    from distributed import KilledWorker, as_completed

    problems = []
    futures = client.map(_remote, jobs, modules=modules, pure=False)
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        try:
            rows, problem = future.result()
        except KilledWorker as error:
            rows, problem = [], f"workers of the cluster died: {error}".partition("\n")[0]
        problems.append(problem)
        for row in rows:
            on_row(row)
    return problems


_servers: dict[tuple[str, ...], tuple[ForkServers, tempfile.TemporaryDirectory[str]]] = {}
_servers_guard = threading.Lock()


def _remote(job: Job, modules: Sequence[str]) -> tuple[list[Row], str]:
    """Run one job in a process of a cluster, with fork servers that stay for the next."""
    for wanted in job.wanted:
        made = origin(parse(wanted.spec), wanted.protocol, wanted.dataset)
        if code_id(made) != wanted.code_id:
            return [], (
                f"{wanted.spec}: the worker on {socket.gethostname()} has other code or libraries "
                "than this machine; install the same there, and start the worker again"
            )
    with _servers_guard:
        if tuple(modules) not in _servers:
            tmp = tempfile.TemporaryDirectory(prefix="fathom-")
            _servers[tuple(modules)] = ForkServers(Path(tmp.name), modules), tmp
        servers, _ = _servers[tuple(modules)]
    try:
        with servers.lend() as server:
            return list(run_job(job, server)), ""
    except NotRun as error:
        return [], str(error)
