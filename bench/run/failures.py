"""What a detector raised, as a status and texts that are safe to print and to store."""

from __future__ import annotations

import contextlib
import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.run.messages import Failed
from bench.store.records import Status
from detectors.contract import Collapsed, Diverged, Unavailable, Unsupported

MAX_WARNINGS = 20
MAX_REASON = 500  # characters; also of a warning
MAX_TRACEBACK = 16_000  # characters
OWN_STATUS: dict[type[BaseException], Status] = {
    Unsupported: "unsupported",
    Diverged: "non-finite",
    Collapsed: "constant",
}


def failed(error: BaseException) -> Failed:
    """Return status, reason and traceback of what a detector raised."""
    status: Status = "error"
    message = str(traceback.TracebackException.from_exception(error))  # str(error) itself may raise
    reason = f"{type(error).__name__}: {message}"
    own = [status for kind, status in OWN_STATUS.items() if isinstance(error, kind)]
    if own:
        status, reason = own[0], message
    elif isinstance(error, MemoryError) or _is_torch_memory_error(error):
        status = "memory"
    elif isinstance(error, SystemExit):
        reason = f"the detector called exit({error.code!r})"
    text = "".join(traceback.format_exception(error))
    lacks = isinstance(error, Unavailable)
    reason = one_line(message if lacks else reason)
    return Failed(status, reason, shortened(text, MAX_TRACEBACK), unavailable=lacks)


def raised_at(error: BaseException, folder: Path) -> str:
    """Return the last file and line of a folder that an error passed through, "" if it has none."""
    frames = [*traceback.walk_tb(error.__traceback__)]
    return _first_in(folder, ((f.f_code.co_filename, line) for f, line in reversed(frames)))


def dumped_at(output: str, folder: Path) -> str:
    """Return the same from what `faulthandler` wrote when a process died or took too long."""
    return _first_in(folder, re.findall(r'File "(.+)", line (\d+) in ', output))


def _first_in(folder: Path, places: Iterable[tuple[str, int | str]]) -> str:
    for file, line in places:
        if Path(file).resolve().parent == folder:
            return one_line(f"{Path(file).name}, line {line}")
    return ""


def one_line(text: str, most: int = MAX_REASON, rest: str = "...") -> str:
    """Return a text that may be printed: no control characters, no lone surrogates, not long.

    `rest` stands for what exceeds `most` characters.
    """
    line = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return line if len(line) <= most else f"{line[:most]} {rest}"


def shortened(text: str, most: int) -> str:
    """Return a text without lone surrogates, and without its middle if it is too long."""
    if len(text) > most:
        half = most // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode(errors="replace").decode()


def _is_torch_memory_error(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or type(error).__name__ == "OutOfMemoryError"
    )


@contextlib.contextmanager
def caught_warnings() -> Iterator[list[str]]:
    """Collect the first distinct warnings that are raised in the `with` block, as texts."""
    texts: list[str] = []

    def keep(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = shortened(f"{category.__name__}: {message}", MAX_REASON)
        if text not in texts and len(texts) < MAX_WARNINGS:
            texts.append(text)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = keep
        yield texts
