"""Labelled images of which one class, or several, is normal: their records and their entries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from datasets.entry import Entry, Facts
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

TEN = "the ten sets share their images: they count as one family, not as ten data sets"
_PREVALENCE = "about 90 % of the official test part is anomalous: AP starts at that prevalence"


def split_by_class(
    card: Card, images: Array, classes: Array, n_train: int, normal: Collection[int]
) -> DataSet:
    """Return images with the official split: normals of the training part, the whole test part.

    Args:
        card: what the result has to be.
        images: (n, channels, height, width), the training part first.
        classes: (n,) integers.
        n_train: number of images in the training part.
        normal: classes that are normal.

    Raises:
        WrongData: images and classes do not fit together.
    """
    if len(images) != len(classes):
        msg = f"{card.name}: {len(images)} images and {len(classes)} labels; fetch the files again"
        raise WrongData(msg)
    y = ~np.isin(classes, list(normal))
    split = OfficialSplit(np.flatnonzero(~y[:n_train]), np.arange(n_train, len(y)))
    return DataSet(card, images, y, split)


def ten_sets(
    family: str,
    n_normals: Sequence[int],
    n: int,
    shape: tuple[int, ...],
    *further: str,
    duplicates: int | None = None,
    **known: Any,
) -> Iterator[Entry]:
    """Yield an entry for each class of a family of images as the normal one.

    Args:
        family: its name, before the class in the names of the sets.
        n_normals: number of images of each class.
        n: number of images.
        shape: of an image.
        further: issues besides those of all such sets.
        duplicates: number of images that equal an earlier one; None if not counted.
        known: other fields of the entries.
    """
    for normal, count in enumerate(n_normals):
        yield Entry(
            name=f"{family}/{normal}",
            kind="image",
            family=family,
            traps=(TEN, _PREVALENCE, *further),
            has_official_split=True,
            options={"normal": normal},
            facts=Facts(n, shape, n - count, duplicates),
            **known,
        )
