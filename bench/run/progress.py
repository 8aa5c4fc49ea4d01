"""Progress of a run: a live bar on a terminal, a line every LOG_SECONDS elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from bench.store.records import Row

BAR_SECONDS, LOG_SECONDS = 0.5, 30.0
FEW = 10  # rows from which the time left is estimated
MOST_NAMED = 4  # jobs that run
Running = Callable[[], Iterable[tuple[str, float]]]
"""Returns the jobs that run now, each with its seconds since it started."""


class Progressing:
    """Counts rows as they come; a context manager, safe to use from several threads."""

    def __init__(self, n_rows: int, console: Console, running: Running = tuple) -> None:
        """Prepare for `n_rows` rows, shown on a console with the jobs that are `running`."""
        self._n_rows, self._console, self._running = n_rows, console, running
        self._statuses: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._start = time.monotonic()
        names = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # cut before the time left is
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} rows"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[failed]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            TextColumn("{task.fields[jobs]}", style="dim", markup=False, table_column=names),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=n_rows, failed="0 failed", jobs="")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._bar.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._bar.stop()
        if self._statuses:  # if nothing was run, only the reason is printed
            self._console.print(f"{self._counts()}, {self.seconds:.0f} s")

    def row(self, row: Row) -> None:
        """Count a row."""
        with self._guard:
            self._statuses[row.status] += 1
            done, failed = self._statuses.total(), self.failed
            self._bar.update(self._task, completed=done, failed=f"{failed} failed")

    def _report(self) -> None:
        """Say at intervals how far the run is and what runs, also while no row comes."""
        live = self._console.is_terminal
        while not self._ended.wait(BAR_SECONDS if live else LOG_SECONDS):
            jobs = self._jobs()
            if live:
                self._bar.update(self._task, jobs=jobs)
            else:
                line = self._counts() + self._left() + (f"; running: {jobs}" if jobs else "")
                self._console.print(line, markup=False, soft_wrap=True)

    def _jobs(self) -> str:
        """Return the jobs that run with their elapsed time, the longest first."""
        jobs = sorted(self._running(), key=lambda job: -job[1])
        named = [f"{name} ({seconds:.0f} s)" for name, seconds in jobs[:MOST_NAMED]]
        more = len(jobs) - MOST_NAMED
        return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])

    def _left(self) -> str:
        """Return the time left, "" while too few rows are done: the first of them start slowly."""
        done = self._statuses.total()
        if done < min(FEW, self._n_rows / 10) or not done:
            return ""
        return f", about {self.seconds / done * (self._n_rows - done):.0f} s left"

    def _counts(self) -> str:
        return f"{self._statuses.total()}/{self._n_rows} rows, {self.failed} failed"

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._start

    @property
    def failed(self) -> int:
        """How many rows failed."""
        return self._statuses.total() - self._statuses["ok"]
