"""From a data set and a protocol to a detector's input: split, encoded and scaled samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.protocols.named import NotApplicable, Split, find, split
from bench.protocols.scalers import IMPUTE, scale
from bench.store.records import Wanted
from datasets import DataSet

Samples = Any  # an array (n, *shape), or `detectors.Groups`


@dataclass(frozen=True)
class Unit:
    """One model fitted for one seed: its samples, and the truth for its scores.

    Attributes:
        wanted: its rows.
        split: which rows train and test.
        x_train: training samples, scaled; groups where the protocol scores these.
        x_test: samples to score, scaled, in the order in which they are scored.
        truth: of these samples, in the order of the split, as `Split.truth` has it.
        masks: (len(x_test), h, w) in the order of `x_test`; None where scores of pixels are not
            evaluated, for example where samples are not images (c, h, w).
    """

    wanted: tuple[Wanted, ...]
    split: Split
    x_train: Samples
    x_test: Samples
    truth: NDArray[np.int8]
    masks: NDArray[np.uint8] | None

    @property
    def seed(self) -> int:
        return self.wanted[0].seed


def prepare(data: DataSet, wanted: list[Wanted]) -> Unit:
    """Return split and scaled samples for rows of one model, data set, protocol and seed.

    Raises:
        NotApplicable: the protocol cannot use this data set; the message says why.
    """
    first = wanted[0]
    rows = split(first.protocol, data, first.seed)
    labels = data.y[rows.test]
    if labels.min() == labels.max():
        kind = "anomalous" if labels.all() else "normal"
        msg = f"all {len(labels)} test rows of {first.dataset} are {kind}; metrics need both kinds"
        raise NotApplicable(msg)
    x_train, x_test = data.x[rows.train], data.x[rows.scored[rows.order]]
    if data.codes:
        x_train, x_test = data.codes.encode(x_train, x_test)
    n_bad = sum(int((~np.isfinite(x)).sum()) for x in (x_train, x_test))
    if n_bad and not first.scaler.startswith(IMPUTE):
        msg = (
            f"{first.dataset} has {n_bad} values that are NaN or infinite; "
            f"--scaler {IMPUTE}{first.scaler} puts the training median in their place"
        )
        raise NotApplicable(msg)
    try:
        with np.errstate(over="raise", invalid="ignore"):
            if find(first.protocol).scales_on_test:
                # In the authors' order: sums in another order separate equal distances.
                in_order, x_train = scale(first.scaler, x_test[np.argsort(rows.order)], x_train)
                x_test = in_order[rows.order]
            else:
                x_train, x_test = scale(first.scaler, x_train, x_test)
    except FloatingPointError as error:
        raise NotApplicable(_overflow(first, x_train, x_test)) from error
    masks = None
    if first.pixels_id and data.masks is not None and data.x.shape[2:] == data.masks.shape[1:]:
        masks = data.masks[rows.scored[rows.order]]
    return Unit(tuple(wanted), rows, x_train, x_test, rows.truth(data.y), masks)


def _overflow(first: Wanted, *parts: NDArray[Any]) -> str:
    """Return which feature is too large for a scaler."""
    largest = np.max([np.fmax.reduce(np.abs(x.reshape(len(x), -1)), axis=0) for x in parts], axis=0)
    feature = int(np.nanargmax(largest))
    return (
        f"feature {feature} of {first.dataset} has values up to {largest[feature]:.3g}, which "
        f"overflow in the scaler {first.scaler}; rescale this feature, or drop it"
    )
