"""CIFAR-10, read from its archive for Python as it was published.

The archive holds pickles, which can run any code when they are read. Here they may only hold
arrays, lists, dictionaries, numbers and strings.
"""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.entry import File
from datasets.families.images.classes import ten_sets
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

BATCHES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
_FOLDER = "cifar-10-batches-py"
_SHAPE = (3, 32, 32)
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Arrays(pickle.Unpickler):
    """Reads pickles of arrays and refuses any other object."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            msg = f"it names {module}.{name}, which no array needs"
            raise pickle.UnpicklingError(msg)
        return _ALLOWED[module, name]


def one_class(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return images (3, 32, 32) of all classes; one is normal, the other nine anomalous.

    Args:
        card: of the data set.
        paths: the archive.
        normal: the class that is normal.
    """
    batches = _read_batches(paths[0])
    images = np.concatenate([images for images, _ in batches])
    classes = np.concatenate([classes for _, classes in batches])
    y = classes != normal
    return DataSet(card, images, y, OfficialSplit.at(len(y) - len(batches[-1][1]), y))


def _read_batches(path: Path) -> list[tuple[Array, Array]]:
    """Return (n, 3, 32, 32) images and (n,) classes of each batch, the test batch last."""
    found: dict[str, tuple[Array, Array]] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                if folder == _FOLDER and name in BATCHES and member.isfile():
                    opened = archive.extractfile(member)
                    found[name] = _read_batch(path, name, opened.read() if opened else b"")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        msg = f"{path} is not a complete archive: {error}; remove it and fetch it again"
        raise WrongData(msg) from error
    if missing := [name for name in BATCHES if name not in found]:
        msg = f"{path} has no {', '.join(missing)}; fetch the version of CIFAR-10 for Python"
        raise WrongData(msg)
    return [found[name] for name in BATCHES]


def _read_batch(path: Path, name: str, content: bytes) -> tuple[Array, Array]:
    try:
        batch = _Arrays(io.BytesIO(content), encoding="bytes").load()
        images = np.asarray(batch[b"data"]).reshape(-1, *_SHAPE)
        classes = np.asarray(batch[b"labels"], dtype=np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, IndexError) as error:
        msg = f"{name} in {path} is not a batch of CIFAR-10: {error}"
        raise WrongData(msg) from error
    return images, classes


_FILE = File(
    "cifar10/cifar-10-python.tar.gz",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/cifar-10-python.tar.gz",
    ),
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    n_bytes=170498071,
)

ENTRIES = tuple(
    ten_sets(
        "cifar10",
        [6000] * 10,
        60000,
        _SHAPE,
        "the background colour separates some classes, such as ships and frogs",
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated; to be cited",
        citation=(
            "Krizhevsky, Learning multiple layers of features from tiny images, 2009 "
            "[krizhevsky2009cifar]"
        ),
        loader="datasets.families.images.cifar:one_class",
        files=(_FILE,),
        symmetries="horizontal-flip",
    )
)
