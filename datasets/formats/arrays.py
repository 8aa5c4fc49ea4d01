"""Files that hold features X and labels y: numpy's npz and MATLAB's mat.

Types are kept: the harness casts values to what a detector takes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from tokenize import TokenError

import numpy as np

from datasets.files import WrongData
from datasets.formats import matlab
from datasets.record import Array

_BROKEN = (  # what numpy raises for files with a wrong byte
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
_OF_DAMAGE = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an npz file by name. Pickled objects are refused, not run.

    Raises:
        WrongData: it is not an npz file, or holds pickled objects.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except _BROKEN as error:
        msg = f"{path} is not an npz file of plain arrays: {_why(error)}"
        raise WrongData(msg) from error


def read_some(path: Path, names: Collection[str]) -> dict[str, Array | None]:
    """Return arrays of an npz file, None for other names; of objects, an empty array of them.

    Raises:
        WrongData: it is not an npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: _plain(stored, name) if name in names else None for name in stored.files}
    except _BROKEN as error:
        msg = f"{path} is not an npz file of plain arrays: {_why(error)}"
        raise WrongData(msg) from error


def _plain(stored: Mapping[str, Array], name: str) -> Array:
    try:
        return stored[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        return np.empty(0, object)


def read_npy(path: Path) -> Array:
    """Return the array of an npy file. Pickled objects are refused, not run.

    Raises:
        WrongData: it is not an npy file, or holds pickled objects.
    """
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except _BROKEN as error:
        msg = f"{path} is not an npy file of plain numbers: {_why(error)}"
        raise WrongData(msg) from error


def read_mat(path: Path) -> dict[str, Array]:
    """Return the arrays of a MATLAB file by name; version 7.3 needs h5py.

    A child process reads it, since a wrong byte can crash scipy; this takes half a second more.

    Raises:
        OSError: the child failed for a reason that is not in the file.
        WrongData: it is not a MATLAB file, or of version 7.3 without h5py.
    """
    with tempfile.TemporaryFile() as file:
        done = subprocess.run(
            [sys.executable, "-P", matlab.__file__, path],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each takes limited memory
            check=False,
        )
        reason = done.stderr.decode(errors="replace").strip()
        if done.returncode == matlab.REFUSED:
            msg = f"{path} {reason}"
            raise WrongData(msg)
        if -done.returncode in _OF_DAMAGE:
            died = signal.Signals(-done.returncode).name
            msg = (
                f"{path} is not a complete MATLAB file: its reader crashed ({died}); get it "
                "again, or give X and y as an npz file"
            )
            raise WrongData(msg)
        if done.returncode:
            why = reason.rpartition("\n")[2] or f"its reader ended with {done.returncode}"
            msg = f"cannot read {path}: {why}"
            raise OSError(msg)
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            names, *arrays = (stored[name] for name in stored.files)
    cells = (np.empty(a.shape, object) if a.dtype.kind == "V" else a for a in arrays)
    return dict(zip(names.tolist(), cells, strict=True))


def features_and_labels(path: Path, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return X (n, d) and y (n,) of a file's arrays.

    Raises:
        WrongData: X or y is missing, of another type, or does not fit the other, or a label is
            NaN.
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
        msg = f"{path} has {np.isnan(y).sum()} labels in y that are NaN; remove these rows"
        raise WrongData(msg)
    return x, y.reshape(-1)


def _why(error: Exception) -> str:
    return str(error).partition(" If you trust")[0]  # numpy's advice to allow pickles
