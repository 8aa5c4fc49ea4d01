"""Images of the user's own in the layout of MVTec AD, whose masks are checked besides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.families.images import mvtec
from datasets.families.images.mvtec import files_of_category, pictures
from datasets.files import WrongData, files_under
from datasets.formats.images import ENDINGS, Picture, own_mask
from datasets.record import Array, Card, DataSet

__all__ = ["category", "files_of_category", "pictures"]


def category(card: Card, paths: Sequence[Path], size: int, grey: bool, masks: bool) -> DataSet:
    """Return what `mvtec.category` does, if each mask marks a part of a defective image.

    Raises:
        WrongData: as there; or a mask is all black, or belongs to no image that is defective.
    """
    data = mvtec.category(card, paths, size, grey, masks)
    if data.masks is not None:
        _check(paths[0], data.masks)
    return data


def _check(folder: Path, shrunk: Array) -> None:
    """Check that a defective image has a mask that marks pixels, and no other image has one."""
    listed = pictures([folder], masks=True)[0]
    used = [picture.mask for picture in listed if picture.mask]
    others = [path for path in files_under(used[0].parents[1])
              if path not in used and path.suffix.lower() in ENDINGS]  # fmt: skip
    black = [mask for (_, mask), small in zip(listed, shrunk, strict=True)
             if mask and not small.any() and not _marks(mask)]  # fmt: skip
    spare = [mask for mask in others if _marks(mask)]
    found = []
    if black:
        found.append(f"{_counted(black)} all black, though its image is defective: draw the defect")
    if spare:
        those = "that of a defective image" if len(spare) == 1 else "those of defective images"
        found.append(f"{_counted(spare)} not {those}: an image has one mask")
    if found:
        msg = f"{folder}: {'; '.join(found)}; or write ?masks=no"
        raise WrongData(msg)


def _marks(mask: Path) -> bool:
    return bool(own_mask(Picture(mask, mask)).any())


def _counted(masks: Sequence[Path]) -> str:
    more = f" and {len(masks) - 1} more are" if len(masks) > 1 else " is"
    return f"{masks[0]}{more}"
