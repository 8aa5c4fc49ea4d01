"""Data sets of OpenML: ARFF files, with the service's description of their columns.

Vanschoren, van Rijn, Bischl and Torgo, "OpenML: networked science in machine learning", SIGKDD
Explorations 15(2), 2013, doi:10.1145/2641190.2641198. The description of a set is kept beside the
file as KEY.json. It has the default label, the columns that are not features (identifiers, and
those to ignore), and the md5 that verifies the file. A file that was put there manually needs no
description.
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
"""The keys of the description that are kept."""


def table(card: Card, paths: Sequence[Path], label: str, **settings: Any) -> DataSet:
    """Return a table as `tables.table` does, with its description by the service.

    Args:
        card: of the data set.
        paths: the ARFF file.
        label: the label column; "" for the default of the service.
        settings: the other arguments of `tables.table`.

    Raises:
        WrongData: as `tables.table`, or the description is damaged.
    """
    about = _description(paths[0])
    chosen = label or str(about.get("default_target_attribute", ""))
    unused = [name for key in KEPT_LISTS for name in about.get(key, ()) if name != chosen]
    settings["drop"] = tuple(dict.fromkeys([*settings["drop"], *unused]))
    return tables.table(card, paths, label=chosen, **settings)


def recall(entry: Entry, folder: Path) -> Entry:
    """Return an entry of OpenML with the digest that was kept of its file; others unchanged."""
    if entry.service != "openml":
        return entry
    (file,) = entry.files
    about = _description(folder / file.path)
    return replace(entry, files=(replace(file, md5=str(about.get("md5_checksum", ""))),))


def _description(path: Path) -> dict[str, Any]:
    """Return the description of a file; empty if there is none."""
    kept = beside(path)
    if not kept.is_file():
        return {}
    try:
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    except ValueError as error:
        msg = f"{kept} is damaged: {error}; remove it and {path.name}, and fetch them again"
        raise WrongData(msg) from error


def beside(path: Path) -> Path:
    """Return where the description of a file is kept."""
    return path.with_suffix(".json")
