"""Where commands print, and the files that they write."""

from __future__ import annotations

import sys
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

    try:
        check_ours(path, mark)
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
        Usage: it has no mark.
        OSError: it cannot be read.
    """
    there = path.read_bytes() if path.is_file() else b""
    if there and mark.encode() not in there:
        msg = f"{path} was not written by this program; move it away, or give --output another"
        raise Usage(msg)


def cannot_write(path: Path, error: OSError) -> Usage:
    """Return the error for a file that cannot be written."""
    return Usage(f"cannot write {path}: {error.strerror}; name another file")
