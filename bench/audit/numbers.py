"""One-number scores: how well a single property of a sample separates the classes.

Without labels, the score is the distance of the number from its training median. With labels, it is
the best of that distance, the number itself and the negatives of both (for single features, of all
features): chosen on one half of the test rows and judged on the other, so that a choice among many
is no better than it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats, Labels

FEATURES = "one feature"
ORDER = "row order"
UNSEEN = "no copy in training"
BLOCK = 1 << 21  # values that are ranked at a time


def numbers(x: NDArray[np.number], *, images: bool) -> dict[str, Floats]:
    """Return (n,) properties by name of samples x (n, *shape), with missing values."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    absent = ~np.isfinite(flat)
    flat[absent] = 0
    found: dict[str, Floats] = {"norm": np.linalg.norm(flat, axis=1)}
    if absent.any():
        found["missing values"] = absent.sum(axis=1).astype(float)
    if images:
        scale = 1.0 if x.dtype.kind in "iu" else 255 / (np.abs(flat).max() or 1)
        pixels = np.clip(flat * scale, 0, 255).astype(np.uint8)
        found["brightness"] = flat.mean(axis=1)
        found["contrast"] = flat.std(axis=1)
        found["file size"] = np.array([len(zlib.compress(each.tobytes(), 1)) for each in pixels])
    return found


def without_labels(y: Labels, train: Floats, test: Floats) -> float:
    """Return the AUROC of the distance of a number (n_test,) from its training median."""
    return float(aurocs(y, np.abs(test - np.median(train))[:, None])[0])


def with_labels(y: Labels, train: Floats, test: Floats, rng: np.random.Generator) -> float:
    """Return the AUROC of the best of several numbers; nan with less than two of a class.

    Args:
        y: (n_test,) labels.
        train: (n_train, k) numbers.
        test: (n_test, k) the same of the test rows.
        rng: draws the halves.
    """
    second = np.zeros(len(y), bool)
    for label in (0, 1):
        own = rng.permutation(np.flatnonzero(y == label))
        second[own[: len(own) // 2]] = True
    halves = (~second, second)
    if any(len(np.unique(y[half])) < 2 for half in halves):
        return np.nan
    reached = []
    for chosen, judged in (halves, halves[::-1]):
        best, value = 0.0, np.nan
        for columns in _scores(train, test):
            on_chosen = aurocs(y[chosen], columns[chosen])
            distance = np.abs(on_chosen - 0.5)
            if distance.max() >= best:
                at = int(distance.argmax())
                other = float(aurocs(y[judged], columns[judged][:, [at]])[0])
                best, value = distance[at], other if on_chosen[at] >= 0.5 else 1 - other
        reached.append(value)
    return float(np.mean(reached))


def aurocs(y: Labels, scores: Floats) -> Floats:
    """(k,) AUROCs of columns of scores (n, k)."""
    from scipy.stats import rankdata

    m = int(y.sum())
    ranks = rankdata(scores, axis=0)[y == 1].sum(axis=0)
    found: Floats = (ranks - m * (m + 1) / 2) / (m * (len(y) - m))
    return found


def _scores(train: Floats, test: Floats) -> Iterator[Floats]:
    """Yield numbers and their distances from the training median, some columns at a time."""
    width = max(1, BLOCK // len(test))
    for start in range(0, test.shape[1], width):
        part = slice(start, start + width)
        yield test[:, part]
        yield np.abs(test[:, part] - np.median(train[:, part], axis=0))
