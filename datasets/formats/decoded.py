"""Decoded images, kept in the user's cache folder, so that photographs are decoded once.

They are known by the digests of their files and by the code that decodes them, not by names: copies
of files have the same, and a changed file has another. They are memory-mapped when they are read,
so that memory holds what is used, once for all processes. Where they cannot be kept or read, images
are decoded again.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from datasets.digests import cache_folder, digests
from datasets.formats.images import Picture
from datasets.record import Array

MOST_BYTES = 2**33  # that are kept, and at most a fourth of what the disk has for them
PARTS = ("images", "masks")
UNFINISHED = ".part"  # ends the name of a file that is being written
ABANDONED = 3600.0  # seconds after which nobody is writing it

Read = Callable[[Sequence[Picture], int, bool], tuple[Array, Array]]


def once(read: Read, pictures: Sequence[Picture], size: int, grey: bool) -> tuple[Array, Array]:
    """Return read(pictures, size, grey), read-only; `read` is called if its result is not kept."""
    key = _key(read, pictures, size, grey)
    found = _kept(key)
    if found is None:
        found = read(pictures, size, grey)
        if key and _key(read, pictures, size, grey) == key:  # no file changed in the meantime
            _keep(key, found)
            found = _kept(key) or found
    return found


def folder() -> Path:
    """Return the folder of decoded images."""
    return cache_folder() / "images"


def files() -> list[Path]:
    """Return the kept files, those that were not used for longest first."""
    with contextlib.suppress(OSError):
        found = [(path.stat().st_mtime, path) for path in folder().iterdir()]
        return [path for _, path in sorted(found)]
    return []


def _key(read: Read, pictures: Sequence[Picture], size: int, grey: bool) -> str:
    """Return what images are known by; "" if a file of them cannot be read."""
    import PIL

    try:
        known = iter(digests([path for picture in pictures for path in picture if path]))
    except OSError:
        return ""
    content = {
        "code": hashlib.sha256(Path(inspect.getfile(read)).read_bytes()).hexdigest(),
        "pillow": PIL.__version__,
        "files": [[next(known) if path else "" for path in picture] for picture in pictures],
        "size": size,
        "grey": grey,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _paths(key: str) -> Iterator[Path]:
    return (folder() / f"{key}-{part}.npy" for part in PARTS)


def _kept(key: str) -> tuple[Array, Array] | None:
    """Return kept images and masks, memory-mapped; None where either is missing or broken."""
    try:
        images, masks = (np.load(path, mmap_mode="r") for path in _paths(key))
    except (OSError, ValueError, EOFError):
        return None
    for path in _paths(key):
        with contextlib.suppress(OSError):
            os.utime(path)
    return images, masks


def _keep(key: str, arrays: tuple[Array, Array]) -> None:
    """Write images and masks, if there is room for them when others are removed."""
    n_bytes = sum(array.nbytes for array in arrays)
    with contextlib.suppress(OSError):
        folder().mkdir(parents=True, exist_ok=True)
        if _make_room(n_bytes):
            for path, array in zip(_paths(key), arrays, strict=True):
                _write(path, array)


def _make_room(n_bytes: int) -> bool:
    """Return whether there is room for so many bytes, after files not used for long are removed."""
    sizes = {path: path.stat().st_size for path in files()}
    kept = sum(sizes.values())
    most = min(MOST_BYTES, (kept + shutil.disk_usage(folder()).free) // 4)
    if n_bytes > most:
        return False
    for path, size in sizes.items():
        left = path.suffix == UNFINISHED and path.stat().st_mtime < time.time() - ABANDONED
        if left or kept + n_bytes > most:
            path.unlink(missing_ok=True)
            kept -= size
    return True


def _write(path: Path, array: Array) -> None:
    """Write an array, so that a file of that name is complete, whatever ends or stops this."""
    descriptor, part = tempfile.mkstemp(UNFINISHED, path.stem, path.parent)
    try:
        with open(descriptor, "wb") as file:
            np.save(file, array)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
