"""Arrays kept in the user's cache folder, so that what takes long is made once for all runs.

They are known by a key, which says all that they were made of. A file of an array is complete,
whatever ends or stops its writer. Where arrays cannot be kept or read there are none, without a
message: they are made again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.digests import cache_folder
from datasets.record import Array

MOST_BYTES = 2**33  # that are kept of a kind, and at most a fourth of what the disk has for them
UNFINISHED = ".part"  # ends the name of a file that is being written
ABANDONED = 3600.0  # seconds after which nobody is writing it

_free: dict[Path, int] = {}  # bytes that may still be written into a folder


@dataclass(frozen=True)
class Kept:
    """The arrays of one kind, such as images, in a folder of that name."""

    kind: str

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return cache_folder() / self.kind

    def files(self) -> list[Path]:
        """Return the kept files, those that were not used for longest first."""
        with contextlib.suppress(OSError):
            found = [(path.stat().st_mtime, path) for path in self.folder.iterdir()]
            return [path for _, path in sorted(found)]
        return []

    def get(self, key: str, parts: Sequence[str]) -> tuple[Array, ...] | None:
        """Return the arrays of a key, memory-mapped; None where one is missing or broken."""
        paths = [self._path(key, part) for part in parts]
        try:
            found = tuple(np.load(path, mmap_mode="r") for path in paths)
        except (OSError, ValueError, EOFError):
            return None
        for path in paths:
            with contextlib.suppress(OSError):
                os.utime(path)
        return found

    def put(self, key: str, arrays: Mapping[str, Array]) -> None:
        """Write arrays by part, if there is room for them when others are removed."""
        n_bytes = sum(array.nbytes for array in arrays.values())
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._make_room(n_bytes):
                for part, array in arrays.items():
                    _write(self._path(key, part), array)

    def _path(self, key: str, part: str) -> Path:
        return self.folder / f"{key}-{part}.npy"

    def _make_room(self, n_bytes: int) -> bool:
        """Return whether there is room for so many bytes, after files long unused are removed.

        All files are looked at when what was found free the last time is used up, so that several
        writers can exceed the most together, each by a twentieth.
        """
        if n_bytes <= _free.get(self.folder, 0):
            _free[self.folder] -= n_bytes
            return True
        sizes = {path: path.stat().st_size for path in self.files()}
        kept = sum(sizes.values())
        most = min(MOST_BYTES, (kept + shutil.disk_usage(self.folder).free) // 4)
        if n_bytes > most:
            return False
        for path, size in sizes.items():
            left = path.suffix == UNFINISHED and path.stat().st_mtime < time.time() - ABANDONED
            if left or kept + max(n_bytes, most // 20) > most:
                path.unlink(missing_ok=True)
                kept -= size
        _free[self.folder] = most - kept - n_bytes
        return True


def _write(path: Path, array: Array) -> None:
    descriptor, part = tempfile.mkstemp(UNFINISHED, path.stem, path.parent)
    try:
        with open(descriptor, "wb") as file:
            np.save(file, array)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


IMAGES, FEATURES = Kept("images"), Kept("features")
KINDS = {"decoded images": IMAGES, "features of pretrained networks": FEATURES}
"""All kinds, by what they are called."""
