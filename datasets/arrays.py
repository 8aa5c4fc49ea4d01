"""Loaders of files that hold features X and labels y: numpy's npz and MATLAB's mat.

Types are kept as they are: casting to what a detector takes is the harness's part.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from datasets.files import WrongData
from datasets.record import Array, Card, DataSet

_BROKEN = (  # what numpy, scipy and h5py raise for files that a wrong byte has broken
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def npz(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return X and y of an npz file; see `read_npz`."""
    return DataSet(card, *features_and_labels(paths[0], read_npz(paths[0])))


def mat(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return X and y of a MATLAB file; see `read_mat`."""
    return DataSet(card, *features_and_labels(paths[0], read_mat(paths[0])))


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an npz file by name. Pickled objects are refused, not run.

    Raises:
        WrongData: it is no npz file, or holds pickled objects.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except _BROKEN as error:
        msg = f"{path} is no npz file of plain arrays: {_why(error)}"
        raise WrongData(msg) from error


def read_npy(path: Path) -> Array:
    """Return the array of an npy file. Pickled objects are refused, not run.

    Raises:
        WrongData: it is no npy file, or holds pickled objects.
    """
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except _BROKEN as error:
        msg = f"{path} is no npy file of plain numbers: {_why(error)}"
        raise WrongData(msg) from error


def read_mat(path: Path) -> dict[str, Array]:
    """Return the arrays of a MATLAB file by name; version 7.3 needs h5py.

    Raises:
        WrongData: it is no MATLAB file, or of version 7.3 without h5py.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return {
            name: value
            for name, value in loadmat(path).items()
            if not name.startswith("__") and isinstance(value, np.ndarray)
        }
    except NotImplementedError:  # scipy's word for version 7.3
        return _read_mat73(path)
    except (*_BROKEN, MatReadError) as error:
        msg = f"{path} is no complete MATLAB file: {error}"
        raise WrongData(msg) from error


def features_and_labels(path: Path, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return X (n, d) and y (n,) of a file's arrays.

    Raises:
        WrongData: X or y is not there, they are of another type, or do not fit together, or a
            label is NaN.
    """
    if not {"X", "y"} <= arrays.keys():
        found = ", ".join(sorted(arrays)) or "no array"
        msg = f"{path} has {found}; give X (n, d) and y (n,)"
        raise WrongData(msg)
    x, y = arrays["X"], arrays["y"]
    if x.ndim != 2 or y.size != len(x):
        msg = f"{path} has X of shape {x.shape} and y of shape {y.shape}; give (n, d) and (n,)"
        raise WrongData(msg)
    if x.dtype.kind not in "biuf" or y.dtype.kind not in "biufSU":
        msg = (
            f"{path} has X of type {x.dtype} and y of type {y.dtype}; give numbers, and labels as "
            "numbers or text, neither of them as a cell array"
        )
        raise WrongData(msg)
    if y.dtype.kind == "f" and np.isnan(y).any():
        msg = f"{path} has {np.isnan(y).sum()} labels in y that are NaN; leave these rows out"
        raise WrongData(msg)
    return x, y.reshape(-1)


def _why(error: Exception) -> str:
    return str(error).partition(" If you trust")[0]  # numpy offers what is not done here


def _read_mat73(path: Path) -> dict[str, Array]:
    """Return the numeric arrays of a MATLAB 7.3 file, which is HDF5 with axes reversed."""
    try:
        import h5py
    except ImportError as error:
        msg = (
            f"{path} is a MATLAB file of version 7.3, which h5py reads; run `pip install h5py`, "
            "or save it in MATLAB with -v7"
        )
        raise WrongData(msg) from error
    try:
        with h5py.File(path, "r") as file:
            stored: dict[str, Any] = {name: file[name] for name in file}
            return {
                name: np.asarray(value[()]).T
                for name, value in stored.items()
                if isinstance(value, h5py.Dataset) and value.dtype.kind in "biuf"
            }
    except _BROKEN as error:
        msg = f"{path} is no complete MATLAB file: {error}"
        raise WrongData(msg) from error
