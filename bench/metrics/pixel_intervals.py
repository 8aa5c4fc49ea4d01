"""95 % intervals of metrics of pixels over images: percentiles of a stratified bootstrap.

Images are drawn with replacement, those with and those without anomalies apart, and pixels are
counted once for each image, at a few thousand scores. Efron, "Bootstrap methods: another look at
the jackknife", Annals of Statistics 1979, doi:10.1214/aos/1176344552.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bench.metrics.pixel_areas import (
    HIGH,
    LOW,
    Curves,
    Image,
    Mask,
    SharedRate,
    region_shares,
    values_of,
)
from bench.metrics.scored import Floats
from bench.stats.intervals import LEVEL

N_DRAWS = 1000
N_SCORES = 2000  # of each kind, at which pixels are counted


def limits(counts: Counts, values: dict[str, float]) -> dict[str, float]:
    """Return the limits of metrics as NAME_low and NAME_high; they contain the values."""
    drawn = counts.drawn("aupimo" in values)
    tail = (1 - LEVEL) / 2
    found: dict[str, float] = {}
    for name, value in values.items():
        low, high = np.quantile(drawn[name], [tail, 1 - tail])
        found |= {f"{name}_low": min(float(low), value), f"{name}_high": max(float(high), value)}
    return found


@dataclass(frozen=True)
class Counts:
    """Pixels of each of n images that score at least each of k scores, falling.

    The first and the last column are those of no pixel and of all.

    Attributes:
        alarms: (n, k) numbers of normal pixels.
        hits: (n, k) numbers of anomalous pixels.
        overlaps: (n, k) sums over the regions of the image of the share of a region.
    """

    alarms: Floats
    hits: Floats
    overlaps: Floats

    @classmethod
    def of(cls, maps: Sequence[Image], masks: Sequence[Mask], scores: Image) -> Self:
        """Return the counts at rising scores (k,)."""
        lines = []
        for one, mask in zip(maps, masks, strict=True):
            places = np.searchsorted(scores, one, "right")
            odd = mask > 0
            weights = [None, None, region_shares(mask)[0]]
            at = (
                np.bincount(some, weight, len(scores) + 1)[::-1]
                for some, weight in zip((places[~odd], *2 * [places[odd]]), weights, strict=True)
            )
            lines.append([np.append(0.0, np.cumsum(each)) for each in at])
        return cls(*(np.stack(each) for each in zip(*lines, strict=True)))

    def drawn(self, aupimo: bool) -> dict[str, Floats]:
        """Return the metrics (N_DRAWS,) of images that are drawn."""
        odd = self.hits[:, -1] > 0
        generator = np.random.default_rng(0)
        weights = np.zeros((N_DRAWS, len(odd)))
        for kind in (odd, ~odd):
            if n := int(kind.sum()):
                weights[:, kind] = generator.multinomial(n, np.full(n, 1 / n), N_DRAWS)
        alarms, hits, overlaps = (
            weights @ each for each in (self.alarms, self.hits, self.overlaps)
        )
        lines = [
            values_of(a / a[-1], h / h[-1], o / o[-1], a[-1] / h[-1])
            for a, h, o in zip(alarms, hits, overlaps, strict=True)
        ]
        found = {name: np.array([line[name] for line in lines]) for name in lines[0]}
        return found | ({"aupimo": self._aupimos(weights, odd)} if aupimo else {})

    def _aupimos(self, weights: Floats, odd: NDArray[np.bool]) -> Floats:
        shares = self.alarms[~odd] / self.alarms[~odd, -1:]
        rates = weights[:, ~odd] @ shares / (~odd).sum()
        ends = np.log([LOW, HIGH])
        steps = np.diff(np.clip(np.log(np.maximum(rates, LOW / 2)), *ends)) / np.diff(ends)
        found = self.hits[odd] / self.hits[odd, -1:]
        areas = steps @ ((found[:, 1:] + found[:, :-1]) / 2).T  # (draws, anomalous images)
        means: Floats = (weights[:, odd] * areas).sum(axis=1) / odd.sum()
        return means


def scores_to_count_at(curves: Curves, rate: SharedRate | None) -> Image:
    """Return rising scores: denser where few normal pixels score as much."""
    parts = [
        curves.normal[-_ranks(len(curves.normal), np.geomspace)],
        curves.normal[-_ranks(len(curves.normal), np.linspace)],
        np.quantile(curves.anomalous, np.linspace(0, 1, N_SCORES), method="nearest"),
    ]
    if rate:
        parts.append(rate.scores[_ranks(len(rate.scores), np.geomspace) - 1])
    return np.unique(np.concatenate(parts))


def _ranks(n: int, spaced: Callable[..., Floats]) -> NDArray[np.intp]:
    return np.unique(spaced(1, n, N_SCORES).astype(np.intp))
