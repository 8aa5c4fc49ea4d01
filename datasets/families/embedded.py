"""Loaders of real data that ships with scikit-learn, so that it needs no network.

The files are read directly: their content is pinned by the sha256 on the card, and reading them
takes milliseconds where importing scikit-learn takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from datasets.record import Array, Card, DataSet


def breast_cancer(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return WDBC: 30 measures of cell nuclei, benign normal and malignant anomalous."""
    x, target = read_table("breast_cancer.csv", header=True)
    return DataSet(card, x, target == 0)


def digits(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return 8x8 images of digits as vectors; one class is normal, the other nine anomalous."""
    x, target = read_table("digits.csv.gz")
    return DataSet(card, x, target != normal)


def wine(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return 13 measures of wines; the first of three cultivars is anomalous."""
    x, target = read_table("wine_data.csv", header=True)
    return DataSet(card, x, target == 0)


def read_table(file: str, *, header: bool = False) -> tuple[Array, Array]:
    """Read one of scikit-learn's data files: numbers, the class in the last column.

    Args:
        file: its name within `sklearn/datasets/data`.
        header: whether its first line is not data.

    Returns:
        (n, d) float64 features and (n,) int64 classes.

    Raises:
        FileNotFoundError: scikit-learn, or this file of it, is not installed.
    """
    package = find_spec("sklearn")
    roots = package.submodule_search_locations if package else None
    path = Path(roots[0] if roots else "sklearn", "datasets", "data", file)
    if not path.is_file():
        msg = f"{path} is not there; it comes with scikit-learn, so reinstall scikit-learn"
        raise FileNotFoundError(msg)
    table = np.loadtxt(path, delimiter=",", skiprows=int(header))
    return table[:, :-1], table[:, -1].astype(np.int64)
