"""The file of a store: its tables, and how it is opened to be written, or read and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.store.carried import carry_over
from bench.store.folder import StoreError
from bench.store.records import canonical

VERSION = 2  # 0: keys of whole files of code; 1: no invocations
TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    key TEXT PRIMARY KEY, status TEXT NOT NULL, record TEXT NOT NULL, details TEXT NOT NULL,
    scores BLOB, truth TEXT REFERENCES truths (id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS truths (id TEXT PRIMARY KEY, labels BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS selections (id TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invocations (
    date TEXT, run TEXT, name TEXT NOT NULL, command TEXT NOT NULL,
    selection TEXT NOT NULL REFERENCES selections (id), PRIMARY KEY (date, run)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frozen (digest TEXT PRIMARY KEY, date TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS profiles (
    run TEXT PRIMARY KEY, n_rows INTEGER NOT NULL, seconds TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
INSERT INTO identity SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM identity);
"""
COLUMNS = ["key", "status", "record", "details", "scores", "truth"]  # of `rows`
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
ELSE = "restore a copy of it, or give another folder with --results"


def writable(file: Path) -> sqlite3.Connection:
    """Open a store, made if there is none, to be written."""
    database = sqlite3.connect(file, timeout=60, check_same_thread=False)
    with _closed_on_error(database):
        version = _version(database, file)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # or a power cut loses rows
        _upgrade(database, version)
    return database


def read_only(file: Path) -> sqlite3.Connection:
    """Open a store without writing to its folder; one of an earlier version as an upgraded copy."""
    database = _connected(file)
    try:
        with _closed_on_error(database):
            version = _version(database, file)
    except sqlite3.OperationalError as error:
        if _is_busy(error):
            raise
        database = _copied(file)  # rows in a log that needs an index, where none can be made
        version = _version(database, file)
    if version < VERSION:
        kept, database = database, _memory()
        with closing(kept):
            kept.backup(database)
        _upgrade(database, version)
    return database


@contextmanager
def _closed_on_error(database: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()  # which removes what SQLite made beside the file
        raise


def _connected(file: Path) -> sqlite3.Connection:
    """Connect in the way that leaves every file as it is.

    A store that is open elsewhere, or was when a process was killed, has a log and an index beside
    it. In another one, SQLite makes both for a reader and removes them again; where the folder
    cannot be written, nobody else can write the store either.
    """
    log, index = (file.with_name(file.name + end).exists() for end in ("-wal", "-shm"))
    if log and not index:
        return _copied(file)
    free = "mode=rw" if os.access(file.parent, os.W_OK) else "immutable=1"
    how = "mode=ro" if log else free
    address = f"{file.resolve().as_uri()}?{how}"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    database.execute("PRAGMA query_only = ON")
    return database


def _copied(file: Path) -> sqlite3.Connection:
    """Return a copy, in memory, of a store that is not open elsewhere, with the rows of its log."""
    database = _memory()
    with tempfile.TemporaryDirectory() as folder:
        for path in (file, file.with_name(f"{file.name}-wal")):
            if path.exists():
                shutil.copyfile(path, Path(folder) / path.name)
        with closing(sqlite3.connect(Path(folder) / file.name)) as copy:
            copy.backup(database)
    return database


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", check_same_thread=False)


def _version(database: sqlite3.Connection, file: Path) -> int:
    """Return the version of a store; of a file without tables, 0.

    Raises:
        StoreError: it is the file of another program, or of a later version of this one.
    """
    ((version,),) = database.execute("PRAGMA user_version").fetchall()
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master")]
    columns = [line[1] for line in database.execute("PRAGMA table_info(rows)")]
    if tables and columns != COLUMNS:
        msg = f"{file} is a database of another program; give another folder with --results"
        raise StoreError(msg)
    if version > VERSION:
        msg = (
            f"{file} was written by a later version of this program; update it, or give another "
            "folder with --results"
        )
        raise StoreError(msg)
    return int(version)


def _upgrade(database: sqlite3.Connection, version: int) -> None:
    """Create missing tables, and carry rows of the first version over, once."""
    database.executescript(TABLES)
    if version == VERSION:
        return
    with database:
        every = "SELECT key, record, details FROM rows"
        for key, record, details in database.execute(every).fetchall() if version == 0 else ():
            if carried := carry_over(json.loads(record), json.loads(details)):
                new, new_details = carried
                database.execute(
                    "UPDATE OR REPLACE rows SET key = ?, record = ?, details = ? WHERE key = ?",
                    (new["key"], canonical(new), canonical(new_details), key),
                )
        database.execute(f"PRAGMA user_version = {VERSION}")


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY  # an extended code has more bits


@contextmanager
def problems(file: Path, what: str, instead: str = ELSE) -> Iterator[None]:
    """Report in one sentence that a store is locked, damaged, full or gone.

    Raises:
        StoreError: in place of an error of SQLite, of the system, or of what is stored.
    """
    try:
        yield
    except (OSError, sqlite3.Error, ValueError, TypeError, KeyError) as error:
        if _is_busy(error):
            msg = f"{file} is locked by another program; run again when that has ended"
        else:
            msg = f"cannot {what}: {error}; {instead}"
        raise StoreError(msg) from error
