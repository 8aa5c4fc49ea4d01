"""Scalers: fitted on the training rows only, applied to both parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.settings import nearest

IMPUTE = "median+"
BLOCK_VALUES = 1 << 21  # that are scaled at a time, 16 MiB
ALL_TOGETHER = ("gcn-l1", "global-minmax")  # whose features are not scaled one by one
SCALERS = {
    "gcn-l1": "each sample minus its mean, divided by its mean absolute value, then global-minmax",
    "global-minmax": "all features together to [0, 1] on the training rows: for pixels",
    "minmax": "each feature to [0, 1] on the training rows",
    "none": "no scaling",
    "robust": "each feature minus its training median, divided by its interquartile range",
    "standard": "each feature to zero mean and unit variance on the training rows",
}


def check_scaler(name: str) -> str:
    """Return the name of a scaler, with or without imputation ("median+standard").

    Raises:
        ValueError: the name is unknown.
    """
    if name.removeprefix(IMPUTE) not in SCALERS:
        known = [*SCALERS, *(IMPUTE + scaler for scaler in SCALERS)]
        msg = f"unknown scaler {name!r}; {nearest(name, known)}"
        raise ValueError(msg)
    return name


def scale(
    name: str, x_train: NDArray[Any], x_test: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return training and test samples, scaled by statistics of the training samples.

    Vectors (n, d) are returned as float64, images (n, ...) as float32, both C-ordered. A feature
    that is constant in training is centred only. "median+..." first replaces values that are not
    finite by the training median.
    """
    dtype = np.float64 if x_train.ndim == 2 else np.float32
    parts = [x.reshape(len(x), -1) for x in (x_train, x_test)]
    results = [np.empty(part.shape, dtype) for part in parts]
    together = name.removeprefix(IMPUTE) in ALL_TOGETHER
    (_scale_together if together else _scale_one_by_one)(name, parts, results)
    train, test = results
    return train.reshape(x_train.shape), test.reshape(x_test.shape)


def _scale_one_by_one(name: str, parts: list[NDArray[Any]], results: list[NDArray[Any]]) -> None:
    """Fill results (n, d), some features at a time."""
    for columns in _blocks(parts):
        train, test = (part[:, columns].astype(np.float64) for part in parts)
        for step in _steps(name):
            train, test = step.fit_transform(train), step.transform(test)
        for result, scaled in zip(results, (train, test), strict=True):
            result[:, columns] = scaled


def _scale_together(name: str, parts: list[NDArray[Any]], results: list[NDArray[Any]]) -> None:
    """Fill results (n, d), some rows at a time, after a first pass for the training range.

    One location and one scale for all features keep their contrasts.
    """
    medians = _medians(parts) if name.startswith(IMPUTE) else None

    def blocks(part: NDArray[Any]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        n_rows = max(1, BLOCK_VALUES // part.shape[1])
        for start in range(0, len(part), n_rows):
            rows = slice(start, start + n_rows)
            x = part[rows].astype(np.float64, order="C")
            x = x if medians is None else np.where(np.isfinite(x), x, medians)
            yield rows, _contrast_normalised(x) if name.endswith("gcn-l1") else x

    ranges = [(x.min(), x.max()) for _, x in blocks(parts[0])]
    low, high = np.min(ranges), np.max(ranges)
    extent = float(high - low) or 1.0
    for part, result in zip(parts, results, strict=True):
        for rows, x in blocks(part):
            result[rows] = (x - low) / extent


def _medians(parts: list[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the training median (d,) of each feature's finite values, 0 where there is none."""
    nothing = np.full((1, parts[0].shape[1]), np.nan)
    medians = np.empty_like(nothing)
    for columns in _blocks(parts):
        train, unknown = parts[0][:, columns].astype(np.float64), nothing[:, columns]
        for step in _steps(IMPUTE + "none"):
            train, unknown = step.fit_transform(train), step.transform(unknown)
        medians[:, columns] = unknown
    return medians.reshape(-1)


def _blocks(parts: list[NDArray[Any]]) -> Iterator[slice]:
    """Yield the features to be treated at a time, so that their copies stay small."""
    n_features = parts[0].shape[1]
    n_blocks = max(1, min(n_features // 2, sum(part.size for part in parts) // BLOCK_VALUES))
    edges = np.linspace(0, n_features, n_blocks + 1).astype(int)
    yield from (slice(start, stop) for start, stop in pairwise(edges))


def _steps(name: str) -> list[Any]:
    from sklearn import impute, preprocessing

    steps: list[Any] = []
    scaler = name.removeprefix(IMPUTE)
    if name.startswith(IMPUTE):
        steps.append(preprocessing.FunctionTransformer(_infinite_to_nan))
        steps.append(impute.SimpleImputer(strategy="median", keep_empty_features=True))
    kinds = {
        "minmax": preprocessing.MinMaxScaler,
        "robust": preprocessing.RobustScaler,
        "standard": preprocessing.StandardScaler,
    }
    return steps if scaler == "none" else [*steps, kinds[scaler]()]


def _contrast_normalised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Global contrast normalisation with the L1 norm, after Ruff et al., ICML 2018."""
    centred = x - x.mean(axis=1, keepdims=True)
    size = np.abs(centred).mean(axis=1, keepdims=True)
    rounding = 10 * np.finfo(np.float64).eps * np.abs(x).max(axis=1, keepdims=True)
    normalised: NDArray[np.float64] = centred / np.where(size > rounding, size, 1)
    return normalised


def _infinite_to_nan(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(x), x, np.nan)


@dataclass(frozen=True)
class Fitted:
    """A scaler with the statistics of its training samples, for samples that come later.

    It gives what `scale` gives.

    Attributes:
        name: of the scaler.
        steps: of scikit-learn, for features scaled one by one.
        medians: (d,) by which values that are not finite are replaced, for those scaled together.
        low: the smallest training value of these.
        extent: the range of these.
    """

    name: str
    steps: list[Any]
    medians: NDArray[np.float64] | None = None
    low: float = 0.0
    extent: float = 1.0

    @classmethod
    def on(cls, name: str, x_train: NDArray[Any]) -> Fitted:
        """Return a scaler that is fitted on training samples (n, ...)."""
        x = x_train.reshape(len(x_train), -1).astype(np.float64)
        if name.removeprefix(IMPUTE) not in ALL_TOGETHER:
            steps = _steps(name)
            for step in steps:
                x = step.fit_transform(x)
            return cls(name, steps)
        known = cls(name, [], _medians([x]) if name.startswith(IMPUTE) else None)
        x = known._together(x)
        low, high = x.min(), x.max()
        return replace(known, low=float(low), extent=float(high - low) or 1.0)

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return samples (n, d) as float64, or images (n, ...) as float32, scaled."""
        values = x.reshape(len(x), -1).astype(np.float64)
        for step in self.steps:
            values = step.transform(values)
        if self.name.removeprefix(IMPUTE) in ALL_TOGETHER:
            values = (self._together(values) - self.low) / self.extent
        dtype = np.float64 if x.ndim == 2 else np.float32
        return np.ascontiguousarray(values, dtype).reshape(x.shape)

    def _together(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        x = x if self.medians is None else np.where(np.isfinite(x), x, self.medians)
        return _contrast_normalised(x) if self.name.endswith("gcn-l1") else x
