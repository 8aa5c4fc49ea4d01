"""Tables that many papers use, read from the files as they were published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.codes import Codes
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

if TYPE_CHECKING:
    import pandas as pd

KDD_TEXTS = (1, 2, 3)  # protocol, service, flag
_KDD_LABEL = 41
_ARRHYTHMIA_RARE = (3, 4, 5, 7, 8, 9, 14, 15)


def kddcup99(card: Card, paths: Sequence[Path], attacks_normal: bool) -> DataSet:
    """Return connections of 41 features, three of them texts, one-hot later.

    Args:
        card: what the result has to be.
        paths: the file of 10 %.
        attacks_normal: whether the attacks, which are the majority, are called normal, as in the
            papers of DAGMM and GOAD.
    """
    table = _read(paths[0], _KDD_LABEL + 1)
    attack = (table[_KDD_LABEL] != "normal.").to_numpy()
    x, codes = _kdd_features(table)
    return DataSet(card, x, ~attack if attacks_normal else attack, codes=codes)


def nsl_kdd(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return connections of 41 features; normals of the training part train, all others test.

    Args:
        card: what the result has to be.
        paths: KDDTrain+.txt and KDDTest+.txt; their last column, a difficulty, is left out.
    """
    import pandas as pd

    parts = [_read(path, _KDD_LABEL + 2) for path in paths]
    table = pd.concat(parts, ignore_index=True)
    y = (table[_KDD_LABEL] != "normal").to_numpy()
    n_train = len(parts[0])
    split = OfficialSplit(np.flatnonzero(~y[:n_train]), np.arange(n_train, len(y)))
    x, codes = _kdd_features(table)
    return DataSet(card, x, y, split, codes=codes)


def covertype(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return patches of forest of 54 features; cover type 2 is normal, type 4 anomalous.

    The other five types are left out, as in ODDS and ADBench, which keep 10 of the features.
    """
    table = _read(paths[0], 55).to_numpy()
    kept = table[np.isin(table[:, -1], (2, 4))]
    return DataSet(card, kept[:, :-1].astype(np.int16), kept[:, -1] == 4)


def arrhythmia(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return 279 features of electrocardiograms; classes of few patients are anomalous.

    Those are 3, 4, 5, 7, 8, 9, 14 and 15, as in ODDS, which leaves out five of the features.
    Missing values are NaN.
    """
    table = _read(paths[0], 280, na="?").to_numpy(np.float64)
    return DataSet(card, table[:, :-1], np.isin(table[:, -1], _ARRHYTHMIA_RARE))


def creditcard(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return payments of 29 features, the time left out; frauds are anomalous."""
    import pandas as pd

    table = _read_csv(paths[0], header=0)
    if not {"Time", "Class"} <= set(table.columns):
        msg = f"{paths[0]} lacks the columns Time and Class; it is not the published file"
        raise WrongData(msg)
    features = table.drop(columns=["Time", "Class"]).apply(pd.to_numeric)
    return DataSet(card, features.to_numpy(np.float64), table["Class"].to_numpy())


def _kdd_features(table: pd.DataFrame) -> tuple[Array, Codes]:
    x = np.empty((len(table), _KDD_LABEL))
    texts = {}
    for j in range(_KDD_LABEL):
        if j in KDD_TEXTS:
            found, x[:, j] = np.unique(table[j].to_numpy(str), return_inverse=True)
            texts[j] = tuple(found.tolist())
        else:
            x[:, j] = table[j].to_numpy(np.float64)
    return x, Codes("one-hot", texts)


def _read(path: Path, n_columns: int, na: str | None = None) -> pd.DataFrame:
    """Return a table without names, packed or not, with columns 0, 1, ..."""
    table = _read_csv(path, header=None, na_values=na)
    if len(table.columns) != n_columns:
        msg = f"{path} has {len(table.columns)} columns, expected {n_columns}; fetch it again"
        raise WrongData(msg)
    return table


def _read_csv(path: Path, *, header: int | None, na_values: str | None = None) -> pd.DataFrame:
    import zlib

    import pandas as pd

    try:
        return pd.read_csv(path, header=header, na_values=na_values, low_memory=False)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        msg = f"{path} is no complete csv file: {error}; fetch it again"
        raise WrongData(msg) from error
