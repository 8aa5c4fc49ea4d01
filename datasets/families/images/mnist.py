"""MNIST and Fashion-MNIST, read from the published idx files.

The idx format, from the page of the data set: two zero bytes, a type code (8 for unsigned bytes),
the number of dimensions, each size as a big-endian 32-bit integer, then the values.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.entry import Entry, Facts, File
from datasets.families.images.classes import TEN, ten_sets
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

_UNSIGNED_BYTES = 8
_SHAPE = (1, 28, 28)
_GZIP = b"\x1f\x8b"


def one_class(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return images (1, 28, 28) of all classes; one is normal, the other nine anomalous.

    Args:
        card: of the data set.
        paths: training images and labels, test images and labels, as idx files.
        normal: the class that is normal.
    """
    images, classes, n_train = _read(paths)
    y = classes != normal
    return DataSet(card, images, y, OfficialSplit.at(n_train, y))


def leave_out(card: Card, paths: Sequence[Path], anomaly: int) -> DataSet:
    """Return images (1, 28, 28) of all classes; nine are normal, one is anomalous.

    As An and Cho, "Variational autoencoder based anomaly detection using reconstruction
    probability", SNU technical report, 2015. Arguments are those of `one_class`.
    """
    images, classes, n_train = _read(paths)
    y = classes == anomaly
    return DataSet(card, images, y, OfficialSplit.at(n_train, y))


def read_idx(path: Path) -> Array:
    """Return the unsigned bytes of an idx file, packed by gzip or not, in their shape.

    Raises:
        WrongData: it is not a complete idx file of unsigned bytes.
    """
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if content.startswith(_GZIP) else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is not a complete gzip file: {error}; remove it and fetch it again"
        raise WrongData(msg) from error
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        msg = f"{path} is not an idx file of unsigned bytes: it starts with {content[:4].hex()}"
        raise WrongData(msg)
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    shape = struct.unpack_from(f">{n_dimensions}I", content.ljust(start, b"\0"), 4)
    if len(content) != start + math.prod(shape):
        msg = f"{path} has {len(content)} bytes, but the shape {shape}; fetch it again"
        raise WrongData(msg)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read(paths: Sequence[Path]) -> tuple[Array, Array, int]:
    """Return (n, 1, height, width) images, (n,) classes and the number of training images."""
    train, train_classes, test, test_classes = (read_idx(path) for path in paths)
    images = np.concatenate([train, test])[:, None]
    return images, np.concatenate([train_classes, test_classes]), len(train_classes)


_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
_MNIST_UNPACKED = {
    "train-images-idx3": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_MNIST_FILES = tuple(
    File(
        f"mnist/{name}-ubyte.gz",
        tuple(f"{mirror}/{name}-ubyte.gz" for mirror in _MNIST_MIRRORS),
        unpacked_sha256=digest,
    )
    for name, digest in _MNIST_UNPACKED.items()
)
_MNIST_COUNTS = (6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958)
_MNIST: dict[str, Any] = {
    "source": "LeCun, Cortes and Burges, https://yann.lecun.com/exdb/mnist",
    "licence": "CC BY-SA 3.0",
    "citation": (
        "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document "
        "recognition, Proceedings of the IEEE 86(11), 1998, doi:10.1109/5.726791 [lecun1998mnist]"
    ),
    "files": _MNIST_FILES,
}

_FASHION_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
_FASHION_PINS = (
    (
        "train-images-idx3-ubyte.gz",
        26421880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    (
        "train-labels-idx1-ubyte.gz",
        29515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    (
        "t10k-images-idx3-ubyte.gz",
        4422102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    (
        "t10k-labels-idx1-ubyte.gz",
        5148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
_FASHION_FILES = tuple(
    File(
        f"fashion-mnist/{name}",
        tuple(f"{mirror}/{name}" for mirror in _FASHION_MIRRORS),
        sha256=digest,
        n_bytes=size,
    )
    for name, size, digest in _FASHION_PINS
)


def _left_out(anomaly: int, n_anomalies: int) -> Entry:
    return Entry(
        name=f"mnist-not/{anomaly}",
        kind="image",
        family="mnist",
        loader="datasets.families.images.mnist:leave_out",
        known_issues=(
            TEN,
            "the digit 1 is simpler than the others: reconstruction errors rank it as normal",
            "An and Cho split at random and trained on all rows but those of one digit",
        ),
        has_official_split=True,
        options={"anomaly": anomaly},
        facts=Facts(70000, _SHAPE, n_anomalies, 0),
        **_MNIST,
    )


ENTRIES = (
    *ten_sets(
        "mnist",
        _MNIST_COUNTS,
        70000,
        _SHAPE,
        duplicates=0,
        loader="datasets.families.images.mnist:one_class",
        **_MNIST,
    ),
    *(_left_out(k, count) for k, count in enumerate(_MNIST_COUNTS)),
    *ten_sets(
        "fashion-mnist",
        [7000] * 10,
        70000,
        _SHAPE,
        "shirts, pullovers and coats are hard to distinguish",
        source="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        citation=(
            "Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747 [xiao2017fashionmnist]"
        ),
        loader="datasets.families.images.mnist:one_class",
        files=_FASHION_FILES,
    ),
)
