"""Scores of pixels and their metrics: where an image is anomalous, against the masks of defects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.metrics.scored import Floats, auroc, descending, refuse_not_finite
from detectors.contract import as_numbers
from detectors.localisation import Localizer

MAX_FALSE_POSITIVE_RATE = 0.3


def scores_of(model: Localizer, readout: str | None, x: NDArray[Any]) -> NDArray[np.float32]:
    """Return the (n, h, w) maps of images x (n, c, h, w) for a read-out of a fitted model.

    Raises:
        ValueError: maps have another shape than the images, or are not finite as float32.
    """
    maps = as_numbers(model.localize(x, readout), "localize returned").astype(np.float32)
    if maps.shape != (len(x), *x.shape[2:]):
        msg = f"localize returned maps {maps.shape}; expected {(len(x), *x.shape[2:])}"
        raise ValueError(msg)
    refuse_not_finite(maps, "scores of pixels")
    return maps


def compute(masks: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    """Return the metrics of pixels by name; none where no pixel, or every one, is anomalous.

    Args:
        masks: (n, h, w) 1 where an image is anomalous, 0 elsewhere, of all test images.
        scores: (n, h, w) finite, larger for more anomalous.

    Raises:
        ValueError: the shapes differ, or a score is not finite.
    """
    truth, values = np.asarray(masks), np.asarray(scores)
    if truth.ndim != 3 or truth.shape != values.shape:
        msg = f"masks {truth.shape} and scores {values.shape} of pixels must be (n, h, w) and alike"
        raise ValueError(msg)
    refuse_not_finite(values, "scores of pixels")
    if truth.min() == truth.max():
        return {}
    return {
        "pixel_auroc": auroc(truth.ravel(), values.ravel()),
        "aupro": area_under_pro(truth, values),
    }


def area_under_pro(masks: NDArray[np.uint8], scores: Floats) -> float:
    """Return the area under the per-region overlap against the false-positive rate.

    The overlap is the mean over the connected regions of the masks, of which pixels touch at
    sides or corners, of the share of a region that scores at least the threshold; the rate is the
    share of normal pixels, those of normal images included, that do. Every distinct score is a
    threshold. The area is taken up to a rate of 0.3, with interpolation there, and divided by
    0.3. Bergmann, Fauser, Sattlegger and Steger, "Uninformed students", CVPR 2020,
    arXiv:1911.02357, section 4.

    Args:
        masks: (n, h, w) of 0 and 1, both present.
        scores: (n, h, w).
    """
    from scipy.ndimage import label

    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = True  # within an image, sides and corners
    regions, n_regions = label(masks, touching)
    sizes = np.bincount(regions.ravel())
    order, ends = descending(scores.ravel())
    region = regions.ravel()[order]
    found = np.where(region > 0, 1 / (n_regions * sizes[region]), 0.0)
    overlap = np.append(0.0, np.cumsum(found)[ends])
    rate = np.append(0.0, np.cumsum(region == 0)[ends] / sizes[0])
    after = int(np.searchsorted(rate, MAX_FALSE_POSITIVE_RATE))  # the first point not below it
    at_limit = np.interp(MAX_FALSE_POSITIVE_RATE, rate[: after + 1], overlap[: after + 1])
    rates = np.append(rate[:after], MAX_FALSE_POSITIVE_RATE)
    overlaps = np.append(overlap[:after], at_limit)
    return float(np.trapezoid(overlaps, rates) / MAX_FALSE_POSITIVE_RATE)
