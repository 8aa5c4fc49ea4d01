"""Ask OpenML where a data set is. Only `bench data fetch` does.

The service answers in JSON, https://www.openml.org/apis, and 412 for what it does not have.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from datasets.entry import Entry, File
from datasets.families.openml import KEPT, KEPT_LISTS, beside
from datasets.fetch.transfer import Unusable, bring

API = "https://www.openml.org/api/v1/json"
_MANY = 10  # sets of one name that are told of


class NotKnown(LookupError):
    """Raised when the service does not give a data set, with the reason."""


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
    kept = {name: said[name] for name in KEPT if name in said}
    for name in KEPT_LISTS:
        value = said.get(name, [])
        kept[name] = [value] if isinstance(value, str) else list(value)
    beside(path).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
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
