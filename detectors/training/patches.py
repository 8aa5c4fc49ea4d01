"""Overlapping patches of images, and how what is read of patches is joined to that of an image.

Textures are cut into patches, and maps averaged where patches overlap, in Bergmann, Fauser,
Sattlegger and Steger, "MVTec AD", CVPR 2019, doi:10.1109/CVPR.2019.00982.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType

import numpy as np

from detectors.contract import Floats
from detectors.localisation import places


def cut(x: Floats, side: int) -> Floats:
    """Return the square patches (n * L, c, side, side) of images (n, c, h, w), image by image.

    They are half a side apart, and the last ones end at the edges.
    """
    patches = np.stack([x[square] for square in _squares(x.shape[2:], side)], axis=1)
    return patches.reshape(-1, *patches.shape[2:])


def join(read: Floats, n: int, sides: tuple[int, ...], side: int) -> Floats:
    """Return what was read of the patches (n * L, ...) of n images for the images (n, ...).

    Maps (..., side, side) are stitched, with means where patches overlap; of anything else it is
    the mean over an image's patches.
    """
    parts = read.reshape(n, -1, *read.shape[1:])
    if parts.shape[2:][-2:] != (side, side):
        means: Floats = parts.mean(axis=1)
        return means
    total = np.zeros((n, *parts.shape[2:-2], *sides))
    covering = np.zeros(sides)
    for k, square in enumerate(_squares(sides, side)):
        total[square] += parts[:, k]
        covering[square] += 1
    return total / covering


def _squares(sides: tuple[int, ...], side: int) -> Iterator[tuple[EllipsisType, slice, slice]]:
    rows, columns = (places(each, side, max(1, side // 2)) for each in sides)
    for row in rows:
        for column in columns:
            yield ..., slice(row, row + side), slice(column, column + side)
