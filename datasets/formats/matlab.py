"""A program that writes the arrays of a MATLAB file to standard output, as numpy's npz.

`arrays.read_mat` runs it, since a wrong byte can crash scipy or make it allocate without end. The
npz has the `names`, then the arrays in turn; cells and structures, which hold objects, come as
void. If the file is at fault, it exits with REFUSED and writes the reason to standard error.
Version 7.3 needs h5py.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

REFUSED = 3
_MEMORY = 2 << 30  # bytes of address space for any file
_EXPANSION = 100  # further bytes for each byte of the file: packed numbers expand


def main(path: Path) -> None:
    """Write the arrays of a file, or exit with REFUSED."""
    import scipy.io  # noqa: F401  an error here is not due to the file

    most = _MEMORY + _EXPANSION * path.stat().st_size
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    with suppress(OSError, ValueError):  # a system without that limit, or with a lower one
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        arrays = _read(path)
    except MemoryError:
        _refuse("is not a complete MATLAB file: it needs more memory than its size explains")
    except Exception as error:  # of a wrong byte scipy and h5py raise almost anything
        _refuse(f"is not a complete MATLAB file: {error}")
    plain = [np.zeros(a.shape, "V1") if a.dtype.hasobject else a for a in arrays.values()]
    np.savez(sys.stdout.buffer, *plain, names=np.array(list(arrays), dtype=str))


def _read(path: Path) -> dict[str, Any]:
    """Return the arrays of a MATLAB file by name."""
    from scipy.io import loadmat

    try:
        stored = loadmat(path)
    except NotImplementedError:  # what scipy raises for version 7.3
        return _read_version_73(path)
    return {
        name: value
        for name, value in stored.items()
        if not name.startswith("__") and isinstance(value, np.ndarray)
    }


def _read_version_73(path: Path) -> dict[str, Any]:
    """Return the numeric arrays of a MATLAB 7.3 file, which is HDF5 with axes reversed."""
    try:
        import h5py
    except ImportError:
        _refuse(
            "is a MATLAB file of version 7.3, which h5py reads; run `pip install h5py`, or save "
            "it in MATLAB with -v7"
        )
    with h5py.File(path, "r") as file:
        stored: dict[str, Any] = {name: file[name] for name in file}
        return {
            name: np.asarray(value[()]).T
            for name, value in stored.items()
            if isinstance(value, h5py.Dataset) and value.dtype.kind in "biuf"
        }


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(reason)
    sys.exit(REFUSED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
