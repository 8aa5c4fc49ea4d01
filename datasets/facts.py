"""Counts over the content of a data set: duplicates, conflicting labels, constant columns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from datasets.record import Array, DataSet

_CHUNK_BYTES = 1 << 24


@dataclass(frozen=True)
class Content:
    """Counts over all rows of a data set.

    Attributes:
        n: number of samples.
        shape: of one sample.
        n_anomalies: number of samples with label 1.
        dtype: of the values, as stored.
        minimum: smallest value, NaN if all are missing.
        maximum: largest value, NaN if all are missing.
        missing_values: number of values that are NaN.
        infinite_values: number of values that are infinite.
        constant_columns: number of columns (for images: pixels) with the same value in all rows.
        duplicates: number of rows that equal an earlier one.
        conflicting_labels: number of distinct rows that occur with both labels.
    """

    n: int
    shape: tuple[int, ...]
    n_anomalies: int
    dtype: str
    minimum: float
    maximum: float
    missing_values: int
    infinite_values: int
    constant_columns: int
    duplicates: int
    conflicting_labels: int


@dataclass(frozen=True)
class Overlap:
    """Rows that are in both the training and the test part of a split.

    Attributes:
        n_train: training rows.
        train_duplicates: of them, those that equal an earlier one.
        n_test_normals: normal test rows.
        seen_normals: of them, those that equal a training row.
        n_test_anomalies: anomalous test rows.
        seen_anomalies: of them, those that equal a training row.
    """

    n_train: int
    train_duplicates: int
    n_test_normals: int
    seen_normals: int
    n_test_anomalies: int
    seen_anomalies: int


def content(data: DataSet, ids: Array | None = None) -> Content:
    """Count over all rows; memory-mapped samples are read in pieces of about 16 MiB.

    Args:
        data: the data set.
        ids: what `row_ids(data.x)` returns, if already computed.
    """
    ids = row_ids(data.x) if ids is None else ids
    first = data.x[:1]
    same = np.ones(first.shape[1:], dtype=bool)
    minimum, maximum = math.nan, math.nan
    missing = infinite = 0
    for chunk in _chunks(data.x):
        is_nan = np.isnan(chunk)
        same &= ((chunk == first) | (is_nan & np.isnan(first))).all(axis=0)
        missing += int(is_nan.sum())
        infinite += int(np.isinf(chunk).sum())
        minimum = float(np.fmin(minimum, np.fmin.reduce(chunk, axis=None)))
        maximum = float(np.fmax(maximum, np.fmax.reduce(chunk, axis=None)))
    anomalous = data.y == 1
    return Content(
        n=len(data.x),
        shape=data.x.shape[1:],
        n_anomalies=int(anomalous.sum()),
        dtype=str(data.x.dtype),
        minimum=minimum,
        maximum=maximum,
        missing_values=missing,
        infinite_values=infinite,
        constant_columns=int(same.sum()),
        duplicates=_copies(ids),
        conflicting_labels=len(np.intersect1d(ids[anomalous], ids[~anomalous])),
    )


def overlap(data: DataSet, train: Array, test: Array, ids: Array | None = None) -> Overlap:
    """Count the rows that training and test share.

    Args:
        data: the data set.
        train: (n_train,) row indices.
        test: (n_test,) row indices.
        ids: what `row_ids(data.x)` returns, if already computed.
    """
    ids = row_ids(data.x) if ids is None else ids
    seen = np.isin(ids[test], ids[train])
    anomalous = data.y[test] == 1
    return Overlap(
        n_train=len(train),
        train_duplicates=_copies(ids[train]),
        n_test_normals=int((~anomalous).sum()),
        seen_normals=int((seen & ~anomalous).sum()),
        n_test_anomalies=int(anomalous.sum()),
        seen_anomalies=int((seen & anomalous).sum()),
    )


def row_ids(x: Array) -> Array:
    """Return (n,) int64 that are equal where rows of `x` (n, *shape) are: 0 and -0 are, NaN too.

    Rows are compared by 128-bit digests, in about 60 bytes of memory a row.
    """
    hashed = np.empty((len(x), 2), dtype=np.uint64)
    first = 0
    for chunk in _chunks(x):
        if chunk.dtype.kind == "f":
            chunk = np.where(np.isnan(chunk), np.nan, chunk + 0.0)  # one zero, and one NaN
        plain = memoryview(chunk.tobytes())
        step = len(plain) // len(chunk)
        rows = (plain[start : start + step] for start in range(0, len(plain), step))
        digests = b"".join([hashlib.blake2b(row, digest_size=16).digest() for row in rows])
        hashed[first : first + len(chunk)] = np.frombuffer(digests, np.uint64).reshape(-1, 2)
        first += len(chunk)
    order = np.lexsort(hashed.T)
    hashed = hashed[order]
    ids = np.empty(len(x), dtype=np.int64)
    ids[order[:1]] = 0
    ids[order[1:]] = np.cumsum((hashed[1:] != hashed[:-1]).any(axis=1))
    return ids


def _copies(ids: Array) -> int:
    return len(ids) - len(np.unique(ids))


def _chunks(x: Array) -> Iterator[Array]:
    rows = max(1, _CHUNK_BYTES // (x.itemsize * math.prod(x.shape[1:])))
    for start in range(0, len(x), rows):
        yield np.asarray(x[start : start + rows])
