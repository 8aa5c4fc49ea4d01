"""Protocols of published tables, exactly as published, flaws included.

They draw from numpy's legacy generator if the authors did, so that a seed gives the same rows.
"""

from __future__ import annotations

import math

import numpy as np

from bench.protocols.split import Indices, Protocol
from datasets import DataSet
from detectors.streams import stream

FEWEST, MOST = 1_000, 50_000  # rows to which Livernoche et al. resample and subsample


def _resized(rows: Indices, seed: int) -> tuple[Indices, np.random.RandomState]:
    """Return rows as Livernoche et al. resize a data set, and the generator for further draws."""
    generator = np.random.RandomState(seed)
    if len(rows) < FEWEST:
        rows = generator.choice(rows, FEWEST, replace=True)
    elif len(rows) > MOST:
        rows = generator.choice(rows, MOST, replace=False)
    return rows, generator


def _dte_semi(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rows, _ = _resized(rows, seed)
    normals, anomalies = (rows[data.y[rows] == label] for label in (0, 1))
    n_train = round(len(normals) / 2)
    return normals[:n_train], np.concatenate([normals[n_train:], anomalies])


def _dte_unsup(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rows, generator = _resized(rows, seed)
    generator.permutation(int(data.y[rows].sum()))  # their draw of no anomaly moves the generator
    return generator.choice(rows, len(rows), replace=True), rows


def _pyod(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    """Split as scikit-learn's train_test_split(test_size=0.4, random_state=seed) does."""
    shuffled = np.random.RandomState(seed).permutation(rows)
    n_test = math.ceil(0.4 * len(rows))
    return shuffled[n_test:], shuffled[:n_test]


def _dagmm(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    shuffled = stream(seed, "split").permutation(rows)
    half = len(rows) // 2
    train = shuffled[:half]
    return train[data.y[train] == 0], shuffled[half:]


def _goad(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    normals, anomalies = (rows[data.y[rows] == label] for label in (0, 1))
    half = len(normals) // 2
    return normals[:half], np.concatenate([normals[half:], anomalies])


DTE = "Livernoche et al., ICLR 2024, arXiv:2305.18593"
PUBLISHED = {
    "dagmm": Protocol(
        "trains on the normal rows of a random half; tests on the other half",
        _dagmm,
        paper="Zong et al., DAGMM, ICLR 2018, openreview.net/forum?id=BJJLHbb0-",
        flaw="the authors' seeds are not known, so that values agree only in the mean",
    ),
    "dte-2024-semi": Protocol(
        "trains on the first half of the normal rows in the file; tests on the rest and the "
        "anomalies; seeds 0, 1, 2, 3, 6",
        _dte_semi,
        overlap="some",
        transductive=True,
        paper=DTE,
        flaw=f"sets under {FEWEST} rows are resampled with replacement before the split, so that "
        "test rows are also training rows; larger sets are split in the order of the file",
    ),
    "dte-2024-unsup": Protocol(
        "trains on a bootstrap of all rows; tests on all rows; seeds 0, 1, 2, 3, 6",
        _dte_unsup,
        trains_on_anomalies=True,
        overlap="some",
        transductive=True,
        scales_on_test=True,
        paper=DTE,
        flaw="training rows are drawn from the test rows, anomalies included; the scaler is "
        f"fitted on the test rows; sets under {FEWEST} rows are resampled with replacement first",
    ),
    "goad": Protocol(
        "trains on the first half of the normal rows in the file; tests on the rest and the "
        "anomalies (the authors shuffle only KDD Cup 99: use one-class there)",
        _goad,
        paper="Bergman and Hoshen, GOAD, ICLR 2020, arXiv:2005.02359",
        flaw="normal rows are split in the order of the file, so that all seeds have the same rows",
    ),
    "pyod-2019": Protocol(
        "trains on 60 % of the rows, anomalies included; tests on the rest; seeds 0 to 9",
        _pyod,
        trains_on_anomalies=True,
        transductive=True,
        paper="Zhao et al., PyOD, JMLR 20(96), 2019, arXiv:1901.01588",
        flaw="training rows include anomalies, and the split is not stratified, so that their "
        "share differs between seeds",
    ),
}
