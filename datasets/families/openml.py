"""Data sets of OpenML, as ARFF files, and what the service says of their columns.

Vanschoren, van Rijn, Bischl and Torgo, "OpenML: networked science in machine learning", SIGKDD
Explorations 15(2), 2013, doi:10.1145/2641190.2641198. What the service says of a set is kept beside
the file as KEY.json; it gives the label where none is named, the columns that are no features
(identifiers, and those to ignore), and the md5 that the file is verified by. A file put there by
hand needs none of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.entry import Entry
from datasets.families import tables
from datasets.files import WrongData
from datasets.record import Card, DataSet

KEPT = ("id", "name", "version", "licence", "md5_checksum", "default_target_attribute")
KEPT_LISTS = ("row_id_attribute", "ignore_attribute")
"""What is kept of the service's word."""


def table(card: Card, paths: Sequence[Path], label: str, **settings: Any) -> DataSet:
    """Return a table as `tables.table` does, with what the service says of its columns.

    Args:
        card: what the result has to be.
        paths: the ARFF file.
        label: the label column; "" for the one the service names.
        settings: the others of `tables.table`.

    Raises:
        WrongData: as there.
    """
    told = _recalled(paths[0])
    chosen = label or str(told.get("default_target_attribute", ""))
    unused = [name for key in KEPT_LISTS for name in told.get(key, ()) if name != chosen]
    settings["drop"] = tuple(dict.fromkeys([*settings["drop"], *unused]))
    return tables.table(card, paths, label=chosen, **settings)


def recall(entry: Entry, folder: Path) -> Entry:
    """Return an entry with the digest that was kept of its file, if it is of OpenML."""
    if entry.service != "openml":
        return entry
    (file,) = entry.files
    told = _recalled(folder / file.path)
    return replace(entry, files=(replace(file, md5=str(told.get("md5_checksum", ""))),))


def _recalled(path: Path) -> dict[str, Any]:
    """Return what was kept of the service's word on the file; empty if it came by hand."""
    word = beside(path)
    if not word.is_file():
        return {}
    try:
        return dict(json.loads(word.read_text(encoding="utf-8")))
    except ValueError as error:
        msg = f"{word} is damaged: {error}; remove it and {path.name}, and fetch them again"
        raise WrongData(msg) from error


def beside(path: Path) -> Path:
    """Return where the service's word on a file is kept."""
    return path.with_suffix(".json")
