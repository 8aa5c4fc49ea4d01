"""Image files and masks as arrays. No file that may be an image is left out in silence.

A photograph is turned as its EXIF orientation says, as every viewer shows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from datasets.files import WrongData, files_under
from datasets.record import Array

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm"),
)
NOTES = (
    *(".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".toml", ".html", ".pdf"),
    *(".db", ".ini"),
)
"""Endings of files that may stand beside images and are none."""

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_SIXTEEN_BITS = re.compile(r";16[BLN]")  # in Pillow's names of how pixels are stored
_SEVERAL_PICTURES = "MPO"  # of a camera, whose first one is the photograph
_WHITE = 128  # the darkest grey that is nearer to white than to black
_SHOWN = 5  # sentences of a message
_THREADS = min(os.cpu_count() or 1, 8)  # each holds one image at its own size
_CLASSES = 3  # so many grey levels of a mask, besides black, may be classes of defects


def images_in(folder: Path) -> list[Path]:
    """Return the images directly in a folder, without hidden ones."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ENDINGS and path.name[0] != "." and path.is_file()
    )


def unread(folder: Path, places: Collection[Path], read: Collection[Path], where: str) -> list[str]:
    """Return a sentence if a file under a folder may be an image and is not read.

    Args:
        folder: of the data set.
        places: folders whose images are read. There, all but `NOTES` may be an image; elsewhere,
            what has the ending of one.
        read: the images that are read.
        where: the places in words.
    """
    known, left = set(read), []
    for path in files_under(folder):
        name, ending = path.relative_to(folder), path.suffix.lower()
        may_be_one = ending in ENDINGS or (path.parent in places and ending not in NOTES)
        if path not in known and may_be_one and not any(part[0] == "." for part in name.parts):
            left.append(name)
    if not left:
        return []
    return [
        f"{folder} has {len(left)} files that are not read, such as {left[0]}; images are read "
        f"directly in {where} ({' '.join(ENDINGS)}): move, convert or remove the others"
    ]


class Picture(NamedTuple):
    """The file of an image, and that of its mask, if it has one."""

    image: Path
    mask: Path | None


def own_mask(picture: Picture) -> Array:
    """Return the mask (height, width) of an image at its own resolution, 0 where it has none."""
    if picture.mask:
        return _marked(_open(picture.mask)).astype(np.uint8)
    return np.zeros(_open(picture.image).size[::-1], np.uint8)


def read_images(
    pictures: Sequence[Picture], size: int, grey: bool, wrong: Sequence[str] = ()
) -> tuple[Array, Array]:
    """Return images (n, channels, size, size) and masks (n, size, size), 0 where there is none.

    Images are resized with Lanczos' filter, and masks with the nearest pixel.

    Args:
        pictures: the images and their masks.
        size: height and width, in pixels.
        grey: whether to turn colours into grey.
        wrong: what is wrong with the data set so far, in sentences.

    Raises:
        WrongData: something is wrong so far, an image or a mask cannot be read, or a mask is of
            another size than its image; the message has all of it.
    """
    import PIL.Image

    x = np.empty((len(pictures), 1 if grey else 3, size, size), np.uint8)
    drawn = np.zeros((len(pictures), size, size), np.uint8)

    def read(i: int) -> str:
        try:
            x[i], drawn[i] = _read(*pictures[i], size, grey)
        except WrongData as error:
            return str(error)
        return ""

    PIL.Image.init()  # all formats: threads that add some at the same time would miss others
    with ThreadPoolExecutor(_THREADS) as pool:  # Pillow decodes and resizes without the lock
        sentences = [*wrong, *filter(None, pool.map(read, range(len(pictures))))]
    if more := len(sentences[_SHOWN:]):
        sentences[_SHOWN:] = [f"{more} more files are at fault"]
    if sentences:
        raise WrongData("; ".join(sentences))
    return x, drawn


def _read(path: Path, mask: Path | None, size: int, grey: bool) -> tuple[Array, Array]:
    """Return an image (channels, size, size) and its mask (size, size) of 0 and 1."""
    import PIL.Image
    from PIL.Image import Resampling

    opened = _open(path)
    shown = opened.convert("L" if grey else "RGB").resize((size, size), Resampling.LANCZOS)
    pixels = np.asarray(shown).reshape(size, size, -1).transpose(2, 0, 1)
    if mask is None:
        return pixels, np.zeros((size, size), np.uint8)
    drawn = _open(mask)
    if drawn.size != opened.size:
        sides = "{} x {}".format(*drawn.size), "{} x {}".format(*opened.size)
        _refuse(mask, f"is {sides[0]} pixels, its image {path.name} is {sides[1]}; resize the mask")
    marked = PIL.Image.fromarray(_marked(drawn).astype(np.uint8))
    return pixels, np.asarray(marked.resize((size, size), Resampling.NEAREST))


def _marked(mask: Image) -> Array:
    """Return (height, width) whether a mask marks a pixel: whether it is not black.

    Where dark and bright greys are too many to be classes of defects, they are the edges of a
    mask that was compressed or resized; then only what is nearer to white than to black is marked.
    """
    levels = np.asarray(mask.convert("RGB")).max(axis=2)
    known = np.unique(levels[levels > 0])
    blurred = len(known) > _CLASSES and known[0] < _WHITE <= known[-1]
    marked: Array = levels >= (_WHITE if blurred else 1)
    return marked


def _open(path: Path) -> Image:
    """Return an image that has been read to its end, turned as its EXIF orientation says."""
    import PIL.Image
    import PIL.ImageOps

    broken = (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError)
    try:
        with PIL.Image.open(path) as image:
            is_deep = bool(_SIXTEEN_BITS.search(str(image.tile)))  # of which Pillow drops 8
            image.load()
            several = getattr(image, "n_frames", 1) > 1 and image.format != _SEVERAL_PICTURES
            upright = PIL.ImageOps.exif_transpose(image)
    except broken as error:
        reason = str(error).replace(f" {str(path)!r}", "")
        _refuse(
            path,
            f"is not a complete image: {reason}; "
            "replace or remove it, or fetch a published set again",
        )
    if several:
        _refuse(path, "has several frames or pages; keep the one that counts")
    if is_deep or upright.mode not in _MODES:
        kind = "16 bits a channel" if is_deep else f"pixels of mode {upright.mode!r}"
        _refuse(path, f"has {kind}; convert it to 8 bits, grey or colour")
    if upright.has_transparency_data:
        least, _ = upright.convert("RGBA").getchannel("A").getextrema()
        if least != 255:
            _refuse(path, "has transparent pixels; flatten it on the background that counts")
    return upright


def _refuse(path: Path, reason: str) -> NoReturn:
    msg = f"{path} {reason}"
    raise WrongData(msg)
