"""Normal images as cameras show them: brighter, out of focus, noisy, turned, moved.

A detector that is used with a fixed threshold has to be quiet on such images. Each kind of shift
has severities 1 to 3, chosen so that a person still calls the object normal; the content is the
same on every machine. The kinds are among those of Hendrycks and Dietterich, "Benchmarking neural
network robustness to common corruptions and perturbations", ICLR 2019, arXiv:1903.12261, which are
stronger.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from datasets.entry import Entry, Facts
from datasets.record import Array, Card, DataSet, OfficialSplit

# Every third training image is held out: 20 of the smallest category, enough for an alarm rate of
# 0.05.
HELD_OUT = 3

Shift = Callable[[Array, float], Array]


def _brightness(image: Array, levels: float) -> Array:
    return image.astype(np.float64) + levels


def _blur(image: Array, share: float) -> Array:
    from scipy.ndimage import gaussian_filter

    width = share * min(image.shape[1:])
    return np.asarray(gaussian_filter(image.astype(np.float64), (0, width, width), mode="nearest"))


def _noise(image: Array, levels: float) -> Array:
    drawn = np.random.RandomState(zlib.crc32(image.tobytes())).standard_normal(image.shape)
    return np.asarray(image + levels * drawn)


def _rotation(image: Array, degrees: float) -> Array:
    from scipy.ndimage import rotate

    return np.asarray(
        rotate(image.astype(np.float64), degrees, (1, 2), reshape=False, order=1, mode="nearest")
    )


def _translation(image: Array, share: float) -> Array:
    step = max(1, round(share * min(image.shape[1:])))
    padded = np.pad(image, ((0, 0), (step, 0), (step, 0)), mode="edge")
    return padded[:, : image.shape[1], : image.shape[2]]


# By kind: the shift and its amount at severities 1, 2 and 3. Grey levels are of 255, blur (standard
# deviation) and translation (down and to the right) are shares of the shorter side.
SHIFTS: dict[str, tuple[Shift, tuple[float, float, float]]] = {
    "brightness": (_brightness, (8, 16, 32)),
    "blur": (_blur, (0.004, 0.008, 0.016)),
    "noise": (_noise, (4, 8, 16)),
    "rotation": (_rotation, (2, 5, 10)),
    "translation": (_translation, (0.02, 0.05, 0.1)),
}
SEVERITIES = (1, 2, 3)
TRAIN, HELD, PLAIN = "training", "held-out", "as photographed"
DEFECTIVE = "defective"
GROUPS = (
    *(TRAIN, HELD, DEFECTIVE, PLAIN),
    *(f"{kind} {severity}" for kind in SHIFTS for severity in SEVERITIES),
)
"""What the rows of a shifted data set are: its `bags` are indices of this."""


def shifted(image: Array, kind: str, severity: int) -> Array:
    """Return an image (c, h, w) of bytes after a shift."""
    shift, amounts = SHIFTS[kind]
    moved = shift(image, amounts[severity - 1])
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def with_shifts(card: Card, load: Callable[[Card], DataSet]) -> DataSet:
    """Return a data set of images with shifted copies of its normal test images.

    Training images train, but for every third, which is held out: a threshold can be fixed on
    these. They are tested with all test images, and with each shift of the normal ones. Only
    defective images are anomalous. `bags` has the place in `GROUPS` of each row.

    Args:
        card: of the new data set.
        load: returns, for a card, images of bytes with an official split.
    """
    plain = replace(card, n=None, shape=None, n_anomalies=None, duplicates=None, from_files=True)
    data = load(plain)
    assert data.split is not None
    train, test = data.split.train, data.split.test
    held = train[HELD_OUT - 1 :: HELD_OUT]
    normal, defective = test[data.y[test] == 0], test[data.y[test] == 1]
    parts = {
        TRAIN: data.x[np.setdiff1d(train, held)],
        HELD: data.x[held],
        DEFECTIVE: data.x[defective],
        PLAIN: data.x[normal],
    } | {
        f"{kind} {severity}": np.stack([shifted(image, kind, severity) for image in data.x[normal]])
        for kind in SHIFTS
        for severity in SEVERITIES
    }
    bags = np.repeat(np.arange(len(GROUPS)), [len(parts[group]) for group in GROUPS])
    y = bags == GROUPS.index(DEFECTIVE)
    split = OfficialSplit.at(len(parts[TRAIN]), y)
    return DataSet(card, np.concatenate([parts[group] for group in GROUPS]), y, split, None, bags)


def shifted_facts(plain: Entry, n_good: int) -> dict[str, Any]:
    """Return the fields in which the entry of a shifted data set differs from the plain one's.

    Args:
        plain: the entry without shifts.
        n_good: number of normal test images.
    """
    known = plain.facts
    assert known is not None
    n = known.n + n_good * len(SHIFTS) * len(SEVERITIES)
    return {
        "facts": Facts(n, known.shape, known.n_anomalies),
        "values_sha256": "",
        "known_issues": (
            "official split: most normal test images are shifted copies of the same few ones, for "
            "`bench shifts`, which counts false alarms",
        ),
    }


def has_shifts(name: str) -> bool:
    """Return whether a data set has shifted copies of normal images, by its name."""
    return name.partition("/")[0].endswith("-shift")
