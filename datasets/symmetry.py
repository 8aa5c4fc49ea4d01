"""Whether normal images stay like other normal images when they are mirrored or turned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from datasets.record import Array, DataSet

SIDE = 32  # pixels, to which images are averaged: outlines and light remain, noise does not
MOST = 400  # images
LEAST = 40
PART = 20  # images that are averaged together, which limits the memory
EXPECTED = 0.05  # the share of images as they are that counts as unlike
QUARTER = "quarter turn"
CHANGES: dict[str, Callable[[Array], Array]] = {
    "no change": lambda images: images,
    "horizontal-flip": lambda images: images[:, :, ::-1],
    "vertical-flip": lambda images: images[:, ::-1],
    "half turn": lambda images: images[:, ::-1, ::-1],
    QUARTER: lambda images: np.rot90(images, axes=(1, 2)),
}


def unlike_others(data: DataSet) -> dict[str, float]:
    """Return which share of normal images is unlike the others once it is mirrored or turned.

    Each half of the normal images, drawn at random, has distances to the nearest of the other half,
    and is unlike them beyond the distance that 5 % have as they are. A share far above .05 says
    that the symmetry is none of these photographs, whatever the product's: light comes from one
    side, or a camera is not level. Labels of anomalies are not used where there is an official
    split. Of images that are nearly copies of each other, such as those of a film, it says little.

    Args:
        data: images; at most 400 of the training part, or of the normal ones, are compared.

    Returns:
        Shares by what is done to the images, without turns of images that are not square; empty for
        fewer than 40 images.
    """
    rows = np.flatnonzero(data.y == 0) if data.split is None else data.split.train
    if data.x.ndim != 4 or len(rows) < LEAST:
        return {}
    drawn = np.random.default_rng(0).permutation(rows)[:MOST]
    parts = np.array_split(drawn, len(drawn) // PART)
    halves = np.array_split(np.concatenate([_shrunk(data.x[part]) for part in parts]), 2)
    is_square = data.x.shape[2] == data.x.shape[3]
    changes = {name: change for name, change in CHANGES.items() if is_square or name != QUARTER}
    unlike: dict[str, list[Array]] = {name: [] for name in changes}
    for images, others in (halves, halves[::-1]):
        limit = np.quantile(_nearest(images, others), 1 - EXPECTED)
        for name, change in changes.items():
            unlike[name].append(_nearest(change(images), others) > limit)
    return {name: float(np.concatenate(found).mean()) for name, found in unlike.items()}


def _shrunk(images: Array) -> Array:
    """Return grey images (n, h, w) of means over blocks of pixels, with sides of at most 63."""
    height, width = (max(1, side // SIDE) for side in images.shape[2:])
    rows, columns = images.shape[2] // height, images.shape[3] // width
    grey = images[:, :, : rows * height, : columns * width].mean(axis=1, dtype=np.float64)
    return np.asarray(grey.reshape(len(images), rows, height, columns, width).mean(axis=(2, 4)))


def _nearest(images: Array, others: Array) -> Array:
    """Return the distances (n,) of images to the nearest of others."""
    from scipy.spatial.distance import cdist

    distances = cdist(images.reshape(len(images), -1), others.reshape(len(others), -1))
    return np.asarray(distances.min(axis=1))
