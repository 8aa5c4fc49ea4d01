"""Arrays kept in the user's cache folder, so that what takes long is computed once for all runs.

They are known by a key, which says all that they were made of. A file ends with the digest of what
is before it, so that nothing is read that a writer did not finish, or that changed. Where arrays
cannot be kept or read there are none, without a message, and whoever wants them computes them.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from datasets.digests import cache_folder
from datasets.record import Array

MOST_BYTES = 2**33  # that are kept of a kind, and at most a fourth of what the disk has for them
SHARE = 20  # a writer looks at all files after each twentieth of the most
UNFINISHED = ".part"  # ends the name of a file that is being written
ABANDONED = 3600.0  # seconds after which nobody is writing it
DIGEST_BYTES = 16

_free: dict[Path, int] = {}  # bytes that may be written into a folder before it is looked at


@dataclass(frozen=True)
class Kept:
    """The arrays of one kind, such as images, in a folder of that name."""

    kind: str

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return cache_folder() / self.kind

    def sizes(self) -> dict[Path, int]:
        """Return the bytes of each kept file, those first that were not used for longest."""
        found = []
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                with contextlib.suppress(OSError):  # removed or finished in the meantime
                    known = path.stat()
                    found.append((known.st_mtime, path, known.st_size))
        return {path: size for _, path, size in sorted(found)}

    def get(self, key: str, parts: Sequence[str]) -> tuple[Array, ...] | None:
        """Return the arrays of a key, memory-mapped; None where one is missing or broken."""
        paths = [self._path(key, part) for part in parts]
        try:
            if not all(map(_is_whole, paths)):
                return None
            found = tuple(np.load(path, mmap_mode="r") for path in paths)
        except (OSError, ValueError):
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

        Several writers can exceed the most, each by a twentieth.
        """
        if n_bytes <= _free.get(self.folder, 0):
            _free[self.folder] -= n_bytes
            return True
        sizes = self.sizes()
        kept = sum(sizes.values())
        most = min(MOST_BYTES, (kept + shutil.disk_usage(self.folder).free) // 4)
        if n_bytes > most:
            return False
        for path, size in sizes.items():
            left = path.suffix == UNFINISHED and _is_abandoned(path)
            if left or kept + max(n_bytes, most // SHARE) > most:
                path.unlink(missing_ok=True)
                kept -= size
        _free[self.folder] = min(most // SHARE, most - kept) - n_bytes
        return True


def _is_abandoned(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - ABANDONED
    except OSError:
        return False


def _is_whole(path: Path) -> bool:
    """Return whether a file has the digest at its end that its content has.

    Raises:
        OSError: it cannot be read.
        ValueError: it is empty.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as seen,
    ):
        hashed = hashlib.blake2b(seen[:-DIGEST_BYTES], digest_size=DIGEST_BYTES)
        return hashed.digest() == bytes(seen[-DIGEST_BYTES:])


class _Hashing:
    """Writes to a file what it hashes, part by part: an array may be half of the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.hashed = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def write(self, part: bytes) -> int:
        self.hashed.update(part)
        return self.file.write(part)


def _write(path: Path, array: Array) -> None:
    descriptor, part = tempfile.mkstemp(UNFINISHED, path.stem, path.parent)
    try:
        with open(descriptor, "wb") as file:
            hashing = _Hashing(file)
            np.save(hashing, array)
            file.write(hashing.hashed.digest())
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


IMAGES, FEATURES = Kept("images"), Kept("features")
KINDS = {"decoded images": IMAGES, "features of pretrained networks": FEATURES}
"""All kinds, by what they are called."""
