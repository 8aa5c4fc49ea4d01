"""The store: one SQLite file, `store.db`, that holds every row with its raw scores.

A row's record and its scores are one transaction, so that a kill at any moment leaves whole
rows only. Everything else (boards, MLflow, exports) is derived from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import scored
from bench.store.carried import carry_over
from bench.store.codeid import digest_of
from bench.store.folder import STORE, StoreError
from bench.store.records import SCORED, Row, canonical

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1  # of what keys are made of; 0: whole files of code
SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, record TEXT NOT NULL, details TEXT NOT NULL,
    scores BLOB, truth TEXT REFERENCES truths (id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS truths (id TEXT PRIMARY KEY, labels BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
INSERT INTO identity SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM identity);
"""


class Packed(NamedTuple):
    """A row as the store keeps it: JSON texts, and scores and labels as bytes."""

    key: str
    status: str
    record: str
    details: str
    scores: bytes | None
    labels: bytes | None


class Store:
    """Rows by key. Safe to use from several threads."""

    def __init__(self, results: Path, *, read_only: bool = False) -> None:
        """Open the store of a results folder; create it unless it is only read.

        Raises:
            StoreError: the folder cannot be written, or the file is not a store.
        """
        self.path = results / STORE
        self._guard = threading.Lock()
        self._computed: dict[str, dict[str, Any]] = {}  # metrics by key, of rows of other code
        try:
            if read_only and not os.access(results, os.W_OK):
                # SQLite would write beside the file; nobody else can here
                uri = f"{self.path.resolve().as_uri()}?immutable=1"
                self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
                return
            results.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(SCHEMA)
            self._upgrade()
        except (OSError, sqlite3.Error) as error:
            msg = f"cannot use the results folder {results}: {error}; give another with --results"
            raise StoreError(msg) from error

    def _upgrade(self) -> None:
        """Carry rows over, once, whose keys are of the first version of the store."""
        ((version,),) = self._read("PRAGMA user_version")
        if version == VERSION:
            return
        every = "SELECT key, record, details FROM rows"
        with self._guard, self._db:
            for key, record, details in self._db.execute(every).fetchall():
                if carried := carry_over(json.loads(record), json.loads(details)):
                    new, told = carried
                    self._db.execute(
                        "UPDATE OR REPLACE rows SET key = ?, record = ?, details = ? WHERE key = ?",
                        (new["key"], canonical(new), canonical(told), key),
                    )
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def id(self) -> str:
        """Return what tells this store from all others; a copy of the file has the same."""
        ((found,),) = self._read("SELECT id FROM identity")
        return str(found)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, row: Row) -> dict[str, Any]:
        """Store a row in one transaction; it replaces one of the same key.

        Returns:
            The record that is stored.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        record = {**row.record(), "metrics_id": _metrics_id()}
        packed = Packed(
            key=row.wanted.key,
            status=row.status,
            record=canonical(record),
            details=canonical(row.details),
            scores=None if row.scores is None else row.scores.astype("<f8").tobytes(),
            labels=None if row.truth is None else row.truth.astype("i1").tobytes(),
        )
        self.add_packed([packed])
        return record

    def add_packed(self, rows: Iterable[Packed]) -> None:
        """Store rows of other stores in one transaction; they replace those of the same keys.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        try:
            with self._guard, self._db:
                for key, status, record, details, scores, labels in rows:
                    self._computed.pop(key, None)
                    truth = None if labels is None else hashlib.sha256(labels).hexdigest()
                    if labels is not None:
                        self._db.execute(
                            "INSERT OR IGNORE INTO truths VALUES (?, ?)", (truth, labels)
                        )
                    self._db.execute(
                        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)",
                        (key, status, record, details, scores, truth),
                    )
        except sqlite3.Error as error:
            msg = f"cannot write {self.path}: {error}; rows stored so far are kept"
            raise StoreError(msg) from error

    def packed(self, key: str) -> Packed:
        """Return a stored row as it is kept."""
        query = (
            "SELECT key, status, record, details, scores, labels "
            "FROM rows LEFT JOIN truths ON truth = id WHERE key = ?"
        )
        (found,) = self._read(query, key)
        return Packed(*found)

    def statuses(self) -> dict[str, str]:
        """Return the status of every stored row by key."""
        return dict(self._read("SELECT key, status FROM rows"))

    def records(self, keys: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records of the given keys that are stored (of all, by default).

        Metrics that other code computed are recomputed from the scores.
        """
        return map(self.renewed, self.as_kept(keys))

    def as_kept(self, keys: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield records with the metrics as stored; `renewed` brings them up to date."""
        wanted = None if keys is None else set(keys)
        for key, text in self._read("SELECT key, record FROM rows"):
            if wanted is None or key in wanted:
                yield json.loads(text)

    def renewed(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a stored record; metrics that other code computed are recomputed, once."""
        if record.get("metrics_id") == _metrics_id() or record["status"] not in SCORED:
            return dict(record)
        key = record["key"]
        if key not in self._computed:
            self._computed[key] = scored.compute(*self._scores_of(key))
        return {**record, **self._computed[key], "metrics_id": _metrics_id()}

    def details(self, key: str) -> dict[str, Any]:
        """Return traceback, output, warnings, diagnostics and parts of the code id of a row."""
        found = self._read("SELECT details FROM rows WHERE key = ?", key)
        return dict(json.loads(found[0][0])) if found else {}

    def scores(self, key: str) -> tuple[NDArray[np.int8], NDArray[np.float64]] | None:
        """Return labels and scores (n_test,) of a row, None where it has no scores."""
        found = self._read("SELECT key FROM rows WHERE key = ? AND scores IS NOT NULL", key)
        return self._scores_of(key) if found else None

    def _scores_of(self, key: str) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        query = "SELECT labels, scores FROM rows JOIN truths ON truth = id WHERE key = ?"
        ((labels, scores),) = self._read(query, key)
        return np.frombuffer(labels, dtype=np.int8), np.frombuffer(scores, dtype="<f8")

    def frame(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Return the records as a DataFrame, one line a row."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.records(keys)))

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self._guard:
            return self._db.execute(query, values).fetchall()


@cache
def _metrics_id() -> str:
    """Return the digest of the code that computes metrics."""
    return digest_of("bench.metrics.scored:compute")
