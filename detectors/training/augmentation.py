"""Symmetries of normal images: which of them a training image has is drawn each time it is seen.

A quarter turn or a mirror image moves pixels and changes no value. Which of them keep a normal
image normal is a fact of the data, which its card declares: a mirrored nut lies upside down, which
is a defect. Images are augmented so, as far as the object permits, in Bergmann, Fauser, Sattlegger
and Steger, "MVTec AD", CVPR 2019, doi:10.1109/CVPR.2019.00982.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from detectors.contract import Unsupported

if TYPE_CHECKING:
    from torch import Tensor  # whose import takes a second, and planning needs none

Augmentation = Literal[
    "horizontal-flip", "vertical-flip", "flips", "rotations", "flips-rotations", "declared"
]
DECLARED = "declared"  # by the card of the data set; a run puts its symmetries in this place


class Pose(NamedTuple):
    """Quarter turns of an image, and whether left and right then change places."""

    turns: int
    flipped: bool


_AS_IT_IS = Pose(0, flipped=False)
_HORIZONTAL, _VERTICAL = Pose(0, flipped=True), Pose(2, flipped=True)
_ROTATIONS = tuple(Pose(turns, flipped=False) for turns in range(4))
POSES: Mapping[str, tuple[Pose, ...]] = {
    "horizontal-flip": (_AS_IT_IS, _HORIZONTAL),
    "vertical-flip": (_AS_IT_IS, _VERTICAL),
    "flips": (_AS_IT_IS, _HORIZONTAL, _VERTICAL, Pose(2, flipped=False)),
    "rotations": _ROTATIONS,
    "flips-rotations": (*_ROTATIONS, *(Pose(turns, flipped=True) for turns in range(4))),
}


def check(augment: Augmentation, shape: tuple[int, ...]) -> None:
    """Check that samples of a shape can be augmented so.

    Raises:
        Unsupported: they are no images, or no square ones where they are turned.
    """
    if augment == DECLARED:
        msg = (
            "augment = 'declared' stands for the symmetries on the card of a data set, which a run "
            f"puts in its place; here, name them: {' or '.join(map(repr, POSES))}"
        )
        raise Unsupported(msg)
    if len(shape) != 3:
        msg = (
            f"augment = {augment!r} needs images (c, h, w); samples have the shape {shape}; leave "
            "it out"
        )
        raise Unsupported(msg)
    if shape[1] != shape[2] and any(pose.turns % 2 for pose in POSES[augment]):
        msg = (
            f"augment = {augment!r} needs square images; these are {shape[1]} x {shape[2]} pixels; "
            "take 'flips', or square patches with patch = 32"
        )
        raise Unsupported(msg)


def posed(x: Tensor, numbers: Tensor, augment: Augmentation) -> Tensor:
    """Return images (n, c, h, w), each in the pose of its number (n,) among those of `augment`."""
    turned = x.clone()
    for number, (turns, flipped) in enumerate(POSES[augment]):
        chosen = numbers == number
        rows = x[chosen].rot90(turns, (2, 3))
        turned[chosen] = rows.flip(3) if flipped else rows
    return turned
