"""Protocols: from a data set and a seed to the rows that train and the rows that test.

A protocol returns index arrays into the data set. It may look at labels; a detector never does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets import DataSet
from detectors.settings import nearest
from detectors.streams import stream

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Rows of one run.

    Attributes:
        train: (n_train,) row indices, in the order they are handed to `fit`.
        test: (n_test,) row indices, ascending; scores are kept in this order.
        order: (n_test,) permutation; test samples are handed over as x[test[order]], so that
            nothing can be read off their order.
    """

    train: Indices
    test: Indices
    order: Indices

    def put_back(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of x[test[order]] in the order of `test`."""
        restored = np.empty_like(scores)
        restored[self.order] = scores
        return restored


@dataclass(frozen=True)
class Protocol:
    """A named way to split.

    Attributes:
        summary: what trains and what tests, in one clause.
        choose: (data set, generator) -> (train, test) row indices.
        transductive: whether detectors may judge the test rows together; if so, the test rows
            train too, anomalies and all.
    """

    summary: str
    choose: Callable[[DataSet, np.random.Generator], tuple[Indices, Indices]]
    transductive: bool = False


class NotApplicable(ValueError):
    """Raised when a protocol does not fit a data set."""


def split(name: str, data: DataSet, seed: int) -> Split:
    """Return the split of a data set under a protocol; it depends on the seed and nothing else.

    Raises:
        NotApplicable: the data set lacks what the protocol needs.
    """
    train, test = find(name).choose(data, stream(seed, "split"))
    test = np.sort(test)
    return Split(train, test, stream(seed, "test order").permutation(len(test)))


def find(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        ValueError: there is none; the message has the nearest.
    """
    if name not in PROTOCOLS:
        msg = f"unknown protocol {name!r}; {nearest(name, PROTOCOLS)}"
        raise ValueError(msg)
    return PROTOCOLS[name]


def _one_class(data: DataSet, rng: np.random.Generator) -> tuple[Indices, Indices]:
    normals = rng.permutation(np.flatnonzero(data.y == 0))
    if len(normals) < 2:
        msg = f"{data.card.name} has {len(normals)} normal rows; one-class needs two at least"
        raise NotApplicable(msg)
    n_train = len(normals) // 2
    anomalies = np.flatnonzero(data.y == 1)
    cap = data.card.max_test_anomaly_rate
    if cap is not None:
        n_allowed = int(cap / (1 - cap) * (len(normals) - n_train))
        if n_allowed < len(anomalies):
            anomalies = rng.choice(anomalies, size=max(1, n_allowed), replace=False)
    return normals[:n_train], np.concatenate([normals[n_train:], anomalies])


def _official(data: DataSet, rng: np.random.Generator) -> tuple[Indices, Indices]:
    if data.split is None:
        msg = f"{data.card.name} has no official split; use the protocol one-class"
        raise NotApplicable(msg)
    return rng.permutation(data.split.train), data.split.test


def _transductive(data: DataSet, rng: np.random.Generator) -> tuple[Indices, Indices]:
    return rng.permutation(len(data.y)), np.arange(len(data.y))


PROTOCOLS = {
    "official": Protocol("the data set's own training and test rows", _official),
    "one-class": Protocol(
        "half of the normal rows, shuffled, to train; the rest and the anomalies to test",
        _one_class,
    ),
    "transductive": Protocol(
        "every row trains, without its label, and every row is tested", _transductive, True
    ),
}
