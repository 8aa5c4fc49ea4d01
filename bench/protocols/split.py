"""The types of a protocol and of the split that it makes of a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import HELD
from datasets import DataSet

Indices = NDArray[np.intp]
Choice = Callable[[DataSet, Indices, int], tuple[Indices, Indices]]


@dataclass(frozen=True)
class Split:
    """Rows of one run.

    Attributes:
        train: (n_train,) row indices, in the order in which `fit` gets them.
        test: (n_test,) row indices, ascending, or in the authors' order under a published
            protocol; scores are kept in this order. Resampling repeats rows.
        order: (n_test + n_held,) permutation; the detector gets samples as x[scored[order]], so
            that their order carries no information.
        held: (n_held,) training rows held out of the fit, whose scores calibrate alarms.
    """

    train: Indices
    test: Indices
    order: Indices
    held: Indices

    @property
    def scored(self) -> Indices:
        """(n_test + n_held,) rows that are scored: the test rows, then those held out."""
        return np.concatenate([self.test, self.held])

    def truth(self, y: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what is known of the scored rows: labels of test rows, HELD for those held out."""
        return np.concatenate([y[self.test], np.full(len(self.held), HELD, y.dtype)])

    def put_back(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of x[scored[order]] in the order of `scored`."""
        restored = np.empty_like(scores)
        restored[self.order] = scores
        return restored


@dataclass(frozen=True)
class Protocol:
    """A named way to split.

    Attributes:
        summary: the training and test rows, in one clause.
        choose: (data set, rows to choose from, seed) -> (train, test) row indices; the training
            rows of a protocol with parameters are in an order drawn by the seed.
        trains_on_anomalies: whether training rows include unlabelled anomalies by default.
        overlap: which test rows are also training rows: none, some, or the whole of them.
        transductive: whether detectors may score the test rows together.
        whole_groups: whether the rows of a group stay together, in training or in test.
        scores_groups: whether samples are groups, by `bench.protocols.grouped`; such a protocol
            takes no parameters, which count rows.
        scales_on_test: whether the scaler is fitted on the test rows.
        paper: where the protocol was published; a published protocol takes no parameters.
        flaw: why its values do not mean what a reader expects.
    """

    summary: str
    choose: Choice
    trains_on_anomalies: bool = False
    overlap: Literal["none", "some", "whole"] = "none"
    transductive: bool = False
    whole_groups: bool = False
    scores_groups: bool = False
    scales_on_test: bool = False
    paper: str = ""
    flaw: str = ""


class NotApplicable(ValueError):
    """Raised when a protocol does not fit a data set."""
