"""Jobs on a Dask cluster, whose workers have fork servers of their own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.plan.job import Job
from bench.plan.stages import Stages
from bench.run.converse import NotRun, run_job
from bench.run.failures import one_line
from bench.run.local import ForkServers
from bench.run.processes import LEAST_MIB, default_limit_mib
from bench.run.supervise import ForkServer, Interrupted
from bench.store.codeid import code_id, origin
from bench.store.records import Row
from detectors.spec import parse

if TYPE_CHECKING:
    from distributed import Client, Worker

CONNECT_SECONDS = 5
ANSWER_SECONDS = 15.0  # for a scheduler to answer
WORKERS_SECONDS = 20.0  # for a scheduler to have workers again
LOOK_SECONDS = 2.0  # between two looks at the workers
POLL_SECONDS = 0.1
WATCH_SECONDS = 0.5  # between two looks, on a worker, whether its jobs are still wanted
IDLE_SECONDS = 10.0  # after which fork servers without a job end
AGAIN = "finished rows are stored; see to the cluster, and run again"


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
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it logs what we raise
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
    jobs: Sequence[Job],
    modules: Sequence[str],
    client: Client,
    stop: threading.Event,
    on_row: Callable[[Row], None],
    until: float = math.inf,
) -> list[str]:
    """Run jobs on a Dask cluster until `stop`; call `on_row` in this thread, job by job.

    Through Dask itself: joblib runs jobs on this machine if the cluster has one thread only.
    The workers need the same code and libraries, and the data in their own data folder. After the
    moment `until`, in seconds since 1970, no other job starts.

    Returns:
        For each job, "" or why it was not run: data or code missing on the workers, or their end.

    Raises:
        SchedulerError: the scheduler ended, or all workers did.
    """
    problems = []
    for rows, problem in _answers(jobs, modules, client, stop, until):
        problems.append(problem)
        for row in rows:
            on_row(row)
    return problems


def _answers(
    jobs: Sequence[Job],
    modules: Sequence[str],
    client: Client,
    stop: threading.Event,
    until: float,
) -> Iterator[tuple[list[Row], str]]:
    """Yield what `_remote` answers for each job, as it comes.

    Raises:
        SchedulerError: the scheduler ended, or all workers did.
    """
    from distributed import as_completed
    from distributed.client import ClosedClientError

    try:
        constant: Any = {"modules": modules, "client_id": client.id, "until": until}
        futures = []
        for needed, alike in _by_needs(jobs, client):
            futures += client.map(_remote, alike, **constant, resources=needed, pure=False)
        completed: Any = as_completed(futures)  # type: ignore[no-untyped-call]
        seen = looked = time.monotonic()
        while not completed.is_empty() and not stop.wait(POLL_SECONDS):
            for future in completed.next_batch(block=False):
                if future.status == "error":
                    yield [], one_line(f"a job failed on the cluster: {future.exception()}")
                else:
                    yield future.result(timeout=ANSWER_SECONDS)
            if (now := time.monotonic()) - looked > LOOK_SECONDS:
                workers = client.nthreads(callback_timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]
                looked, seen = now, now if workers else seen
                if now - seen > WORKERS_SECONDS:
                    why = f"has had no workers for {WORKERS_SECONDS:.0f} s"
                    msg = f"the Dask scheduler {why}; {AGAIN}"
                    raise SchedulerError(msg)
    except (OSError, CancelledError, ClosedClientError) as error:
        msg = f"the Dask scheduler ended, was restarted or does not answer; {AGAIN}"
        raise SchedulerError(msg) from error


def _by_needs(jobs: Sequence[Job], client: Client) -> list[tuple[dict[str, float], list[Job]]]:
    """Return the jobs in their order, by what they take of the resources that workers declare.

    Of `MEMORY`, in bytes, a job takes its limit, if one was given; of `GPU` one, if it trains
    on one. What no worker declares no job takes.

    Raises:
        SchedulerError: a job takes more than any worker declares.
    """
    workers = client.scheduler_info()["workers"].values()
    most: dict[str, float] = defaultdict(float)
    for worker in workers:
        for name, amount in worker["resources"].items():
            most[name] = max(most[name], amount)
    groups: dict[tuple[tuple[str, float], ...], list[Job]] = defaultdict(list)
    for job in jobs:
        bytes_ = job.limits.memory_mib * 2**20
        wanted = {"MEMORY": bytes_} if math.isfinite(bytes_) else {}
        if job.wanted[0].device != "cpu":
            wanted["GPU"] = 1
        taken = {name: amount for name, amount in wanted.items() if name in most}
        for name, amount in taken.items():
            if amount > most[name]:
                msg = (
                    f"a job takes {amount:g} of the resource {name}, and no worker declares more "
                    f"than {most[name]:g}; start one with more, or lower --memory-limit"
                )
                raise SchedulerError(msg)
        groups[tuple(taken.items())].append(job)
    return [(dict(taken), alike) for taken, alike in groups.items()]


class _Lease:
    """Fork servers on a worker, for jobs of one client; they end when these are not wanted.

    The scheduler forgets the jobs of a client that is gone, and informs the workers; one without a
    scheduler closes. One that does not answer can tell nothing, and the client gives up as well.
    """

    def __init__(self, client_id: str, modules: Sequence[str]) -> None:
        self._client_id = client_id
        self._folder = tempfile.TemporaryDirectory(prefix="fathom-")
        self._servers = ForkServers(Path(self._folder.name), modules)
        self._jobs: set[tuple[Worker, str]] = set()  # that run now, by their keys
        self._used = time.monotonic()
        threading.Thread(target=self._watch, name="watch jobs", daemon=True).start()

    @classmethod
    @contextlib.contextmanager
    def server(cls, client_id: str, modules: Sequence[str]) -> Iterator[ForkServer]:
        """Lend a server to the present task of a worker for the `with` block."""
        from distributed import get_worker

        worker = get_worker()
        job = worker, str(worker.get_current_task())
        with _guard:
            if client_id not in _leases:
                _leases[client_id] = cls(client_id, modules)
            lease = _leases[client_id]
            lease._jobs.add(job)
        try:
            with lease._servers.lend() as server:
                yield server
        finally:
            with _guard:
                lease._jobs.remove(job)
                lease._used = time.monotonic()

    def _watch(self) -> None:
        """End the servers when a job is not wanted any more, or none has come for a while."""
        is_needed = True
        while is_needed:
            time.sleep(WATCH_SECONDS)
            with _guard:
                workers = {worker for worker, _ in self._jobs}
            has_scheduler = all(map(_has_scheduler, workers))
            with _guard:
                is_idle = not self._jobs and time.monotonic() - self._used > IDLE_SECONDS
                is_wanted = has_scheduler and all(_is_wanted(*job) for job in self._jobs)
                is_needed = is_wanted and not is_idle
                if not is_needed:
                    del _leases[self._client_id]
        self._servers.close()
        while self._jobs:
            time.sleep(WATCH_SECONDS)
        self._servers.close()  # one may have been starting
        self._folder.cleanup()


_leases: dict[str, _Lease] = {}
_guard = threading.Lock()


def _has_scheduler(worker: Worker) -> bool:
    """Whether the scheduler of a worker answers in time, if it is there."""
    asked = asyncio.run_coroutine_threadsafe(
        worker.scheduler.echo(data=""),
        worker.loop.asyncio_loop,  # type: ignore[attr-defined]
    )
    try:
        asked.result(ANSWER_SECONDS)
    except TimeoutError:
        asked.cancel()
        return False
    except Exception:  # it is gone, so that the worker will close
        return True
    return True


def _is_wanted(worker: Worker, key: str) -> bool:
    """Whether a task that runs on a worker is still to be run there."""
    from distributed.worker import WORKER_ANY_RUNNING

    task = worker.state.tasks.get(key)
    is_kept = task is not None and task.state == "executing"
    return is_kept and worker.status in WORKER_ANY_RUNNING


def _share_mib(worker: Worker) -> float:
    """Return a job's default memory limit: of a thread's share of what Dask gives the worker."""
    whole = worker.memory_manager.memory_limit  # in bytes; None for no limit
    share = default_limit_mib(worker.state.nthreads, whole / 2**20 if whole else None)
    return max(LEAST_MIB, share)


def _remote(
    job: Job, modules: Sequence[str], client_id: str, until: float
) -> tuple[list[Row], str]:
    """Run one job in a process of a cluster, with fork servers that stay for the next."""
    from distributed import Reschedule, get_worker

    if time.time() > until:
        return [], ""
    if math.isinf(job.limits.memory_mib):
        job = replace(job, limits=replace(job.limits, memory_mib=_share_mib(get_worker())))
    for wanted in job.wanted:
        made = origin(parse(wanted.spec), wanted.protocol, wanted.dataset)
        if code_id(made) != wanted.code_id:
            return [], (
                f"{wanted.spec}: the worker on {socket.gethostname()} has other code or libraries "
                "than this machine; install the same there, and start the worker again"
            )
    try:
        with _Lease.server(client_id, modules) as server:
            return list(run_job(job, server, Stages())), ""
    except NotRun as error:
        return [], str(error)
    except Interrupted as end:  # for another worker, if it is still wanted
        raise Reschedule from end
