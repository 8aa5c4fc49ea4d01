"""Bad usage: one clear sentence on stderr and exit status 2, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# Parts of the messages that the page on trouble explains.
EXPLAINED = (
    "first, or name another with --results",
    "wait for it, or give another folder with --results",
    "or name another folder with --data",
    "is not accepted",
    "depend on the other test rows",
    "values that are NaN or infinite",
    "its import does not finish",
    "is not available",
    "torch finds no GPU here",
    "held-out normals, there are",
    "scores may differ; fit it again",
)


class Usage(ValueError):
    """Raised for bad usage; the message is all that the user sees."""


def with_page(sentence: str) -> str:
    """Return a sentence with the page that explains it, if it comes often."""
    if not any(part in sentence for part in EXPLAINED):
        return sentence
    from bench.run.remarks import PAGE

    return f"{sentence} ({PAGE})"


@contextmanager
def usage(*others: type[Exception]) -> Iterator[None]:
    """Turn a ValueError, and other errors that a user's input causes, into `Usage`.

    Without others, a missing file is one.
    """
    expected: tuple[type[Exception], ...] = (ValueError, *(others or (FileNotFoundError,)))
    try:
        yield
    except expected as error:
        message = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            message = f"{error.filename}: {error.strerror}"
        raise Usage(message) from error


def given_of(context: Any, names: Sequence[str]) -> list[str]:
    """Return those of some options of a command that were given, as they are written."""
    sources = {name: context.get_parameter_source(name) for name in names}
    return [
        f"--{name.replace('_', '-')}"
        for name, source in sources.items()
        if source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
    ]


def one_of(option: str, value: str, known: Sequence[str]) -> None:
    """Check the value of an option.

    Raises:
        Usage: it is not among the known ones.
    """
    from detectors.settings import nearest

    if value not in known:
        msg = f"{option}: unknown {value!r}; {nearest(value, known)}"
        raise Usage(msg)
