"""Where commands print, and the files that they write."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.common.errors import Usage, usage
from bench.render.printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

WIDTH = 100  # of a line, in characters, where the output is no terminal


@cache
def console() -> Console:
    """Return the console that all commands share; rich is imported on first use."""
    from rich.console import Console
    from rich.text import Text

    class Printable(Console):
        """A console that prints hidden signs of a text as escapes."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(printable(text, keep="\n"), **options)

    width = None if sys.stdout.isatty() else WIDTH
    return Printable(width=width, highlight=False, emoji=False)


def console_of_progress(*, is_piped: bool) -> Console:
    """Return where a run shows its progress: stderr if the table that follows is piped."""
    from rich.console import Console

    return Console(stderr=True, highlight=False) if is_piped else console()


def say(sentence: str) -> None:
    """Print a sentence on one line, however long, with brackets as they are."""
    console().print(sentence, markup=False, soft_wrap=True)


def write_file(path: Path, text: str, mark: str = "") -> None:
    """Write a file, whole or not at all, and print its path.

    Args:
        path: of the file.
        text: its content.
        mark: what a file there has to contain, unless it is empty, to be overwritten.

    Raises:
        Usage: the file cannot be written, or one there has no mark.
    """
    from bench.store.folder import replacing

    check_ours(path, mark)
    try:
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error
    say(str(path))


def write_figure(file: Path | None, draw: Callable[[], Figure]) -> None:
    """Draw a figure into a file, if one is asked for.

    Raises:
        Usage: its suffix is not that of a figure, it cannot be written, or nothing can be drawn.
    """
    if file is None:
        return
    from bench.render import figures

    with usage():
        try:
            figures.write_as_named(draw, file)
        except OSError as error:
            raise cannot_write(file, error) from error


def check_ours(path: Path, mark: str) -> None:
    """Check that a file may be overwritten: it is empty, has a mark of ours, or is not there.

    Raises:
        Usage: it has no mark, or cannot be read.
    """
    try:
        there = path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise cannot_write(path, error) from error
    if there and mark.encode() not in there:
        msg = f"{path} was not written by this program; move it away, or give --output another"
        raise Usage(msg)


def check_file(path: Path | None) -> Path | None:
    """Check before the work of a command that the file for its result, if any, can be written.

    Raises:
        Usage: it cannot, or something else has its name.
    """
    if path is None:
        return None
    if path.exists() and not path.is_file():
        msg = f"cannot write {path}: it is no file; name another"
        raise Usage(msg)
    _try(path, path.parent)
    return path


def check_figure(path: Path | None) -> Path | None:
    """Check as `check_file`, and that the suffix is that of a figure."""
    if path is not None:
        from bench.render import figures

        with usage():
            figures.check_suffix(path)
    return check_file(path)


def check_folder(path: Path | None) -> Path | None:
    """Check as `check_file`, of a folder, which a command makes if it is missing."""
    if path is not None:
        _try(path, next(each for each in (path, *path.parents) if each.exists()))
    return path


def _try(path: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> Usage:
    """Return the error for a file or folder that cannot be written."""
    return Usage(f"cannot write {path}: {error.strerror}; name another")
