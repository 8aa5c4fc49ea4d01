"""Whether scores of a fitted detector depend on the other rows that are scored with them.

A few of the test rows are scored once more, in other company, after all scores were handed over,
so that the test changes no score. Rows with the extreme scores are among them: what is fitted on
test rows, such as a limit or a scale, shows there first.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.run import scoring
from bench.run.failures import failed
from detectors.conformance.companions import TOLERANCE, largest_move, spread_of
from detectors.contract import Detector
from detectors.spec import Spec
from detectors.streams import stream

SHARE = 25  # of so many test rows, one is scored again,
FEWEST, MOST = 4, 16  # but so many at least, and at most


def keep_fitted(detector: Detector, file: Path) -> None:
    """Keep a detector as it is before it scores, if it can be pickled.

    One that takes its scale from the first rows that it scores, and keeps that, would give the
    same scores in any later company.
    """
    try:
        with file.open("wb") as opened:
            pickle.dump(detector, opened, protocol=5)
    except Exception:
        file.unlink(missing_ok=True)


def as_fitted(detector: Detector, file: Path) -> Detector:
    """Return a detector as it was before it scored, if it was kept."""
    if not file.exists():
        return detector
    with file.open("rb") as opened:
        kept: Detector = pickle.load(opened)
        return kept


def dependence(
    detector: Detector,
    spec: Spec,
    fitted: Path,
    seed: int,
    x_test: NDArray[Any],
    scores: NDArray[np.float64],
) -> str:
    """Return in a few words how scores depend on the other test rows; "" if they do not.

    Args:
        detector: that gave the scores.
        spec: of it. One of this package is not scored a row alone: the contract's tests do that.
        fitted: file of the detector before it scored, if it was kept.
        seed: of the generators.
        x_test: (n, *shape) test samples.
        scores: (n,) what the detector gave for all of them together.
    """
    if not np.isfinite(scores).all():
        return ""
    detector = as_fitted(detector, fitted)
    n = len(scores)
    drawn = stream(seed, "company").permutation(n)[: min(max(n // SHARE, FEWEST), MOST)]
    rows = np.unique([scores.argmax(), scores.argmin(), *drawn])
    for company in (rows, rows[-1:])[: 1 if spec.is_own else 2]:
        scoring.seed_generators(seed)
        try:
            again = scoring.score(detector, spec.readout, x_test[company])
        except Exception as error:
            if (how := failed(error)).status == "memory":
                raise
            return f"{len(company)} of them cannot be scored alone: {how.reason}"
        moved = largest_move(again, scores[company], spread_of(scores))
        if not moved <= TOLERANCE:
            return f"{len(company)} of {n} scored alone move by up to {moved:.2g}"
    return ""
