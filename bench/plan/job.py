"""A job: the rows that one child process makes together, and the limits of their detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.store.records import Wanted


@dataclass(frozen=True)
class Limits:
    """Time and memory that a detector may use.

    Attributes:
        seconds: wall seconds of a fit (a seed) and of a read-out.
        memory_mib: memory of the child and its descendants, shared mappings included, above the
            start, in MiB; inf for the default, on a Dask worker.
    """

    seconds: float
    memory_mib: float


@dataclass(frozen=True)
class Job:
    """Rows that one child process makes together: all read-outs, heads and seeds of one model.

    Of a user's class, each seed is a job.

    Attributes:
        wanted: rows of one model with one setting on one data set, under one protocol and
            scaler; the rows of a seed stand together.
        data: the data folder, None for the default one.
        limits: time and memory.
        run: name of the invocation, for the rows' provenance.
    """

    wanted: tuple[Wanted, ...]
    data: Path | None
    limits: Limits
    run: str
