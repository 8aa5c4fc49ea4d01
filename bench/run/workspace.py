"""What a run writes into a results folder for itself, and clears at its start and end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.store.store import StoreError

TMP = "tmp"  # in the results folder
DRAFT = "leaderboard.tmp"
MIN_FREE_MIB = 64


def sweep(results: Path) -> None:
    """Remove the temporary files of a run, also of one that was killed."""
    shutil.rmtree(results / TMP, ignore_errors=True)
    (results / DRAFT).unlink(missing_ok=True)


def prepare_tmp(results: Path) -> Path:
    """Return a new folder for temporary files (an absolute path), after a trial write.

    Raises:
        StoreError: the folder cannot be written, or the disk is (nearly) full.
    """
    tmp = (results / TMP).resolve()  # a detector may change its working directory
    try:
        tmp.mkdir(parents=True)
        free = shutil.disk_usage(tmp).free / 2**20
        if free < MIN_FREE_MIB:
            msg = f"only {free:.0f} MiB are free there, {MIN_FREE_MIB} are needed"
            raise OSError(msg)
        trial = tmp / "trial"
        trial.write_bytes(os.urandom(2**20))
        trial.unlink()
    except OSError as error:
        msg = f"cannot work in {results}: {error}; give another folder with --results"
        raise StoreError(msg) from error
    return tmp


@contextmanager
def writing(results: Path) -> Iterator[None]:
    """Report in one sentence that the disk is full or the results folder is gone.

    Raises:
        StoreError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        msg = f"cannot write in {results}: {error}; rows stored so far are kept"
        raise StoreError(msg) from error
