"""Rows whose keys name code by whole files, carried over to keys that name it by definitions.

`carried.csv` lists what such keys were made of: the digest of each file of that code. It also
lists the digests of the definitions in its place, for which equal scores were proved, bit for bit.
A row is carried over where its code is of those files, and the code of today is of those
definitions. All other rows stay as they are, so that boards count them as stale.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import datasets
from bench.store.codeid import code_parts, digest_of, origin, own_code_id, starts
from bench.store.records import as_wanted, digest
from datasets import files
from detectors.spec import parse

MAP = Path(__file__).with_suffix(".csv")


def carry_over(
    record: Mapping[str, Any], details: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return record and details of a row under its key of today; None for one that stays.

    The details keep the digest of the former record, by which its run in MLflow is found.
    """
    code = details.get("code")
    if not code or any(_then("file").get(name) != one for name, one in code["files"].items()):
        return None
    today = _today(record["spec"], record["protocol"], record["dataset"])
    if not today or record["data_sha256"] != today.data_then:
        return None
    known = {**record["provenance"].get("versions", {}), **code["versions"]}
    used = {name: known.get(name, installed) for name, installed in today.parts["versions"].items()}
    changed = {
        "code_id": digest({"own": today.own_code_id, "versions": used}),
        "data_sha256": today.data,
        "pixels_id": _judged("pixels", record.get("pixels_id", "")),
        "metrics_id": _judged("metrics", record.get("metrics_id", "")),
    }
    new = {**record, **changed}
    key = as_wanted(new).key
    code = {**today.parts, "versions": used}
    return {**new, "key": key}, {**details, "code": code, "carried_from": digest(record)}


class _Today(NamedTuple):
    """What rows of a detector on a data set rest on today.

    Attributes:
        own_code_id: of the project's code.
        parts: what the code id is made of.
        data: what the data are known by.
        data_then: what they were known by.
    """

    own_code_id: str
    parts: dict[str, Any]
    data: str
    data_then: str


@cache
def _today(spec: str, protocol: str, dataset: str) -> _Today | None:
    """Return what rows rest on; None where equal scores are not proved for it."""
    try:
        made = origin(parse(spec), protocol, dataset)
        data, data_then = _identities(dataset)
    except (ValueError, FileNotFoundError):  # a name or a file that is no longer there
        return None
    now = {line["name"]: line["now"] for line in _lines()}
    if any(now.get(target) != _digest(target) for target in starts(made)):
        return None
    return _Today(own_code_id(made), code_parts(made), data, data_then)


def _digest(target: str) -> str | None:
    """Return the digest of a definition of the project; None for a user's."""
    return None if ".py:" in target else digest_of(target)


def _identities(dataset: str) -> tuple[str, str]:
    """Return what a data set is known by today, and what it was known by then."""
    entry, folder = datasets.find(dataset), files.data_folder()
    now = files.identity(entry, folder)
    if entry.content_sha256:
        return now, now
    content = {
        "files": files.pins(entry, folder),
        "loader": _then("loader").get(entry.loader),
        "options": dict(entry.options),
    }
    return now, hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _judged(kind: str, stored: str) -> str:
    """Return the id of the code of today that judges scores, where it judges as the stored one."""
    (line,) = (line for line in _lines() if line["kind"] == kind)
    now = digest_of(*line["name"].split())
    return now if (stored, now) == (line["then"], line["now"]) else stored


@cache
def _then(kind: str) -> dict[str, str]:
    return {line["name"]: line["then"] for line in _lines() if line["kind"] == kind}


@cache
def _lines() -> list[dict[str, str]]:
    with MAP.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
