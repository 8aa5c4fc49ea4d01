"""Maps of images and their metrics: where an image is anomalous, against the masks of defects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.pixel_areas import Curves, SharedRate, values_of
from bench.metrics.pixel_intervals import Counts, limits, scores_to_count_at
from bench.metrics.scored import Floats, refuse_not_finite
from detectors.contract import as_numbers
from detectors.localisation import Localizer

Maps = Sequence[NDArray[np.float32]]
Masks = Sequence[NDArray[np.uint8]]


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


def compute(masks: Masks, maps: NDArray[np.floating]) -> dict[str, float]:
    """Return the metrics of pixels by name, each with its limits as NAME_low and NAME_high.

    Maps are resized to the masks, bilinearly, so that they are judged at the resolution of the
    masks: a shrunk mask has lost its fine defects. Values are exact: every distinct score is a
    threshold. The limits are those of `bench.metrics.pixel_intervals`.

    Args:
        masks: of each test image, (height, width) of 1 where it is anomalous, 0 elsewhere.
        maps: (n, h, w) finite, larger for more anomalous.

    Returns:
        Nothing where no pixel, or every one, is anomalous; no `aupimo` where normal images have too
        few pixels for it.

    Raises:
        ValueError: the numbers of masks and maps differ, or a score is not finite.
    """
    if maps.ndim != 3 or len(masks) != len(maps) or any(mask.ndim != 2 for mask in masks):
        msg = f"{len(masks)} masks and maps {maps.shape}; expected one (h, w) of each by image"
        raise ValueError(msg)
    refuse_not_finite(maps, "scores of pixels")
    n_anomalous = sum(int(np.count_nonzero(mask)) for mask in masks)
    if n_anomalous in (0, sum(mask.size for mask in masks)):
        return {}
    resized = [*_resized(maps, masks)]
    curves = Curves.of(resized, masks)
    rate = SharedRate.of(resized, masks)
    values = values_of(*curves.exact()) | ({"aupimo": rate.aupimo()} if rate else {})
    counts = Counts.of(resized, masks, scores_to_count_at(curves, rate))
    return values | limits(counts, values)


def points(masks: Masks, maps: NDArray[np.floating]) -> tuple[Floats, Floats, Floats, float]:
    """Return the arguments of `values_of` for masks and maps as in `compute`."""
    return Curves.of([*_resized(maps, masks)], masks).exact()


def _resized(maps: NDArray[np.floating], masks: Masks) -> Iterator[NDArray[np.float32]]:
    """Yield each map in the size of its mask."""
    from PIL import Image

    for one, mask in zip(maps.astype(np.float32, copy=False), masks, strict=True):
        if one.shape == mask.shape:
            yield one
        else:
            size = mask.shape[1], mask.shape[0]
            yield np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR))
