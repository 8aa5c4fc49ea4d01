"""Localisation: which pixels of an image, or features of a vector, make a sample anomalous."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detectors.contract import Detector, Floats, as_numbers


def _top_percent(maps: Floats) -> Floats:
    n_top = max(1, round(0.01 * maps.shape[1]))
    means: Floats = np.partition(maps, -n_top, axis=1)[:, -n_top:].mean(axis=1)
    return means


POOLINGS: Mapping[str, Callable[[Floats], Floats]] = {
    "mean": lambda maps: maps.mean(axis=1),
    "max": lambda maps: maps.max(axis=1),
    "top-1%": _top_percent,
}
"""By name, functions of flattened maps (n, m) that return (n,) numbers, one for each sample."""


ROWS = 4096  # scored at once where places of samples are filled


@dataclass(kw_only=True)
class Localizer(Detector):
    """Base of the detectors that localize anomalies.

    A subclass writes `_localize` and declares in `localizes`, for each read-out with a map, how the
    map is pooled to a number that orders samples as the score does: a name of `POOLINGS`, or "" if
    no pooling does. The read-out of a detector without named ones is "". Planning reads the
    declaration from the source, so it is a literal.
    """

    localizes: ClassVar[Mapping[str, str]] = {}

    def localize(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """Return anomaly maps of samples; larger is more anomalous.

        They are (n, h, w) for images (n, c, h, w), at the resolution of the images, and (n, d) for
        vectors (n, d), all finite. The map of a sample does not depend on the other samples.

        Args:
            x: samples of the shape that was fitted.
            readout: one of `localizes`; by default the first of `readouts`.

        Raises:
            Unsupported: x is not finite, or has another shape or other columns than the training
                samples.
            ValueError: the read-out has no map, `fit` has not been called, or the map has another
                shape or is not finite.
        """
        name = next(iter(self.readouts), "") if readout is None else readout
        if name not in self.localizes:
            able = ", ".join(map(repr, self.localizes)) or "none"
            msg = f"{type(self).__name__} has no map for the read-out {name!r}; with maps: {able}"
            raise ValueError(msg)
        samples = self._like_training(x)
        given = as_numbers(self._localize(samples, name), f"{type(self).__name__} localized as")
        shape = np.shape(x)
        expected = shape if len(shape) != 4 else (len(samples), *shape[2:])
        if given.size == np.prod(shape) and given.shape[1:] in (shape[1:], samples.shape[1:]):
            given = given.reshape(shape)  # by feature
            if len(shape) == 4:
                given = given.max(1) if self.localizes[name] == "max" else given.mean(1)
        n_bad = int((~np.isfinite(given)).sum())
        if given.shape != expected or n_bad:
            msg = (
                f"{type(self).__name__} returned a map of shape {given.shape} with {n_bad} values "
                f"that are not finite; expected finite numbers of shape {expected}"
            )
            raise ValueError(msg)
        return given

    @abstractmethod
    def _localize(self, x: Floats, readout: str) -> Floats:
        """Return the map (n, h, w) of images x (n, c, h, w), or one number for each value of x.

        Numbers by value are averaged over the channels of an image; where the pooling is "max",
        the largest is taken.
        """


def falls(
    score: Callable[[Floats], Floats], x: Floats, filling: Floats, places: Sequence[Any]
) -> Floats:
    """Return by how much the scores of samples x (n, *shape) fall where places are filled, (n, k).

    Args:
        score: returns (n,) scores.
        x: samples.
        filling: (*shape) values in their place, such as the medians of the training samples.
        places: k indices of the last axes of x; each is filled alone.
    """
    n, at_once = len(x), max(1, ROWS // len(x))
    whole, found = score(x), []
    for first in range(0, len(places), at_once):
        some = places[first : first + at_once]
        filled = np.tile(x, (len(some), *[1] * (x.ndim - 1)))
        for k, place in enumerate(some):
            filled[k * n : (k + 1) * n, ..., place] = filling[..., place]
        found.append(whole - score(filled).reshape(-1, n))
    return np.concatenate(found).T


def places(n: int, side: int, step: int) -> list[int]:
    """Return where squares start along n pixels, a step apart; the last one ends at the edge."""
    return sorted({*range(0, max(1, n - side), step), max(0, n - side)})
