"""Decoded images, kept in the user's cache folder, so that photographs are decoded once.

They are known by the digests of their files and by the code that decodes them, not by names: copies
of files have the same, and a changed file has another. They are memory-mapped when they are read,
so that memory holds what is used, once for all processes.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from datasets.digests import digests
from datasets.formats.images import Picture
from datasets.kept import IMAGES
from datasets.record import Array

PARTS = ("images", "masks")

Read = Callable[[Sequence[Picture], int, bool], tuple[Array, Array]]


def once(read: Read, pictures: Sequence[Picture], size: int, grey: bool) -> tuple[Array, Array]:
    """Return read(pictures, size, grey), read-only; `read` is called if its result is not kept."""
    key = _key(read, pictures, size, grey)
    found = IMAGES.get(key, PARTS)
    if found is None:
        found = read(pictures, size, grey)
        if key and _key(read, pictures, size, grey) == key:  # no file changed in the meantime
            IMAGES.put(key, dict(zip(PARTS, found, strict=True)))
            found = IMAGES.get(key, PARTS) or found
    images, masks = found
    return images, masks


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
