"""Records out of labelled images: one or several classes are normal, the others anomalous."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit


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
