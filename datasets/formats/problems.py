"""All that is wrong with a table, in one sentence, with the command that would read it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from datasets.files import WrongData
from datasets.formats.settings import Settings

SHOWN = 20  # names of columns that a message lists
_SHOWN_SIGNS = 40  # of a text
_SHOWN_ALIKE = 3  # columns with the same fault that a message describes
Fix = Mapping[str, str | tuple[str, ...]]


class Problem(NamedTuple):
    """Something wrong with a table.

    Attributes:
        what: a sentence without its end.
        fix: settings that would read the table all the same, "normal" and "label" instead of those
            given, other lists besides; None if the file has to be corrected.
        kind: faults of the same kind in many columns are counted.
    """

    what: str
    fix: Fix | None
    kind: str = ""


def in_cells(column: str, n: int, kind: tuple[str, str], example: str, fix: Fix) -> Problem:
    """Return the problem of cells of a column, with an example and its row."""
    few, many = kind
    return Problem(f"column {column!r} has {n:,} {few if n == 1 else many}{example}", fix, many)


def refusal(path: Path, name: str, settings: Settings, found: Sequence[Problem]) -> WrongData:
    """Return the error with all problems of the table that has this name and these settings."""
    sentences: list[str] = []
    for kind in dict.fromkeys(problem.kind for problem in found):
        whats = [problem.what for problem in found if problem.kind == kind]
        shown = whats[:_SHOWN_ALIKE] if kind else whats
        more = len(whats) - len(shown)
        sentences += shown + [f"{more} more columns have {kind}"] * bool(more)
    fixes = [problem.fix for problem in found if problem.fix is not None]
    changed = _with(settings, fixes)
    end = "; to read it" if len(fixes) == len(found) else "; correct the file, then"
    end = f"{end}: {command(name, changed)}" if fixes else "; correct the file"
    if changed.missing == "keep" and settings.missing != "keep":
        end += " (and run with --scaler median+standard)"
    return WrongData(f"{path}: {'; '.join(sentences)}{end}")


def command(name: str, settings: Settings) -> str:
    """Return the command that shows the card of a table when it is read with these settings."""
    default = Settings()._asdict()
    given = {key: value for key, value in settings._asdict().items() if value != default[key]}
    place = name.partition("?")[0].replace(",", "%2C")  # which separates names on the command line
    query = urlencode(given, doseq=True, quote_via=quote)
    return f"bench data card {shlex.quote(f'{place}?{query}')}"


def listed(names: Sequence[str]) -> str:
    """Return the first names of many."""
    shown = ", ".join(map(short, names[:SHOWN]))
    return shown + (f", ... ({len(names)})" if len(names) > SHOWN else "")


def nearest(asked: str, names: Sequence[str]) -> list[str]:
    """Return the names that resemble one that is not there, the nearest first."""
    known = {name.casefold(): name for name in names}
    return [known[name] for name in get_close_matches(asked.casefold(), known)]


def short(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= _SHOWN_SIGNS else f"{text[:_SHOWN_SIGNS]}..."


def _with(settings: Settings, fixes: Sequence[Fix]) -> Settings:
    changed = settings._asdict()
    for key, value in (pair for fix in fixes for pair in fix.items()):
        adds = isinstance(value, tuple) and key != "normal"
        changed[key] = tuple(dict.fromkeys((*changed[key], *value))) if adds else value
    return Settings(**changed)
