"""Why a sample has its score: which columns of a table, or which pixels of an image.

Errors by column or pixel where the detector has them for its score. For any other, occlusion: each
column, or each square of an image, is replaced by its training median in turn, and the fall of the
score is its share (M. Zeiler, R. Fergus, ECCV 2014, arXiv:1311.2901). It shows no anomaly that lies
in a combination of columns, each of which is usual alone.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.deploy.model import Model, Part
from detectors.contract import Floats
from detectors.localisation import Localizer, falls
from detectors.spec import parse

ERRORS = "the detector's own errors by column or pixel"
OCCLUSION = (
    "occlusion: the fall of the score with the training median in place of a column or square; an "
    "anomaly in a combination of several is shared among them, or missed"
)
GRID = 8  # squares on a side of an image


def explain(model: Model, x: NDArray[Any]) -> tuple[Floats, str]:
    """Return the shares in the scores of samples (n, *shape), and `ERRORS` or `OCCLUSION`.

    Shares are (n, columns) of a table, (n, height, width) of images; over folds, their mean.

    Raises:
        ValueError: the detector cannot score the samples.
    """
    made = [_errors(model.spec, part, x) for part in model.parts]
    errors = [each for each in made if each is not None]
    found = errors or [_occlusion(part, x) for part in model.parts]
    return np.mean(found, axis=0), ERRORS if errors else OCCLUSION


def squares(sides: tuple[int, ...]) -> list[NDArray[np.bool_]]:
    """Return masks (height, width) of the squares of an image."""
    rows, columns = (np.arange(side) * GRID // side for side in sides)
    return [np.outer(rows == i, columns == j) for i in range(GRID) for j in range(GRID)]


def _errors(spec: str, part: Part, x: NDArray[Any]) -> Floats | None:
    """Return errors by column or pixel, if the detector has such for its score."""
    parsed, detector = parse(spec), part.detector
    if parsed.head or (parsed.readout or "") not in parsed.entry.localizes:
        return None
    errors: Floats = cast("Localizer", detector).localize(part.prepare(x))
    if errors.ndim > 2:
        return errors
    return np.column_stack([errors[:, features].sum(axis=1) for features in part.columns])


def _occlusion(part: Part, x: NDArray[Any]) -> Floats:
    prepared = part.prepare(x)
    is_table = prepared.ndim == 2
    places = part.columns if is_table else squares(prepared.shape[-2:])
    found = falls(part.score, prepared, part.medians, places)
    return found if is_table else np.tensordot(found, np.array(places, np.float64), axes=1)
