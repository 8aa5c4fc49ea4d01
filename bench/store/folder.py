"""A results folder: its store, the lock that a run holds, and files written whole."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

STORE = "store.db"
LOCK = "fathom.lock"
MARK = "made-by-fathom"  # a file in a folder that is ours


class StoreError(RuntimeError):
    """Raised if a results folder cannot be used; the message says what to do."""


class NotOurs(StoreError):
    """Raised for a folder of the user's that has the name of one of ours."""


def make_ours(folder: Path) -> None:
    """Make a folder if it is missing, and mark it as ours, whose files we may replace and remove.

    Raises:
        NotOurs: it has files and no mark.
        OSError: it cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARK).is_file():
        if any(folder.iterdir()):
            msg = f"{folder} is not of this program, for it has no file {MARK}; move it away"
            raise NotOurs(msg)
        (folder / MARK).write_text("A folder of `bench`, which replaces and removes files here.\n")


@contextmanager
def locked(results: Path) -> Iterator[None]:
    """Lock a results folder for one run; the lock ends with the process, however that ends.

    Raises:
        StoreError: another run holds it (the message names it), or it cannot be written.
    """
    import fcntl

    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": shlex.join(["bench", *sys.argv[1:]]),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        results.mkdir(parents=True, exist_ok=True)
        handle = open(results / LOCK, "a+", encoding="utf-8")  # noqa: SIM115  # closed below
    except OSError as error:
        msg = f"cannot write the results folder {results}: {error}; give another with --results"
        raise StoreError(msg) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            raise StoreError(_held(results, handle.read())) from None
        try:
            handle.truncate(0)
            os.write(handle.fileno(), json.dumps(holder).encode())
        except OSError as error:
            msg = f"cannot write {results / LOCK}: {error}; give another folder with --results"
            raise StoreError(msg) from error
        yield


def _held(results: Path, text: str) -> str:
    try:
        holder = json.loads(text)
        who = "`{command}`, process {pid} on {host}, since {since}".format(**holder)
    except (ValueError, KeyError):
        who = "a run that is just starting"
    return f"{results} is in use by {who}; wait for it, or give another folder with --results"


def identity(path: Path) -> tuple[int, int, int] | None:
    """Return what a file is known by on this machine, and its time; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the name of a new file, which takes the place of `path` if the `with` block ends well.

    Raises:
        OSError: it cannot.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # no name that a user's file has
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
