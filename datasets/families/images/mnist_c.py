"""MNIST-C: the test images of MNIST with 15 corruptions.

Mu and Gilmer, "MNIST-C: A robustness benchmark for computer vision", 2019, arXiv 1906.02337.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.entry import Archive, Entry, Facts, File
from datasets.files import WrongData
from datasets.formats.arrays import read_npy
from datasets.record import Array, Card, DataSet, OfficialSplit


def corrupted(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return images (1, 28, 28) of MNIST-C: plain ones are normal, corrupted ones anomalous.

    Plain training images train; the plain and the corrupted test images test.

    Args:
        card: of the data set.
        paths: plain training images, plain and corrupted test images, (n, 28, 28, 1) as npy.
    """
    train, plain, corrupt = (_read_images(path) for path in paths)
    y = np.repeat([0, 0, 1], [len(train), len(plain), len(corrupt)])
    x = np.concatenate([train, plain, corrupt])
    return DataSet(card, x, y, OfficialSplit.at(len(train), y))


def _read_images(path: Path) -> Array:
    """Return images (n, height, width, 1) of an npy file as (n, 1, height, width)."""
    images = read_npy(path)
    if images.ndim != 4 or images.shape[-1] != 1:
        msg = f"{path} has shape {images.shape}; MNIST-C has (n, 28, 28, 1)"
        raise WrongData(msg)
    return images.transpose(0, 3, 1, 2)


_ARCHIVE = Archive(
    File(
        "mnist_c.zip",
        ("https://zenodo.org/records/3239543/files/mnist_c.zip",),
        sha256="af9ee8c6a815870c7fdde5af84c7bf8db0bcfa1f41056db83871037fba70e493",
        n_bytes=246661575,
    ),
    into=".",
)
_CORRUPTIONS = (
    *("brightness", "canny_edges", "dotted_line", "fog", "glass_blur", "impulse_noise"),
    *("motion_blur", "rotate", "scale", "shear", "shot_noise", "spatter", "stripe"),
    *("translate", "zigzag"),
)


def _corruption(corruption: str) -> Entry:
    names = ("identity/train_images", "identity/test_images", f"{corruption}/test_images")
    return Entry(
        name=f"mnist-c/{corruption}",
        kind="image",
        family="mnist",
        source="MNIST-C, doi:10.5281/zenodo.3239543",
        licence="CC BY 4.0",
        citation=(
            "Mu and Gilmer, MNIST-C: A robustness benchmark, 2019, arXiv:1906.02337 [mu2019mnistc]"
        ),
        loader="datasets.families.images.mnist_c:corrupted",
        known_issues=(
            "official split: the plain version of each corrupted test image is among the "
            "test normals",
            "the sets share their normals with each other and with mnist: one family",
        ),
        has_official_split=True,
        files=tuple(File(f"mnist_c/{name}.npy") for name in names),
        archives=(_ARCHIVE,),
        facts=Facts(80000, (1, 28, 28), 10000),
    )


ENTRIES = tuple(_corruption(corruption) for corruption in _CORRUPTIONS)
