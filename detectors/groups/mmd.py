"""Maximum mean discrepancy between a group and the rows of the training groups.

Gretton, Borgwardt, Rasch, Schölkopf and Smola, "A kernel two-sample test", JMLR 13, 2012,
https://jmlr.org/papers/v13/gretton12a.html.

Reference: [gretton2012mmd]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.contract import Floats
from detectors.grouped import GroupDetector
from detectors.kernels import Gamma, kernel, width, within

MOST = 2000  # training rows that groups are compared with


@dataclass(kw_only=True)
class MMD(GroupDetector):
    """Squared maximum mean discrepancy of a group's rows and at most 2,000 training rows.

    The unbiased estimate, equation 3 of the paper, under a Gaussian kernel; it may be negative.
    The training rows are drawn by the seed from all training groups together.

    Attributes:
        gamma: inverse squared width of the kernel; "median" is 1 / (2 m^2) with the median
            distance m of training rows.
    """

    gamma: Gamma = "median"

    def _fit(self, x: Any) -> None:
        rows: Floats = x.rows
        self.gamma_ = width(self.gamma, rows, self.stream("median"))
        self.rows_ = rows[self.stream("rows").permutation(len(rows))[:MOST]]
        self.within_ = within(self.rows_, self.gamma_)

    def _score(self, x: Any, readout: str) -> Floats:
        own = np.array([within(rows, self.gamma_) for rows in x])
        mixed = np.array([kernel(rows, self.rows_, self.gamma_).mean() for rows in x])
        scores: Floats = own - 2 * mixed + self.within_
        return scores
