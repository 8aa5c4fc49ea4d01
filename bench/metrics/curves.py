"""ROC and precision-recall curves of one row's scores, and a small picture of both.

The picture is an SVG of a few kilobytes written as text [0.3 ms; matplotlib takes 80 ms], so that
every row tracked can have one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats, descending

MOST_POINTS = 200  # drawn of a curve
SIDE, GAP, TOP = 200, 40, 24  # pixels

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
{panels}
</svg>
"""
PANEL = """<g transform="translate({x} {y})">
<text y="-8">{title}</text>
<path d="{chance}" fill="none" stroke="#999" stroke-dasharray="4 3"/>
<polyline points="{points}" fill="none" stroke="#0072b2" stroke-width="2"/>
<rect width="{side}" height="{side}" fill="none" stroke="#444"/>
<text x="{side}" y="{below}" text-anchor="end">{across}, 0 to 1</text>
<text transform="translate(-6 {side}) rotate(-90)">{up}, 0 to 1</text>
</g>"""


def roc(truth: NDArray[np.int8], scores: Floats) -> tuple[Floats, Floats]:
    """Return false-positive rates and recalls (thresholds + 1,), from (0, 0) to (1, 1).

    Args:
        truth: (n,) labels, 1 an anomaly; both kinds are there.
        scores: (n,) finite scores; tied ones pass together.
    """
    hits, alarms = _counts(truth, scores)
    return _from_zero(alarms / alarms[-1]), _from_zero(hits / hits[-1])


def precision_recall(truth: NDArray[np.int8], scores: Floats) -> tuple[Floats, Floats]:
    """Return recalls and precisions (thresholds,); the average precision is the area of its steps.

    Args:
        truth: (n,) labels, 1 an anomaly; both kinds are there.
        scores: (n,) finite scores; tied ones pass together.
    """
    hits, alarms = _counts(truth, scores)
    return hits / hits[-1], hits / (hits + alarms)


def picture(truth: NDArray[np.int8], scores: Floats) -> str:
    """Return an SVG of both curves of (n,) labels and finite scores, chance dashed."""
    recalls, precisions = precision_recall(truth, scores)
    prevalence = float(truth.mean())
    # A step holds its precision from the recall before it.
    steps = np.repeat(_from_zero(recalls), 2)[1:-1], np.repeat(precisions, 2)
    panels = [
        _panel(0, "ROC", ("false-positive rate", "recall"), roc(truth, scores), (0.0, 1.0)),
        _panel(1, "precision and recall", ("recall", "precision"), steps, (prevalence,) * 2),
    ]
    width, height = 2 * (SIDE + GAP), TOP + SIDE + 20
    return PICTURE.format(width=width, height=height, panels="\n".join(panels))


def _panel(
    place: int,
    title: str,
    axes: tuple[str, str],
    curve: tuple[Floats, Floats],
    chance: tuple[float, float],
) -> str:
    """Return one of the two panels; `chance` are the heights of the dashed line at its ends."""
    kept = np.unique(np.linspace(0, len(curve[0]) - 1, MOST_POINTS).astype(int))
    across, up = (np.round(SIDE * values[kept], 1) for values in curve)
    pairs = zip(across.tolist(), (SIDE - up).tolist(), strict=True)
    points = " ".join([f"{x:g},{y:g}" for x, y in pairs])
    left, right = (SIDE * (1 - height) for height in chance)
    return PANEL.format(
        x=GAP / 2 + place * (SIDE + GAP),
        y=TOP,
        side=SIDE,
        below=SIDE + 14,
        title=title,
        across=axes[0],
        up=axes[1],
        points=points,
        chance=f"M0 {left:g} L{SIDE} {right:g}",
    )


def _counts(truth: NDArray[np.int8], scores: Floats) -> tuple[Floats, Floats]:
    """Return how many anomalies and normals lie at or above each distinct score, highest first."""
    order, ends = descending(scores)
    hits = np.cumsum(truth[order], dtype=np.float64)[ends]
    return hits, ends + 1 - hits


def _from_zero(values: Floats) -> Floats:
    return np.concatenate([[0.0], values])
