"""Where a run keeps its work in flight: a marked folder of our own in the results folder.

It is removed when a run starts or ends. Nothing else in a results folder is ever swept, for that
folder may be a user's home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.store.folder import MARK, StoreError, make_ours

WORK = "fathom.work"  # in the results folder
MIN_FREE_MIB = 64


def sweep(results: Path) -> None:
    """Remove the work folder of a run, also of one that was killed; one without our mark stays."""
    work = results / WORK
    if (work / MARK).is_file():
        shutil.rmtree(work / "tmp", ignore_errors=True)  # first, so that a kill leaves the mark
        shutil.rmtree(work, ignore_errors=True)


def make_tmp(results: Path) -> Path:
    """Return a new folder for files in flight (an absolute path), in a marked work folder.

    Raises:
        StoreError: it cannot be made.
        NotOurs: there is a folder of its name that is not ours.
    """
    work = (results / WORK).absolute()  # a detector may change its working directory
    try:
        make_ours(work)
        (work / "tmp").mkdir()
    except OSError as error:
        raise _unusable(results, error) from error
    return work / "tmp"


def prepare_tmp(results: Path) -> Path:
    """Return what `make_tmp` returns, after a trial write.

    Raises:
        StoreError: the folder cannot be written, or the disk is (nearly) full.
    """
    tmp = make_tmp(results)
    try:
        free = shutil.disk_usage(tmp).free / 2**20
        if free < MIN_FREE_MIB:
            msg = f"only {free:.0f} MiB are free there, {MIN_FREE_MIB} are needed"
            raise OSError(msg)
        trial = tmp / "trial"
        trial.write_bytes(os.urandom(2**20))
        trial.unlink()
    except OSError as error:
        raise _unusable(results, error) from error
    return tmp


def _unusable(results: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot work in {results}: {error}; give another folder with --results")


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
