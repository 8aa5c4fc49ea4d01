"""Scalers: fitted on the training rows alone, applied to both parts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.settings import nearest

IMPUTE = "median+"
BLOCK_VALUES = 1 << 21  # that are scaled at a time, 16 MiB
ALL_TOGETHER = ("gcn-l1", "global-minmax")  # whose features are not scaled one by one
SCALERS = {
    "gcn-l1": "each sample less its mean, over its mean absolute value, then global-minmax",
    "global-minmax": "all features together to [0, 1] on the training rows: for pixels",
    "minmax": "each feature to [0, 1] on the training rows",
    "none": "as they are",
    "robust": "each feature less its training median, over its interquartile range",
    "standard": "each feature to zero mean and unit variance on the training rows",
}


def check_scaler(name: str) -> str:
    """Return the name of a scaler, with or without imputation ("median+standard").

    Raises:
        ValueError: there is none of that name.
    """
    if name.removeprefix(IMPUTE) not in SCALERS:
        known = [*SCALERS, *(IMPUTE + scaler for scaler in SCALERS)]
        msg = f"unknown scaler {name!r}; {nearest(name, known)}"
        raise ValueError(msg)
    return name


def scale(
    name: str, x_train: NDArray[Any], x_test: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return training and test samples, scaled by what the training samples say.

    Vectors (n, d) come back as float64, images (n, ...) as float32, both C-ordered. A feature
    that is constant in training is centred and not stretched. "median+..." first puts the
    training median in place of values that are not finite.
    """
    dtype = np.float64 if x_train.ndim == 2 else np.float32
    parts = [x.reshape(len(x), -1) for x in (x_train, x_test)]
    train, test = (np.empty(part.shape, dtype) for part in parts)
    n_values = sum(part.size for part in parts)
    for columns in _blocks(name, parts[0].shape[1], n_values):
        some_train, some_test = (part[:, columns].astype(np.float64) for part in parts)
        for step in _steps(name):
            some_train, some_test = step.fit_transform(some_train), step.transform(some_test)
        train[:, columns], test[:, columns] = some_train, some_test
    return train.reshape(x_train.shape), test.reshape(x_test.shape)


def _blocks(name: str, n_features: int, n_values: int) -> Iterator[slice]:
    """Yield the features to be scaled at a time: where each is scaled alone, in less memory."""
    n_blocks = max(1, min(n_features // 2, n_values // BLOCK_VALUES))
    if name.removeprefix(IMPUTE) in ALL_TOGETHER:
        n_blocks = 1
    edges = np.linspace(0, n_features, n_blocks + 1).astype(int)
    yield from (slice(start, stop) for start, stop in pairwise(edges))


def _steps(name: str) -> list[Any]:
    from sklearn import impute, preprocessing

    steps: list[Any] = []
    scaler = name.removeprefix(IMPUTE)
    if name.startswith(IMPUTE):
        steps.append(preprocessing.FunctionTransformer(_infinite_to_nan))
        steps.append(impute.SimpleImputer(strategy="median", keep_empty_features=True))
    if scaler == "gcn-l1":
        steps.append(preprocessing.FunctionTransformer(_contrast_normalised))
    kinds = {
        "gcn-l1": _GlobalMinMax,
        "global-minmax": _GlobalMinMax,
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
        "standard": preprocessing.StandardScaler,
    }
    return steps if scaler == "none" else [*steps, kinds[scaler]()]


class _GlobalMinMax:
    """One location and one scale for all features, so that their contrasts stay."""

    def fit_transform(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Learn the range of all values of the training rows (n, d); return them scaled."""
        self.low, self.extent = x.min(), float(np.ptp(x)) or 1.0
        return self.transform(x)

    def transform(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows (n, d), scaled."""
        scaled: NDArray[np.float64] = (x - self.low) / self.extent
        return scaled


def _contrast_normalised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Global contrast normalisation with the L1 norm, after Ruff et al., ICML 2018."""
    centred = x - x.mean(axis=1, keepdims=True)
    size = np.abs(centred).mean(axis=1, keepdims=True)
    rounding = 10 * np.finfo(np.float64).eps * np.abs(x).max(axis=1, keepdims=True)
    normalised: NDArray[np.float64] = centred / np.where(size > rounding, size, 1)
    return normalised


def _infinite_to_nan(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(x), x, np.nan)
