"""SVHN with cropped digits, read from its published MATLAB files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.entry import File
from datasets.families.images.classes import ten_sets
from datasets.files import WrongData
from datasets.formats.arrays import read_mat
from datasets.record import Array, Card, DataSet, OfficialSplit


def one_class(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return images (3, 32, 32) of all digits; one is normal, the other nine anomalous.

    Args:
        card: of the data set.
        paths: the training and the test part.
        normal: the digit that is normal; the files call the digit 0 class 10.
    """
    parts = [_read(path) for path in paths]
    images = np.concatenate([images for images, _ in parts])
    y = np.concatenate([digits for _, digits in parts]) != normal
    return DataSet(card, images, y, OfficialSplit.at(len(parts[0][1]), y))


def _read(path: Path) -> tuple[Array, Array]:
    """Return (n, 3, 32, 32) images and (n,) digits of a file with X (32, 32, 3, n)."""
    arrays = read_mat(path)
    if not {"X", "y"} <= arrays.keys() or arrays["X"].ndim != 4:
        msg = f"{path} has no X (32, 32, 3, n) or no y (n, 1); fetch the cropped digits of SVHN"
        raise WrongData(msg)
    return arrays["X"].transpose(3, 2, 0, 1), arrays["y"].reshape(-1).astype(np.int64) % 10


_SITE = "http://ufldl.stanford.edu/housenumbers"
_FILES = (
    File(
        "svhn/train_32x32.mat",
        (f"{_SITE}/train_32x32.mat",),
        sha256="435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        n_bytes=182040794,
    ),
    File(
        "svhn/test_32x32.mat",
        (f"{_SITE}/test_32x32.mat",),
        sha256="cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        n_bytes=64275384,
    ),
)
_COUNTS = (6692, 18960, 14734, 11379, 9981, 9266, 7704, 7614, 6705, 6254)

ENTRIES = tuple(
    ten_sets(
        "svhn",
        _COUNTS,
        99289,
        (3, 32, 32),
        "crops include neighbouring digits: labels are noisy",
        source="http://ufldl.stanford.edu/housenumbers, cropped digits; https://research.google/pubs/pub37648",
        licence="for non-commercial use only",
        restricted=True,
        citation=(
            "Netzer, Wang, Coates, Bissacco, Wu and Ng, Reading digits in natural images with "
            "unsupervised feature learning, NIPS workshop, 2011 [netzer2011svhn]"
        ),
        loader="datasets.families.images.svhn:one_class",
        files=_FILES,
    )
)
