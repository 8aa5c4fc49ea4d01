"""Shares in a score as text, and as images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEEN = 256  # pixels of the longer side, from which on a picture is not enlarged
RED = np.array([220.0, 30.0, 30.0])
Floats = NDArray[np.float64]


def named_shares(names: Sequence[str], shares: Floats) -> list[list[str]]:
    """Return for each sample the names with a positive share, in percent, the largest first.

    Args:
        names: (k) of columns or of squares of pixels.
        shares: (n, k).
    """
    positive = np.maximum(shares, 0)
    parts = positive / np.maximum(positive.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    orders = np.argsort(-parts, axis=1, kind="stable")
    return [
        [f"{names[j]} {part[j]:.0%}" for j in order if part[j] > 0]
        for part, order in zip(parts, orders, strict=True)
    ]


def square_name(mask: NDArray[np.bool_]) -> str:
    """Return where a square (height, width) is, in pixels from the upper left corner."""
    y, x = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return f"x {x[0]}-{x[-1]} y {y[0]}-{y[-1]}"


def write_overlays(
    folder: Path, names: Sequence[str], images: NDArray[np.uint8], shares: Floats
) -> list[Path]:
    """Write each image in grey, and in red where its score is made; return the files.

    Small images are enlarged, with a square for each pixel.

    Args:
        folder: is created.
        names: of the images, which name the files.
        images: (n, channels, height, width), 0 to 255.
        shares: (n, height, width), larger for more of the score.

    Raises:
        FileExistsError: a file of that name is there.
    """
    import PIL.Image

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, image, share in zip(names, images, shares, strict=True):
        strength = 0.7 * np.clip(share / max(share.max(), np.finfo(float).tiny), 0, 1)[..., None]
        grey = image.astype(np.float64).mean(axis=0)[..., None]
        path = folder / f"{name.replace('/', '-')}-map.png"
        with path.open("xb") as file:
            drawn = (1 - strength) * grey + strength * RED
            square = np.ones((max(1, SEEN // max(share.shape)),) * 2 + (1,), np.uint8)
            PIL.Image.fromarray(np.kron(drawn.astype(np.uint8), square)).save(file, "PNG")
        paths.append(path)
    return paths
