"""The user's own tables: csv, tsv, parquet, feather and arff with a label column, npz and mat.

Npz and mat files hold the features as X and the labels as y.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.files import WrongData
from datasets.formats import tabular
from datasets.formats.arrays import features_and_labels, read_mat, read_npz
from datasets.record import Array, Card, DataSet

_READERS = {".npz": read_npz, ".mat": read_mat}


def table(
    card: Card,
    paths: Sequence[Path],
    label: str,
    normal: Sequence[str],
    drop: Sequence[str],
    na: Sequence[str],
    categorical: str,
    missing: str,
) -> DataSet:
    """Return the (n, d) float64 numbers of a table, with labels by its label column.

    Args:
        card: of the data set.
        paths: the file.
        label: the label column; npz and mat hold their labels as y.
        normal: labels of normal rows, every other one is anomalous; empty for 0 and 1.
        drop: columns to leave out.
        na: texts that mean a missing value, besides the usual ones.
        categorical: "one-hot" or "ordinal" for columns of text, "refuse" to accept none.
        missing: "keep" (as NaN, for a scaler that imputes), "drop-rows", or "refuse".

    Raises:
        WrongData: the file cannot be read with these settings; the message has the one to change.
    """
    path, codes = paths[0], None
    if reader := _READERS.get(path.suffix.lower()):
        x, labels = features_and_labels(path, reader(path))
        named = {"label": label, "drop": drop, "na": na, "categorical": categorical != "refuse"}
        if given := [key for key, value in named.items() if value]:
            msg = f"{path} has X and y, and no named columns: leave out {', '.join(given)}"
            raise WrongData(msg)
        kept = _kept(path, x, missing)
        x, labels = x[kept], labels[kept]
    else:
        x, labels, codes = tabular.read(path, label, drop, na, categorical, missing)
    return DataSet(card, x, _anomalous(path, labels, normal), codes=codes)


def _kept(path: Path, x: Array, missing: str) -> Array | slice:
    """Return which rows of X are used."""
    empty = np.isnan(x).any(axis=1) if x.dtype.kind == "f" else np.zeros(len(x), bool)
    if missing == "refuse" and empty.any():
        msg = f"{path}: values are missing in {empty.sum()} rows of X; {tabular.KEEP}"
        raise WrongData(msg)
    return np.asarray(~empty) if missing == "drop-rows" else slice(None)


def _anomalous(path: Path, labels: Array, normal: Sequence[str]) -> Array:
    """Return (n,) int8, 1 for an anomaly, by the labels of the file."""
    texts = tabular.as_text(labels)
    found = sorted(set(texts.tolist()))
    shown = ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")
    if normal:
        if absent := [label for label in normal if label not in found]:
            msg = f"{path}: no row has the label {absent[0]}; found: {shown}"
            raise WrongData(msg)
        return (~np.isin(texts, list(normal))).astype(np.int8)
    if not set(found) <= {"0", "1", "False", "True"}:
        msg = (
            f"{path}: labels are {shown}; name the normal ones, such as {found[0]} (--normal, or "
            "?normal=, once for each)"
        )
        raise WrongData(msg)
    return np.isin(texts, ["1", "True"]).astype(np.int8)
