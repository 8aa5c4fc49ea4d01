"""A session makes the missing rows of one invocation and stores each as it comes.

It prints nothing and shows no progress: the caller is called back with each stored row.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from bench.plan import planning
from bench.plan.budget import Budget
from bench.plan.costs import SAMPLE, Costs
from bench.plan.job import Limits
from bench.plan.race import Race
from bench.plan.stages import Stages
from bench.plan.suite import SuiteError
from bench.run import cluster, local
from bench.run.converse import check_settings
from bench.run.processes import default_limit_mib, most_jobs
from bench.run.supervise import ForkServer
from bench.run.workspace import prepare_tmp, sweep, writing
from bench.store.folder import StoreError, locked
from bench.store.provenance import of_user
from bench.store.records import Row, Wanted, canonical
from bench.store.store import Store

if TYPE_CHECKING:
    from distributed import Client

WATCH_SECONDS = 0.5
OnRow = Callable[[Row, dict[str, Any]], None]
"""Called with each row and its record as stored, from any thread."""


@dataclass(frozen=True)
class Options:
    """How rows are made; nothing here changes a score.

    Attributes:
        results: folder of the store.
        data: data folder, None for the default one.
        workers: number of jobs that run at the same time.
        seconds: time limit of a fit and of a read-out, in seconds.
        memory_mib: memory limit of a job in MiB, None for the default.
        retry: statuses of stored rows to run again.
        scheduler: address of a Dask scheduler, None for this machine.
        suite_file: of a suite of the user's, whose commit the rows record.
        minutes: after which no other job starts.
        budget: of the training of each method on a data set, or a race; None for neither.
    """

    results: Path
    data: Path | None
    workers: int
    seconds: float
    memory_mib: float | None
    retry: Sequence[str]
    scheduler: str | None
    suite_file: Path | None = None
    minutes: float = math.inf
    budget: Budget | Race | None = None


@contextmanager
def opened(results: Path) -> Iterator[Store]:
    """Lock a results folder, remove what a killed run left there, and open its store.

    Raises:
        StoreError: the results folder cannot be used, or another run holds it.
    """
    with locked(results):
        sweep(results)
        store = Store(results)
        try:
            yield store
        finally:
            store.close()


class Session:
    """The jobs of one invocation, and the processes that run them."""

    def __init__(
        self,
        todo: Sequence[Wanted],
        suite: str,
        run: str,
        store: Store,
        options: Options,
        stages: Stages,
    ) -> None:
        """Plan the jobs.

        Args:
            todo: the rows to make, at least one.
            suite: name of the suite, for the rows' provenance.
            run: name of the invocation, likewise.
            store: of a results folder that is `opened`.
            options: how.
            stages: where the time goes.

        Raises:
            StoreError: the results folder cannot be written.
        """
        self._todo, self._suite, self._store, self._options = todo, suite, store, options
        limits, costs = Limits(options.seconds, math.inf), Costs(store.as_kept(most=SAMPLE))
        is_race = isinstance(options.budget, Race)
        jobs = planning.jobs(todo, options.data, limits, run, costs, by_seed=is_race)
        if options.budget is not None:  # which is spent in the order of the rows
            place = {row.key: number for number, row in enumerate(todo)}
            jobs.sort(key=lambda job: place[job.wanted[0].key])
            for record in store.as_kept():
                if record["key"] not in place:  # one that is tried again is counted then
                    options.budget.add(record)
        at_once = min(options.workers, len(jobs))
        self._workers = at_once if options.memory_mib else min(at_once, most_jobs())
        self._memory_mib = options.memory_mib or default_limit_mib(self._workers)
        there = options.memory_mib or math.inf  # on a cluster each worker has its own default
        limits = Limits(options.seconds, there if options.scheduler else self._memory_mib)
        self._jobs = [replace(job, limits=limits) for job in jobs]
        self._modules = planning.modules(row.spec for row in todo)
        self._users_file = options.suite_file or planning.users_file(todo)
        self._servers = local.ForkServers(prepare_tmp(options.results), self._modules)
        self._client: Client | None = None
        self.running = local.Running(stages, options.minutes, options.budget)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start the processes and check all settings in one of them; end them afterwards.

        Within the `with` block, SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt.

        Raises:
            SuiteError: a detector's settings are not accepted.
            SchedulerError: the cluster cannot be used.
        """
        options, servers = self._options, self._servers
        connected = cluster.connect(options.scheduler) if options.scheduler else nullcontext()
        with connected as self._client, interruptible(servers.stop):
            try:
                servers.start(1 if self._client else self._workers)
                self._check_settings()
                yield
            finally:
                servers.close()
                sweep(options.results)

    def run(self, on_row: OnRow) -> list[str]:
        """Run the jobs, store each row and call `on_row`; within `started`.

        Returns:
            What was not run since its data are missing, one sentence each.

        Raises:
            StoreError: a row cannot be stored.
            SchedulerError: the cluster ended.
            KeyboardInterrupt: the run was interrupted; children are gone and rows kept.
        """

        def store(row: Row) -> None:
            file = planning.users_file([row.wanted]) or self._users_file
            users = of_user(file) if file else {}
            row = replace(
                row,
                provenance={**row.provenance, "suite": self._suite, **users},
                effective_settings=self._in_effect[_detector(row.wanted)],
            )
            with self.running.stages.of("store"):
                record = self._store.add(row)
            if options.budget is not None:
                options.budget.add(record)
            on_row(row, record)

        jobs, stop, options = self._jobs, self._servers.stop, self._options
        try:
            with _watched(self._store, stop):
                if self._client is not None:
                    problems = cluster.run_jobs(
                        jobs, self._modules, self._client, stop, store, self.running.until
                    )
                else:
                    with writing(options.results):
                        problems = local.run_jobs(
                            jobs, self._servers, self._workers, store, self.running
                        )
        except BaseException:
            self._servers.close()  # before anything that takes time
            raise
        return [problem for problem in dict.fromkeys(problems) if problem]

    def _check_settings(self) -> None:
        with self._servers.lend() as server:
            self._in_effect = settings_in_effect(self._todo, server, self._memory_mib)


