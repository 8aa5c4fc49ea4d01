"""Whether normal images stay like other normal images when they are mirrored or turned."""

from __future__ import annotations

import numpy as np

from datasets.record import Array, DataSet

SIDE = 32  # pixels, to which images are averaged: light and outlines remain, and noise does not
MOST = 400  # images
LEAST = 40
EXPECTED = 0.05  # the share of images as they are that counts as unlike


def unlike_others(data: DataSet) -> dict[str, float]:
    """Return which share of normal images is unlike the others once it is mirrored or turned.

    Every second normal image has a distance to the nearest one of the rest, and is unlike them
    beyond the distance that 5 % have as they are. A share far above .05 says that the symmetry is
    none of these photographs, whatever the product's: light comes from one side, or a camera is
    not level. Labels of anomalies are not used where there is an official split.

    Args:
        data: images; at most 400 of the training part, or of the normal ones, are compared.

    Returns:
        Shares by what is done to the images, without turns of images that are not square; empty for
        fewer than 40 images.
    """
    rows = np.flatnonzero(data.y == 0) if data.split is None else data.split.train
    if data.x.ndim != 4 or len(rows) < LEAST:
        return {}
    small = _shrunk(data.x[rows[:: -(-len(rows) // MOST)]])
    others, images = small[::2], small[1::2]
    limit = np.quantile(_nearest(images, others), 1 - EXPECTED)
    changed = {
        "horizontal-flip": images[:, :, ::-1],
        "vertical-flip": images[:, ::-1],
        "half turn": images[:, ::-1, ::-1],
    }
    if data.x.shape[2] == data.x.shape[3]:
        changed["quarter turn"] = np.rot90(images, axes=(1, 2))
    return {name: float((_nearest(x, others) > limit).mean()) for name, x in changed.items()}


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
