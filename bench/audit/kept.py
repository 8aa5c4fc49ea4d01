"""Audits kept in a results folder: derived, one file each, which can be deleted and remade.

The name of a file is a digest of the data, the protocol, the scaler and the code that measures, so
that an audit of other data or code is not found, and two commands never write into one file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bench.audit.measure import Measured
from bench.audit.verdict import Verdict, verdict
from bench.store.codeid import digest_of
from bench.store.folder import StoreError, replacing
from bench.store.records import canonical, digest

FOLDER = "audits"


def path(results: Path, sha256: str, protocol: str, scaler: str) -> Path:
    """Return the file of an audit, there or not."""
    of = {"data": sha256, "protocol": protocol, "scaler": scaler, "code": _code()}
    return results / FOLDER / f"{digest(of)}.json"


def find(results: Path, sha256: str, protocol: str, scaler: str) -> Measured | None:
    """Return a kept audit; None where there is none, or the file is damaged."""
    if not (results / FOLDER).is_dir():
        return None
    try:
        text = path(results, sha256, protocol, scaler).read_text(encoding="utf-8")
        return Measured(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None


def keep(results: Path, measured: Measured) -> None:
    """Write an audit, whole or not at all.

    Raises:
        StoreError: the results folder cannot be written.
    """
    file = path(results, measured.sha256, measured.protocol, measured.scaler)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as draft:
            draft.write_text(canonical(vars(measured)), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror}; give another folder with --results"
        raise StoreError(msg) from error


def verdicts(results: Path, rows: Iterable[Any]) -> dict[str, Verdict]:
    """Return the verdict on each data set that has an audit under its first protocol.

    Args:
        results: the results folder.
        rows: with the attributes of `Wanted`.
    """
    firsts: dict[str, Any] = {}
    for row in rows:
        firsts.setdefault(row.dataset, row)
    audits = {name: find(results, row.data_sha256, row.protocol, row.scaler)
              for name, row in firsts.items()}  # fmt: skip
    return {name: verdict(found) for name, found in audits.items() if found}


@cache
def _code() -> str:
    return digest_of("bench.audit.measure:measure")
