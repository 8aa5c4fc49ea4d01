"""Digests of files, cached so that a large file is read once and not at every load.

The cache is in the user's cache folder, never in the data folder. Its keys are path, size and time
of last change. If the cache cannot be written to, digests are computed each time.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

_SETTLED_NS = 2_000_000_000  # a younger file may change within one tick of the disk's clock
_CREATE = (
    "CREATE TABLE IF NOT EXISTS digests (path TEXT, method TEXT, size INTEGER, mtime_ns INTEGER, "
    "digest TEXT, PRIMARY KEY (path, method)) WITHOUT ROWID"
)


def cache_folder() -> Path:
    """Return the cache folder of the user, where the system keeps such folders."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fathom"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fathom"


def digest(path: Path, method: str = "sha256") -> str:
    """Return the digest of a file, from the cache if the file has not changed.

    Args:
        path: of an existing file.
        method: "sha256", "git-blob", "unpacked-sha256" or "md5", see `datasets.entry.File`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a gzip file, for "unpacked-sha256".
    """
    return digests([path], method)[0]


def digests(paths: list[Path], method: str = "sha256") -> list[str]:
    """Return the digest of every file; see `digest`."""
    asked = [(os.path.abspath(path), path.stat()) for path in paths]
    known = _remembered([name for name, _ in asked], method)
    found, fresh = [], []
    for path, (name, stat) in zip(paths, asked, strict=True):
        size, mtime_ns, value = known.get(name, (-1, -1, ""))
        if (size, mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            value = compute(path, method)
            if time.time_ns() - stat.st_mtime_ns > _SETTLED_NS:
                fresh.append((name, method, stat.st_size, stat.st_mtime_ns, value))
        found.append(value)
    if fresh:
        _remember(fresh)
    return found


def compute(path: Path, method: str) -> str:
    """Return the digest of a file by reading it; see `digest`."""
    return _METHODS[method](path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def _git_blob(path: Path) -> str:
    head = f"blob {path.stat().st_size}\0".encode()
    with path.open("rb") as file:
        start = partial(hashlib.sha1, head, usedforsecurity=False)
        return hashlib.file_digest(file, start).hexdigest()


def _unpacked_sha256(path: Path) -> str:
    try:
        with gzip.open(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        msg = f"is not a complete gzip file: {error}"
        raise ValueError(msg) from error


_METHODS: dict[str, Callable[[Path], str]] = {
    "git-blob": _git_blob,
    "md5": _md5,
    "sha256": _sha256,
    "unpacked-sha256": _unpacked_sha256,
}


def _remembered(names: list[str], method: str) -> dict[str, tuple[int, int, str]]:
    """Return (size, mtime_ns, digest) of the files that the cache knows."""
    query = "SELECT size, mtime_ns, digest FROM digests WHERE path = ? AND method = ?"
    try:
        with closing(_open()) as cache:
            rows = {name: cache.execute(query, (name, method)).fetchone() for name in names}
    except (OSError, sqlite3.Error):
        return {}
    return {name: row for name, row in rows.items() if row}


def _remember(rows: list[tuple[str, str, int, int, str]]) -> None:
    try:
        with closing(_open()) as cache, cache:
            cache.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", rows)
    except (OSError, sqlite3.Error):
        return


def _open() -> sqlite3.Connection:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    cache = sqlite3.connect(folder / "digests.db", timeout=5)
    cache.execute(_CREATE)
    return cache
