"""What a run says while it makes rows: failures as they come, and the board so far."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from rich.console import Console

from bench.protocols.named import parse
from bench.store.records import Row

N_FAILURES_SHOWN = 10
PAGE = "docs/troubleshooting.md"
SO_FAR = "the board so far, places for whole detectors; `bench board` prints it at any time:"
EARLY_S, EVERY_S = 20.0, 60.0  # when the board so far is printed, and how often after that
MOST_SHARE = 0.05  # of the time that may go into boards
LARGE, FEW = 20_000, 2000  # training samples: from how many a run gets a hint, and which it names


class Remarks:
    """Sentences on a run, each where it is of use; safe to use from several threads."""

    def __init__(self, console: Console, print_board: Callable[[str], bool] | None) -> None:
        """Print to a console.

        Args:
            console: where.
            print_board: prints the board so far under a sentence, unless it returns False since
                there is not enough to show; None to print none.
        """
        self._console, self._print_board = console, print_board
        self._start = time.monotonic()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._hinted: set[str] = set()
        self._printing = threading.Lock()
        self._next = EARLY_S

    def row(self, row: Row) -> None:
        """Remark on a row that was stored."""
        if row.status != "ok":
            self._failure(row)
        name, protocol = row.wanted.dataset, row.wanted.protocol
        if name not in self._hinted and (
            hint := on_size(name, protocol, row.sizes.get("n_train", 0))
        ):
            self._hinted.add(name)
            say(self._console, hint)
        if self._print_board and self._printing.acquire(blocking=False):
            try:
                self._board(self._print_board)
            finally:
                self._printing.release()

    def _board(self, print_board: Callable[[str], bool]) -> None:
        """Print the board so far if it is time."""
        start = time.monotonic() - self._start
        if start > self._next:
            is_printed = print_board(SO_FAR)
            end = time.monotonic() - self._start
            pause = EVERY_S if is_printed else start  # too few rows: twice as late
            self._next = end + max(pause, (end - start) / MOST_SHARE)

    def end(self) -> None:
        """Say how many more rows failed in the same ways, and where the remedies are."""
        for (status, reason), n_rows in list(self._failures.items())[:N_FAILURES_SHOWN]:
            if n_rows > 1:
                more = f"{n_rows - 1} more {'row' if n_rows == 2 else 'rows'}"
                say(self._console, f"{more}: {status}: {reason}")
        if self._failures:
            say(self._console, f"{PAGE} says what each status means, and what to do")

    def _failure(self, row: Row) -> None:
        """Print the first failure of each of the first reasons; the board counts all."""
        kind = (row.status, row.reason)
        self._failures[kind] += 1
        if self._failures[kind] == 1 and len(self._failures) <= N_FAILURES_SHOWN:
            w = row.wanted
            where = f"{w.label} on {w.dataset}, seed {w.seed}"
            say(self._console, f"{row.status}: {where} (row {w.key[:8]}): {row.reason}")


def on_size(dataset: str, protocol: str, n_train: int) -> str:
    """Return how a large data set gives a first board within a minute, "" where it is not large."""
    named = parse(protocol)
    if n_train <= LARGE or named.protocol.paper or "max_train" in named.parameters:
        return ""
    given = ", ".join([*(f"{k}={str(v).lower()}" for k, v in named.parameters.items()),
                       f"max_train={FEW}"])  # fmt: skip
    return (
        f"{dataset} has {n_train:,} training samples; for a first board within a minute add "
        f"--protocol '{named.name}({given})': its rows are stored apart from those of the whole"
    )


def say(console: Console, sentence: str) -> None:
    """Print a sentence as it is, on one line however long."""
    console.print(sentence, markup=False, soft_wrap=True)
