"""Progress of a run: a live bar on a terminal, a line every LOG_SECONDS in a log file."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench.store.records import Row

LOG_SECONDS = 10.0
FEW = 10  # rows from which the time left is estimated


class Progressing:
    """Counts rows as they come; a context manager, safe to use from several threads."""

    def __init__(self, n_rows: int, console: Console) -> None:
        """Prepare for `n_rows` rows, shown on a console."""
        self._n_rows, self._console = n_rows, console
        self._statuses: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._start = self._printed = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} rows"),
            BarColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left  {task.fields[last]}", style="dim", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=n_rows, failed="0 failed", last="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        seconds = time.monotonic() - self._start
        if self._statuses:  # if nothing was run, only the reason is printed
            self._console.print(f"{self._counts()}, {seconds:.0f} s")

    def row(self, row: Row) -> None:
        """Count a row."""
        with self._guard:
            self._statuses[row.status] += 1
            done, failed = self._statuses.total(), self.failed
            last = f"{row.wanted.label} on {row.wanted.dataset}"
            self._bar.update(self._task, completed=done, failed=f"{failed} failed", last=last)
            now = time.monotonic()
            if not self._console.is_terminal and now - self._printed > LOG_SECONDS:
                self._printed = now
                self._console.print(self._counts() + self._left(now - self._start, done))

    def _left(self, seconds: float, done: int) -> str:
        """Return the time left, "" while too few rows are done: the first of them start slowly."""
        if done < min(FEW, self._n_rows / 10):
            return ""
        return f", about {seconds / done * (self._n_rows - done):.0f} s left"

    def _counts(self) -> str:
        return f"{self._statuses.total()}/{self._n_rows} rows, {self.failed} failed"

    @property
    def failed(self) -> int:
        """How many rows failed."""
        return self._statuses.total() - self._statuses["ok"]
