"""Data sets by name. Naming and describing them loads no data and imports no loader."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from datasets.record import Card, DataSet
from datasets.sources import TABLE, Entry

Loader = Callable[[Card, Path], DataSet]


class UnknownDataSet(ValueError):
    """Raised for a name that is not in the table, with the nearest ones that are."""


def names() -> tuple[str, ...]:
    """Return the name of every data set that can be loaded."""
    return tuple(TABLE)


def card(name: str) -> Card:
    """Return what is known of a data set, without loading it.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
    """
    return _entry(name).card


def load(name: str, data: Path | None = None) -> DataSet:
    """Load a data set and check it against its card.

    Args:
        name: one of `names()`.
        data: the data folder, see `data_folder`; the embedded and the generated sets need none.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
        FileNotFoundError: a file it is read from is not there.
        ValueError: its content is not what the card says.
    """
    entry = _entry(name)
    module, _, function = entry.loader.partition(":")
    loader = cast("Loader", getattr(importlib.import_module(module), function))
    return loader(entry.card, data_folder(data))


def data_folder(data: Path | None = None) -> Path:
    """Return the folder of local data: `data`, else `$BENCH_DATA`, else a user's cache folder."""
    if data is not None:
        return Path(data).expanduser()
    if chosen := os.environ.get("BENCH_DATA"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fathom"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fathom"


def _entry(name: str) -> Entry:
    if name not in TABLE:
        nearest = _nearest(name)
        hint = f"the nearest: {', '.join(nearest)}; " if nearest else ""
        msg = f"unknown data set {name!r}; {hint}`bench list datasets` prints all {len(TABLE)}"
        raise UnknownDataSet(msg)
    return TABLE[name]


def _nearest(name: str) -> list[str]:
    """Return the members of a group, for its name, or else names like it in full or at the end."""
    if members := [known for known in TABLE if known.startswith(f"{name}/")]:
        return members
    spellings = {word: known for known in TABLE for word in (known, known.rpartition("/")[2])}
    return list(dict.fromkeys(spellings[match] for match in get_close_matches(name, spellings)))
