"""MNIST and its relatives, read from the files as they were published.

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

import numpy as np

from datasets.families.classes import split_by_class
from datasets.files import WrongData
from datasets.formats.arrays import read_npy
from datasets.record import Array, Card, DataSet, OfficialSplit

_UNSIGNED_BYTES = 8
_GZIP = b"\x1f\x8b"


def one_class(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return images (1, 28, 28) of all classes; one is normal, the other nine anomalous.

    Args:
        card: what the result has to be.
        paths: training images and labels, test images and labels, as idx files.
        normal: the class that is normal.
    """
    return _read(card, paths, {normal})


def leave_out(card: Card, paths: Sequence[Path], anomaly: int) -> DataSet:
    """Return images (1, 28, 28) of all classes; nine are normal, one is anomalous.

    As An and Cho, "Variational autoencoder based anomaly detection using reconstruction
    probability", SNU technical report, 2015. Arguments are those of `one_class`.
    """
    return _read(card, paths, set(range(10)) - {anomaly})


def corrupted(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return images (1, 28, 28) of MNIST-C: plain ones are normal, corrupted ones anomalous.

    Plain training images train; the plain and the corrupted test images test.

    Args:
        card: what the result has to be.
        paths: plain training images, plain and corrupted test images, (n, 28, 28, 1) as npy.
    """
    train, plain, corrupt = (_read_images(path) for path in paths)
    y = np.repeat([0, 0, 1], [len(train), len(plain), len(corrupt)])
    split = OfficialSplit(np.arange(len(train)), np.arange(len(train), len(y)))
    return DataSet(card, np.concatenate([train, plain, corrupt]), y, split)


def read_idx(path: Path) -> Array:
    """Return the unsigned bytes of an idx file, packed by gzip or not, in their shape.

    Raises:
        WrongData: it is no idx file of unsigned bytes, or not complete.
    """
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if content.startswith(_GZIP) else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is no complete gzip file: {error}; remove it and fetch it again"
        raise WrongData(msg) from error
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        msg = f"{path} is no idx file of unsigned bytes: it starts with {content[:4].hex()}"
        raise WrongData(msg)
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    shape = struct.unpack_from(f">{n_dimensions}I", content.ljust(start, b"\0"), 4)
    if len(content) != start + math.prod(shape):
        msg = f"{path} has {len(content)} bytes, and its head says {shape}; fetch it again"
        raise WrongData(msg)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read(card: Card, paths: Sequence[Path], normal: set[int]) -> DataSet:
    train, train_classes, test, test_classes = (read_idx(path) for path in paths)
    images = np.concatenate([train, test])[:, None]  # (n, 1, height, width)
    classes = np.concatenate([train_classes, test_classes])
    return split_by_class(card, images, classes, len(train), normal)


def _read_images(path: Path) -> Array:
    """Return images (n, height, width, 1) of an npy file as (n, 1, height, width)."""
    images = read_npy(path)
    if images.ndim != 4 or images.shape[-1] != 1:
        msg = f"{path} has shape {images.shape}; MNIST-C has (n, 28, 28, 1)"
        raise WrongData(msg)
    return images.transpose(0, 3, 1, 2)
