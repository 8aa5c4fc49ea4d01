"""Data sets of OpenML: where the service says a set is, and what it says of its columns.

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
from urllib.parse import quote

from datasets import tabular
from datasets.files import WrongData
from datasets.record import Card, DataSet
from datasets.sources import Entry, File
from datasets.transfer import Unusable, bring

API = "https://www.openml.org/api/v1/json"
_KEPT = ("id", "name", "version", "licence", "md5_checksum", "default_target_attribute")
_KEPT_LISTS = ("row_id_attribute", "ignore_attribute")
_MANY = 10


class NotKnown(LookupError):
    """Raised when the service does not give a data set, with the reason."""


def table(card: Card, paths: Sequence[Path], label: str, **settings: Any) -> DataSet:
    """Return a table as `datasets.tabular.table` does, with what the service says of its columns.

    Args:
        card: what the result has to be.
        paths: the ARFF file.
        label: the label column; "" for the one the service names.
        settings: the others of `datasets.tabular.table`.

    Raises:
        WrongData: as there.
    """
    told = _recalled(paths[0])
    chosen = label or str(told.get("default_target_attribute", ""))
    unused = [name for key in _KEPT_LISTS for name in told.get(key, ()) if name != chosen]
    settings["drop"] = tuple(dict.fromkeys([*settings["drop"], *unused]))
    return tabular.table(card, paths, label=chosen, **settings)


def recall(entry: Entry, folder: Path) -> Entry:
    """Return an entry with the digest that was kept of its file, if it is of OpenML."""
    if entry.service != "openml":
        return entry
    (file,) = entry.files
    told = _recalled(folder / file.path)
    return replace(entry, files=(replace(file, md5=str(told.get("md5_checksum", ""))),))


def ask(entry: Entry, folder: Path) -> Entry:
    """Return an entry with the address and the licence that the service gives, and keep its word.

    Args:
        entry: of a set of OpenML, by number or by name.
        folder: the data folder.

    Raises:
        NotKnown: the service cannot be asked, does not have the set, or has several of that name.
        OSError: its word cannot be kept.
    """
    (file,) = entry.files
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    key = path.stem
    try:
        number = key if key.isdecimal() else _number(key, path)
        said = _answer(f"data/{number}", path, f"a set {number}")["data_set_description"]
    except Unusable as error:
        msg = f"{error}; try later, or {file.advice}, and put it at {path}"
        raise NotKnown(msg) from error
    if "sparse" in str(said.get("format", "")).lower():
        msg = f"set {number} of OpenML is sparse, which is not read"
        raise NotKnown(msg)
    kept = {name: said[name] for name in _KEPT if name in said}
    for name in _KEPT_LISTS:
        value = said.get(name, [])
        kept[name] = [value] if isinstance(value, str) else list(value)
    _beside(path).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    known = replace(file, urls=(str(said["url"]),), md5=str(said.get("md5_checksum", "")))
    return replace(entry, files=(known,), licence=str(said.get("licence") or "none stated"))


def _number(name: str, path: Path) -> str:
    """Return the number of the only active set of a name."""
    asked = f"data/list/data_name/{quote(name, safe='')}/limit/{_MANY}/status/active"
    found = _answer(asked, path, f"an active set called {name!r}")["data"]["dataset"]
    if len(found) > 1:
        told = ", ".join(f"{one['did']} (version {one['version']})" for one in found)
        msg = f"OpenML has several active sets called {name!r}; name one by its number: {told}"
        raise NotKnown(msg)
    return str(found[0]["did"])


def _answer(asked: str, path: Path, what: str) -> Any:
    part = path.with_name(f".{path.stem}.asked")
    url = f"{API}/{asked}"
    try:
        bring(url, File(f"openml/{path.stem}"), part, lambda *told: None)
        return json.loads(part.read_text(encoding="utf-8"))
    except Unusable as error:
        if "answered 412" in str(error):  # so the service says that there is none
            msg = f"OpenML does not have {what}"
            raise NotKnown(msg) from error
        msg = f"{url} {error}"
        raise Unusable(msg) from error
    except ValueError as error:
        msg = f"{url} sent something that is no JSON: {error}"
        raise Unusable(msg) from error
    finally:
        part.unlink(missing_ok=True)


def _recalled(path: Path) -> dict[str, Any]:
    """Return what was kept of the service's word on the file; empty if it came by hand."""
    beside = _beside(path)
    if not beside.is_file():
        return {}
    try:
        return dict(json.loads(beside.read_text(encoding="utf-8")))
    except ValueError as error:
        msg = f"{beside} is damaged: {error}; remove it and {path.name}, and fetch them again"
        raise WrongData(msg) from error


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")
