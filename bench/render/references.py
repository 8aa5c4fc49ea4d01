"""What a paper cites: the entries of `references.bib` for the methods and data sets of a board.

The docstring of a method and the card of a data set cite an entry by its key, `[breunig2000lof]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import datasets
from detectors.source import citations
from detectors.spec import parse

FILE = Path(__file__).with_suffix(".bib")
_ENTRY = re.compile(r"^@(?P<kind>\w+)\{(?P<key>\w+),\n(?P<body>.*?)^\}", re.M | re.S)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.M)


@dataclass(frozen=True)
class Reference:
    """One entry.

    Attributes:
        key: what LaTeX cites it by.
        kind: of the entry, such as "article".
        entry: as it stands in the file.
        fields: by name, as they stand in the file.
    """

    key: str
    kind: str
    entry: str
    fields: Mapping[str, str] = field(hash=False)


@cache
def bibliography() -> dict[str, Reference]:
    """Return all entries of the file by key."""
    text = FILE.read_text(encoding="utf-8")
    return {
        found["key"]: Reference(
            found["key"], found["kind"], found[0], dict(_FIELD.findall(found["body"]))
        )
        for found in _ENTRY.finditer(text)
    }


def of_detector(spec: str) -> tuple[Reference, ...]:
    """Return the sources of a detector, of its model first and then of its head.

    There are none for a detector of stored rows that is not there any more.
    """
    try:
        parsed = parse(spec)
    except (ValueError, FileNotFoundError):
        return ()
    entries = [entry for entry in (parsed.entry, parsed.head_entry) if entry]
    keys = dict.fromkeys(key for entry in entries for key in citations(entry.target))
    known = bibliography()
    return tuple(known[key] for key in keys if key in known)  # a user's class may cite others


def of_dataset(name: str) -> tuple[Reference, ...]:
    """Return the sources that the card of a data set says to cite."""
    known = bibliography()
    keys = re.findall(r"\[(\w+)\]", datasets.find(name).citation)
    return tuple(known[key] for key in keys if key in known)


def bibtex(references: Iterable[Reference]) -> str:
    """Return a .bib file with each entry once, in order of keys."""
    entries = {reference.key: reference.entry for reference in references}
    return "\n".join(f"{entries[key]}\n" for key in sorted(entries))
