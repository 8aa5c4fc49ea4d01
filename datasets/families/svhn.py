"""SVHN with cropped digits, read from its MATLAB files as they were published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.families.classes import split_by_class
from datasets.files import WrongData
from datasets.formats.arrays import read_mat
from datasets.record import Array, Card, DataSet


def one_class(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return images (3, 32, 32) of all digits; one is normal, the other nine anomalous.

    Args:
        card: what the result has to be.
        paths: the training and the test part.
        normal: the digit that is normal; the files call the digit 0 class 10.
    """
    parts = [_read(path) for path in paths]
    images = np.concatenate([images for images, _ in parts])
    digits = np.concatenate([digits for _, digits in parts])
    return split_by_class(card, images, digits, len(parts[0][0]), {normal})


def _read(path: Path) -> tuple[Array, Array]:
    """Return (n, 3, 32, 32) images and (n,) digits of a file with X (32, 32, 3, n)."""
    arrays = read_mat(path)
    if not {"X", "y"} <= arrays.keys() or arrays["X"].ndim != 4:
        msg = f"{path} lacks X (32, 32, 3, n) or y (n, 1); fetch the cropped digits of SVHN"
        raise WrongData(msg)
    return arrays["X"].transpose(3, 2, 0, 1), arrays["y"].reshape(-1).astype(np.int64) % 10
