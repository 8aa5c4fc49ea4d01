"""What can be counted in a data set once it is loaded, beside what its card says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.record import Array, DataSet


@dataclass(frozen=True)
class Counts:
    """Counts that warn of what misleads; rows are alike if every value is.

    Attributes:
        dtype: of the samples.
        missing: values that are NaN.
        infinite: values that are infinite.
        constant: features with one value in all rows.
        duplicates: rows that equal an earlier one.
        conflicts: distinct rows that are there with both labels.
        anomalies_like_normals: anomalies that equal a normal row.
        seen_in_training: rows of the official test part that equal one of the training part; None
            without an official split.
    """

    dtype: str
    missing: int
    infinite: int
    constant: int
    duplicates: int
    conflicts: int
    anomalies_like_normals: int
    seen_in_training: int | None


def count(data: DataSet) -> Counts:
    """Return the counts of a data set. It takes memory of about its size."""
    x = data.x.reshape(len(data.x), -1)
    group = _groups(x)
    anomalous = data.y == 1
    with_normal, with_anomaly = np.unique(group[~anomalous]), np.unique(group[anomalous])
    seen = None
    if data.split is not None:
        seen = int(np.isin(group[data.split.test], group[data.split.train]).sum())
    is_float = x.dtype.kind == "f"
    return Counts(
        dtype=str(x.dtype),
        missing=int(np.isnan(x).sum()) if is_float else 0,
        infinite=int(np.isinf(x).sum()) if is_float else 0,
        constant=int((x == x[0]).all(axis=0).sum()),
        duplicates=len(x) - int(group.max()) - 1,
        conflicts=len(np.intersect1d(with_normal, with_anomaly)),
        anomalies_like_normals=int(np.isin(group[anomalous], with_normal).sum()),
        seen_in_training=seen,
    )


def _groups(x: Array) -> Array:
    """Return (n,) numbers 0, 1, ..., equal where rows of (n, d) are alike, NaN like NaN."""
    rows = np.ascontiguousarray(x + x.dtype.type(0))  # -0.0 becomes 0.0
    keys = rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    return np.unique(keys, return_inverse=True)[1].ravel()
