"""One invocation of `bench run`: plan, execute what is missing, store, track, print the board."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from bench.boards import board
from bench.boards.rows import frame_of
from bench.plan import planning
from bench.plan.job import Limits
from bench.plan.suite import Suite, SuiteError
from bench.render import formats, terminal
from bench.run.execute import (
    DRAFT,
    Workshop,
    check_settings,
    connect,
    execute,
    execute_on_cluster,
    prepare_tmp,
    sweep,
)
from bench.run.progress import Progressing
from bench.run.sandbox import default_memory_mib
from bench.store.provenance import provenance
from bench.store.records import Row, Wanted
from bench.store.store import Store, StoreError, locked
from bench.tracking import parent_run
from bench.tracking.tracker import Tracker, untracked

N_FAILURES_SHOWN = 10


@dataclass(frozen=True)
class Options:
    """How a suite is run; nothing here changes a score.

    Attributes:
        results: folder of the store.
        data: data folder, None for the default one.
        workers: jobs at a time.
        seconds: time limit of a fit and of a read-out, in seconds.
        memory_mib: memory limit of a job in MiB, None for the default.
        retry: statuses of stored rows to try again.
        scheduler: address of a Dask scheduler, None for this machine.
    """

    results: Path
    data: Path | None
    workers: int
    seconds: float
    memory_mib: float | None
    retry: Sequence[str]
    scheduler: str | None


def run(
    suite: Suite,
    wanted: Sequence[Wanted],
    options: Options,
    console: Console,
    *,
    keep_board: bool,
    print_board: bool = True,
) -> Counter[str]:
    """Make the rows that are missing, and print the board of all that the suite wants.

    Args:
        suite: for its name and title.
        wanted: the rows.
        options: how.
        console: where progress and the board are printed.
        keep_board: whether to write `leaderboard-SUITE.md` and `.csv` in the results folder.
        print_board: whether to print it; a published table is printed otherwise.

    Returns:
        How many of the wanted rows stand at each status now; "missing" if they are not stored.

    Raises:
        SuiteError: a detector's settings are not accepted.
        SchedulerError: the cluster cannot be used.
        StoreError: the results folder cannot be used, or another run holds it.
        KeyboardInterrupt: the run was interrupted; children are gone and rows kept.
    """
    with locked(options.results):
        sweep(options.results)
        store = Store(options.results)
        try:
            todo = planning.missing(wanted, store.statuses(), options.retry)
            n_kept = len(wanted) - len(todo)
            _say(console, f"{suite.name}: {len(wanted)} rows, {n_kept} stored, {len(todo)} to run")
            tracker = _make_rows(suite, todo, store, options, console) if todo else None
            made, texts = _board(suite, wanted, store)
            if keep_board:
                _keep(options.results, suite.name, texts)
            if tracker is None:
                tracked = untracked(options.results, suite.name, store) or ""
            else:
                for record in store.records({w.key for w in wanted} - {w.key for w in todo}):
                    tracker.log(record)  # a killed run may have stored it and not logged it
                report = tracker.finish(lambda: parent_run.of_board(made))
                told = f"mlflow: {report.logged} runs in {report.uri}" if report.logged else ""
                tracked = report.problem or told
            stored = store.statuses()
            statuses = Counter(stored.get(row.key, "missing") for row in wanted)
            # Printed last: whoever cuts the output short has lost nothing but output.
            if statuses.keys() == {"missing"}:
                _say(console, "none of these rows could be made, so there is no board")
            elif print_board:
                console.file.write(terminal.to_table(made, console.width, console))
            if tracked:
                _say(console, tracked)
            return statuses
        finally:
            store.close()


def _make_rows(
    suite: Suite, todo: Sequence[Wanted], store: Store, options: Options, console: Console
) -> Tracker:
    try:
        tmp = prepare_tmp(options.results)
    except OSError as error:
        msg = f"cannot work in {options.results}: {error}; give another folder with --results"
        raise StoreError(msg) from error
    memory_mib = options.memory_mib or default_memory_mib(options.workers)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    jobs = planning.jobs(todo, options.data, Limits(options.seconds, memory_mib), name)
    modules = planning.modules(todo)
    workshop = Workshop(tmp, modules)
    cluster = connect(options.scheduler) if options.scheduler else nullcontext()
    with cluster as client, _interruptible(workshop.stop):
        try:
            workshop.start(1 if client else min(options.workers, len(jobs)))
            _refuse_bad_settings(workshop, todo)
            tracker = Tracker(store, suite.name, _invocation(suite, name))
            try:
                failures: Counter[tuple[str, str]] = Counter()
                with Progressing(len(todo), console) as progress:

                    def on_row(row: Row) -> None:
                        row = replace(row, provenance={**row.provenance, "suite": suite.name})
                        tracker.log(store.add(row))
                        progress.row(row)
                        _say_failure(row, failures, console)

                    if client is not None:
                        absent = execute_on_cluster(jobs, modules, client, on_row)
                    else:
                        with _writing(options.results):
                            absent = execute(jobs, workshop, options.workers, on_row)
            except BaseException:
                workshop.close()  # first of all the children
                tracker.abandon()
                raise
        finally:
            workshop.close()
            sweep(options.results)
    for (status, reason), n_rows in list(failures.items())[:N_FAILURES_SHOWN]:
        if n_rows > 1:
            _say(
                console, f"{n_rows - 1} more {'row' if n_rows == 2 else 'rows'}: {status}: {reason}"
            )
    for sentence in absent:
        _say(console, f"not run: {sentence}")
    return tracker


def _refuse_bad_settings(workshop: Workshop, todo: Sequence[Wanted]) -> None:
    pairs = {(row.spec, row.label): (row.spec, dict(row.settings)) for row in todo}
    errors = check_settings(workshop, list(pairs.values()))
    if errors:
        raise SuiteError("; ".join(errors))


def _say_failure(row: Row, failures: Counter[tuple[str, str]], console: Console) -> None:
    """Print the first failure of each of the first reasons as it comes; the board counts all."""
    if row.status == "ok":
        return
    kind = (row.status, row.reason)
    failures[kind] += 1
    if failures[kind] == 1 and len(failures) <= N_FAILURES_SHOWN:
        w = row.wanted
        where = f"{w.label} on {w.dataset}, seed {w.seed}"
        _say(console, f"{row.status}: {where} (row {w.key[:8]}): {row.reason}")


def _say(console: Console, sentence: str) -> None:
    """Print a sentence as it is, on one line however long."""
    console.print(sentence, markup=False, soft_wrap=True)


def _invocation(suite: Suite, name: str) -> dict[str, str]:
    where = provenance()
    return {
        "command": shlex.join(["bench", *sys.argv[1:]]),
        "run": name,
        "suite": suite.name,
        "title": suite.title,
        **{key: str(where[key]) for key in ("commit", "dirty", "machine", "processor", "python")},
    }


def _board(
    suite: Suite, wanted: Sequence[Wanted], store: Store
) -> tuple[board.Board, dict[str, str]]:
    """Return the board of the wanted rows, and its texts by file name."""
    frame, stale = frame_of(wanted, store.as_kept(), store.renewed)
    made = board.build(frame, title=suite.title, stale=stale)
    return made, formats.leaderboards(made)


def _keep(results: Path, name: str, texts: Mapping[str, str]) -> None:
    """Write `leaderboard-NAME.md` and `.csv`, each whole or not at all."""
    with _writing(results):
        for file, text in texts.items():
            draft = results / DRAFT
            draft.write_text(text, encoding="utf-8")
            draft.replace(results / file.replace("leaderboard", f"leaderboard-{name}"))


@contextmanager
def _writing(results: Path) -> Iterator[None]:
    """Say in one sentence that the disk is full or the results folder is gone."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write in {results}: {error}; rows stored so far are kept"
        raise StoreError(msg) from error


@contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """Let the first of SIGINT, SIGTERM and SIGHUP stop the workers and raise KeyboardInterrupt."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    previous: dict[signal.Signals, Callable[..., object] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        previous[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
