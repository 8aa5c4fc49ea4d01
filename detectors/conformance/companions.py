"""How far scores move when other samples are scored with them, and how far they may."""

from __future__ import annotations

import numpy as np

from detectors.contract import Floats

TOLERANCE = 1e-3  # of the spread of the scores: a hundred times the rounding errors of float32


def largest_move(again: Floats, scores: Floats, spread: float) -> float:
    """Return the largest change of scores, relative to their spread or to themselves if larger.

    Args:
        again: the scores in other company, of any shape.
        scores: the scores, of the same shape.
        spread: of all scores, as `spread_of` returns it.
    """
    size = np.maximum(np.abs(scores), spread)
    moved = np.abs(again - scores)
    return float(np.divide(moved, size, out=moved, where=moved != 0).max(initial=0.0))


def spread_of(scores: Floats) -> float:
    """Return the interquartile range of scores; their standard deviation where that is 0."""
    return float(np.subtract(*np.quantile(scores, [0.75, 0.25])) or scores.std())
