"""Ask OpenML where a data set is. Only `bench data fetch` does.

The service answers in JSON, https://www.openml.org/apis, and with status 412 for a set that it does
not have.
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
_MANY = 10  # sets of one name that are listed


class NotKnown(LookupError):
    """Raised when the service does not provide a data set, with the reason."""


def ask(entry: Entry, folder: Path) -> Entry:
    """Return an entry with the address and the licence of the service, and keep its description.

    Args:
        entry: of a set of OpenML, by number or by name.
        folder: the data folder.

    Raises:
        NotKnown: the service cannot be asked, does not have the set, or has several of that name.
        OSError: the description cannot be written.
    """
    (file,) = entry.files
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    key = path.stem
    try:
        number = key if key.isdecimal() else _number(key, path)
        description = _answer(f"data/{number}", path, f"a set {number}")["data_set_description"]
    except Unusable as error:
        msg = f"{error}; try later, or {file.advice}, and put it at {path}"
        raise NotKnown(msg) from error
    if "sparse" in str(description.get("format", "")).lower():
        msg = f"set {number} of OpenML is sparse, which is not supported"
        raise NotKnown(msg)
    kept = {name: description[name] for name in KEPT if name in description}
    for name in KEPT_LISTS:
        value = description.get(name, [])
        kept[name] = [value] if isinstance(value, str) else list(value)
    beside(path).write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    md5 = str(description.get("md5_checksum", ""))
    known = replace(file, urls=(str(description["url"]),), md5=md5)
    licence = str(description.get("licence") or "none stated")
    return replace(entry, files=(known,), licence=licence)


def _number(name: str, path: Path) -> str:
    """Return the number of the only active set of a name."""
    asked = f"data/list/data_name/{quote(name, safe='')}/limit/{_MANY}/status/active"
    found = _answer(asked, path, f"an active set called {name!r}")["data"]["dataset"]
    if len(found) > 1:
        versions = ", ".join(f"{one['did']} (version {one['version']})" for one in found)
        msg = f"OpenML has several active sets called {name!r}; name one by its number: {versions}"
        raise NotKnown(msg)
    return str(found[0]["did"])


def _answer(asked: str, path: Path, what: str) -> Any:
    part = path.with_name(f".{path.stem}.asked")
    url = f"{API}/{asked}"
    try:
        bring(url, File(f"openml/{path.stem}"), part, lambda *progress: None)
        return json.loads(part.read_text(encoding="utf-8"))
    except Unusable as error:
        if "answered 412" in str(error):  # the service's answer for a set that it does not have
            msg = f"OpenML does not have {what}"
            raise NotKnown(msg) from error
        msg = f"{url} {error}"
        raise Unusable(msg) from error
    except ValueError as error:
        msg = f"{url} sent an answer that is not JSON: {error}"
        raise Unusable(msg) from error
    finally:
        part.unlink(missing_ok=True)
