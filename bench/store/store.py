"""The store: one SQLite file, `store.db`, that holds every row with its raw scores.

A row's record and its scores are one transaction, so that a kill at any moment leaves whole
rows only. Everything else (boards, MLflow, exports) is derived from it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import scored
from bench.store import schema
from bench.store.codeid import digest_of
from bench.store.folder import LOCK, STORE, StoreError, identity
from bench.store.invocations import Invocation, Profile
from bench.store.records import RECORD, SCORED, Row, canonical
from bench.store.schema import problems

if TYPE_CHECKING:
    import pandas as pd

SELECTION = ("suite", "device", "data", "keys")  # of an invocation
PAGE = 5_000  # records read at once
OTHER = "give another with --results"


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
        self._files: dict[Path, tuple[int, int, int]] = {}  # of a store that is written
        with problems(self.path, f"use the results folder {results}", OTHER):
            if read_only:
                self._db = schema.read_only(self.path)
            else:
                results.mkdir(parents=True, exist_ok=True)
                self._db = schema.writable(self.path)
                beside = (STORE, f"{STORE}-wal", f"{STORE}-shm", LOCK)
                files = {results / name: identity(results / name) for name in beside}
                self._files = {path: one for path, one in files.items() if one}

    def id(self) -> str:
        """Return what distinguishes this store from all others; a copy of the file has the same."""
        ((found,),) = self._read("SELECT id FROM identity")
        return str(found)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def check_place(self) -> None:
        """Check that the files of a store that is written are still those that were opened.

        SQLite goes on writing to a file that was removed or overwritten.

        Raises:
            StoreError: one was removed or replaced, or the folder was moved.
        """
        with self._guard:
            self._compare_files(timed=True)

    def _compare_files(self, *, timed: bool) -> None:
        """Compare the files; nobody but this process writes the store's, and that in commits."""
        for path, then in self._files.items():
            now = identity(path)
            same = now == then if timed and path == self.path else now and now[:2] == then[:2]
            if not same:
                msg = (
                    f"{path} was removed, replaced or moved during the run, which ends here; put "
                    "the results folder back if you have it, and run again"
                )
                raise StoreError(msg)

    def add(self, row: Row) -> dict[str, Any]:
        """Store a row in one transaction; it replaces one of the same key.

        Returns:
            The record that is stored.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        record, packed = _packed(row)
        self.add_packed([packed])
        return record

    def add_all(self, rows: Iterable[Row]) -> None:
        """Store rows in one transaction; they replace those of the same keys; raises as `add`."""
        self.add_packed(_packed(row)[1] for row in rows)

    def add_packed(self, rows: Iterable[Packed]) -> None:
        """Store rows of other stores in one transaction; they replace those of the same keys.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        kept = "rows stored so far are kept"
        with problems(self.path, f"write {self.path}", kept), self._writing():
            for key, status, record, details, scores, labels in rows:
                self._computed.pop(key, None)
                truth = None if labels is None else hashlib.sha256(labels).hexdigest()
                if labels is not None:
                    self._db.execute("INSERT OR IGNORE INTO truths VALUES (?, ?)", (truth, labels))
                self._db.execute(
                    "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)",
                    (key, status, record, details, scores, truth),
                )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make one transaction of the `with` block, in files that are still those opened."""
        with self._guard:
            self._compare_files(timed=True)
            with self._db:
                yield
            self._compare_files(timed=False)
            if found := identity(self.path):
                self._files[self.path] = found

    def add_invocations(self, invocations: Iterable[Invocation]) -> None:
        """Store invocations that are not there yet.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        kept = "rows stored so far are kept"
        with problems(self.path, f"write {self.path}", kept), self._writing():
            for one in invocations:
                content = canonical({name: getattr(one, name) for name in SELECTION})
                selection = hashlib.sha256(content.encode()).hexdigest()
                self._db.execute(
                    "INSERT OR IGNORE INTO selections VALUES (?, ?)", (selection, content)
                )
                self._db.execute(
                    "INSERT OR IGNORE INTO invocations VALUES (?, ?, ?, ?, ?)",
                    (one.date, one.run, one.name, one.command, selection),
                )

    def invocations(self, name: str | None = None, most: int = -1) -> list[Invocation]:
        """Return the newest invocations (of a name or run), the newest first; by default all.

        Those of which no row is stored are left out.
        """
        found = self._read(
            "SELECT date, run, name, command, content FROM invocations JOIN selections "
            "ON selection = id WHERE (?1 IS NULL OR ?1 IN (name, run)) AND EXISTS "
            "(SELECT 1 FROM rows WHERE key IN (SELECT value FROM json_each(content, '$.keys'))) "
            "ORDER BY date DESC LIMIT ?2",
            name,
            most,
        )
        with problems(self.path, f"read the invocations in {self.path}"):
            return [
                Invocation(date=date, run=run, name=own, command=command, **json.loads(content))
                for date, run, own, command, content in found
            ]

    def freeze(self, dates: Mapping[str, str]) -> None:
        """Note when files were frozen: their sha256 with an ISO date; the earliest one is kept.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        kept = "rows stored so far are kept"
        with problems(self.path, f"write {self.path}", kept), self._writing():
            self._db.executemany(
                "INSERT INTO frozen VALUES (?, ?) ON CONFLICT DO UPDATE "
                "SET date = min(date, excluded.date)",
                dates.items(),
            )

    def frozen(self) -> dict[str, str]:
        """Return when files were frozen, by their sha256."""
        return dict(self._of_later("frozen", "digest, date"))

    def add_profiles(self, profiles: Mapping[str, Profile]) -> None:
        """Store where the time of runs went, by run; each replaces one of the same run.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        kept = "rows stored so far are kept"
        with problems(self.path, f"write {self.path}", kept), self._writing():
            self._db.executemany(
                "INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)",
                [(run, one.n_rows, canonical(one.seconds)) for run, one in profiles.items()],
            )

    def profiles(self) -> dict[str, Profile]:
        """Return where the time of runs went, by run."""
        found = self._of_later("profiles", "run, n_rows, seconds")
        with problems(self.path, f"read the profiles in {self.path}"):
            return {run: Profile(n_rows, json.loads(text)) for run, n_rows, text in found}

    def _of_later(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Return the lines of a table that a store of an earlier version, when read, has not."""
        is_there = self._read("SELECT 1 FROM sqlite_master WHERE name = ?", table)
        return self._read(f"SELECT {columns} FROM {table}") if is_there else []

    def packed(self, key: str) -> Packed:
        """Return a stored row as it is kept."""
        query = (
            "SELECT key, status, record, details, scores, labels "
            "FROM rows LEFT JOIN truths ON truth = id WHERE key = ?"
        )
        (found,) = self._read(query, key)
        packed = Packed(*found)
        self._parsed(key, packed.record)
        self._parsed(key, packed.details)
        if packed.scores is not None:
            self._arrays(key, packed.labels, packed.scores)
        return packed

    def statuses(self) -> dict[str, str]:
        """Return the status of every stored row by key."""
        return dict(self._read("SELECT key, status FROM rows"))

    def records(self, keys: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records of the given keys that are stored (of all, by default).

        Metrics that other code computed are recomputed from the scores.
        """
        return map(self.renewed, self.as_kept(keys))

    def as_kept(
        self, keys: Iterable[str] | None = None, most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield records with the metrics as stored; `renewed` brings them up to date.

        Args:
            keys: of the rows, in any order; None for all.
            most: of how many at most; since keys are digests, these are a random sample.
        """
        lines = chain.from_iterable(self._pages() if keys is None else self._pages_of(keys))
        for key, text in islice(lines, most):
            yield self._parsed(key, text, RECORD)

    def _pages(self) -> Iterator[list[tuple[str, str]]]:
        """Yield keys and records, some at a time, so that a large store takes no more memory."""
        query = "SELECT key, record FROM rows WHERE key > ? ORDER BY key LIMIT ?"
        page = self._read("SELECT key, record FROM rows ORDER BY key LIMIT ?", PAGE)
        while page:
            yield page
            page = self._read(query, page[-1][0], PAGE)

    def _pages_of(self, keys: Iterable[str]) -> Iterator[list[tuple[str, str]]]:
        query = (
            "SELECT key, record FROM rows WHERE key IN (SELECT value FROM json_each(?)) "
            "ORDER BY key"
        )
        left = iter(sorted(set(keys)))
        while part := list(islice(left, PAGE)):
            yield self._read(query, json.dumps(part))

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
        return self._parsed(key, found[0][0]) if found else {}

    def scores(self, key: str) -> tuple[NDArray[np.int8], NDArray[np.float64]] | None:
        """Return labels and scores (n_test,) of a row, None where it has no scores."""
        if (found := self.scores_and_held(key)) is None:
            return None
        truth, values = found
        return truth[truth != scored.HELD], values[truth != scored.HELD]

    def scores_and_held(self, key: str) -> tuple[NDArray[np.int8], NDArray[np.float64]] | None:
        """Return what `scores` does, and HELD with the scores of training samples held out."""
        found = self._read("SELECT key FROM rows WHERE key = ? AND scores IS NOT NULL", key)
        return self._scores_of(key) if found else None

    def _scores_of(self, key: str) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        query = "SELECT labels, scores FROM rows JOIN truths ON truth = id WHERE key = ?"
        found = self._read(query, key)
        return self._arrays(key, *(found[0] if found else (None, None)))

    def _arrays(
        self, key: str, labels: Any, scores: Any
    ) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        with self._row(key):
            truth, values = np.frombuffer(labels, dtype=np.int8), np.frombuffer(scores, dtype="<f8")
            if len(truth) != len(values):
                msg = f"{len(values)} scores for {len(truth)} labels"
                raise ValueError(msg)
        return truth, values

    def _parsed(self, key: str, text: str, names: Collection[str] = ()) -> dict[str, Any]:
        """Return a JSON object of a row that has all the names."""
        with self._row(key):
            found = dict(json.loads(text))
            if absent := sorted(set(names) - found.keys()):
                msg = f"it has no {', '.join(absent)}"
                raise ValueError(msg)
        return found

    def _row(self, key: str) -> AbstractContextManager[None]:
        return problems(self.path, f"read row {key[:8]} of {self.path}")

    def frame(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Return the records as a DataFrame, one line a row."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.records(keys)))

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._guard, problems(self.path, f"read {self.path}"):
            return self._db.execute(query, values).fetchall()


def _packed(row: Row) -> tuple[dict[str, Any], Packed]:
    """Return the record of a row, and the row as the store keeps it."""
    record = {**row.record(), "metrics_id": _metrics_id()}
    return record, Packed(
        key=row.wanted.key,
        status=row.status,
        record=canonical(record),
        details=canonical(row.details),
        scores=None if row.scores is None else row.scores.astype("<f8").tobytes(),
        labels=None if row.truth is None else row.truth.astype("i1").tobytes(),
    )


@cache
def _metrics_id() -> str:
    """Return the digest of the code that computes metrics."""
    return digest_of("bench.metrics.scored:compute")