def settings_in_effect(
    rows: Iterable[Wanted], server: ForkServer, memory_mib: float
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all settings in effect of each detector, by spec and explicit settings as a text.

    Raises:
        SuiteError: a detector cannot be made, or its settings are not accepted.
    """
    pairs = {_detector(row): (row.spec, dict(row.settings)) for row in rows}
    checked = check_settings(server, list(pairs.values()), memory_mib)
    if errors := [each.error for each in checked if each.error]:
        raise SuiteError("; ".join(dict.fromkeys(errors)))  # a grid repeats them
    return {pair: each.settings for pair, each in zip(pairs, checked, strict=True)}


def _detector(row: Wanted) -> tuple[str, str]:
    return row.spec, canonical(row.settings)


@contextmanager
def _watched(store: Store, stop: threading.Event) -> Iterator[None]:
    """Stop the workers as soon as the store is removed, replaced or moved.

    Raises:
        StoreError: it was; also in place of another error.
    """
    ended = threading.Event()

    def watch() -> None:
        with suppress(StoreError):
            while not ended.wait(WATCH_SECONDS):
                store.check_place()
            return
        stop.set()

    watcher = threading.Thread(target=watch, name="watch the store", daemon=True)
    watcher.start()
    try:
        yield
    except Exception:
        store.check_place()  # the reason for the error, if it fails
        raise
    finally:
        ended.set()
        watcher.join()
    store.check_place()


@contextmanager
def interruptible(stop: threading.Event) -> Iterator[None]:
    """Let the first of SIGINT, SIGTERM and SIGHUP stop the workers and raise KeyboardInterrupt.

    A signal that is ignored, as SIGHUP under nohup, stays so.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    previous: dict[signal.Signals, Callable[..., object] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            previous[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
