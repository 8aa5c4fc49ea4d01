"""LODA with the seed on which published values depend, to reproduce tables.

Pevny, "Loda: lightweight on-line detector of anomalies", Machine Learning 102, 2016,
doi:10.1007/s10994-015-5521-0, as in PyOD. The values are those of Livernoche et al., "On diffusion
modeling for anomaly detection", ICLR 2024, arXiv:2305.18593. Otherwise use `pyod:LODA`.

Reference: [pevny2016loda], [livernoche2024dte]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from pyod.models.loda import LODA

from detectors.contract import Detector, Floats, require_rows


@dataclass(kw_only=True)
class LegacySeedLODA(Detector):
    """Mean of -log p over histograms of sparse random projections.

    They are drawn from numpy's legacy generator, seeded by `seed`; `pyod:LODA` derives another
    seed from it.

    Attributes:
        n_random_cuts: number of projections.
        n_bins: number of bins per histogram.
    """

    n_random_cuts: Annotated[int, Ge(1)] = 100
    n_bins: Annotated[int, Ge(2)] = 10

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "a histogram")
        cuts = LODA(n_bins=self.n_bins, n_random_cuts=self.n_random_cuts, random_state=self.seed)
        self.cuts_ = cuts.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = np.asarray(self.cuts_.decision_function(x), dtype=np.float64)
        return scores
