"""Areas under the curves of pixels, with every distinct score as a threshold.

AUPRO is the area under the per-region overlap, the mean over the connected regions of the masks of
the share that scores at least a threshold, against the false-positive rate, the share of the
normal pixels of all images that does: Bergmann, Fauser, Sattlegger and Steger, "Uninformed
students", CVPR 2020, arXiv:1911.02357, section 4.

AUPIMO is the area under the share of an image's anomalous pixels that scores at least a threshold,
against the logarithm of the mean false-positive rate of the images without anomalies, as a mean
over the anomalous images: Bertoldo, Ameln, Vaidya and Akcay, "AUPIMO: redefining visual anomaly
detection benchmarks with high speed and low tolerance", BMVC 2024, arXiv:2401.01984.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats, descending

LIMITS = {"aupro": 0.3, "aupro@fpr=0.05": 0.05}  # largest false-positive rates
LOW, HIGH = 1e-5, 1e-4  # false-positive rates between which AUPIMO takes the area
REACH = 10  # times HIGH: up to this rate the highest scores of normal images are kept

Image = NDArray[np.float32]
Mask = NDArray[np.uint8]


def area(x: Floats, y: Floats, low: float, high: float) -> float:
    """Return the mean of y over x from `low` to `high`, by trapezoids.

    x (m,) does not fall; y is interpolated at the ends, and constant beyond the points.
    """
    first, last = np.searchsorted(x, low, "right"), np.searchsorted(x, high, "left")
    begin = np.interp(low, x[max(first - 1, 0) :], y[max(first - 1, 0) :])
    end = np.interp(high, x[: last + 1], y[: last + 1])
    xs = np.concatenate([[low], x[first:last], [high]])
    ys = np.concatenate([[begin], y[first:last], [end]])
    return float(np.trapezoid(ys, xs) / (high - low))


def values_of(rate: Floats, found: Floats, overlap: Floats, odds: float) -> dict[str, float]:
    """Return the metrics of all pixels from points of their curves, from (0, 0) to (1, 1).

    Args:
        rate: (m,) share of the normal pixels that score at least a threshold.
        found: (m,) share of the anomalous pixels that do.
        overlap: (m,) mean over the regions of the masks of the share of a region that does.
        odds: number of normal pixels for each anomalous one.
    """
    hits, alarms = np.diff(found), odds * rate[1:]
    some = hits > 0
    precision = found[1:][some] / (found[1:][some] + alarms[some])
    return {
        "pixel_auroc": area(rate, found, 0, 1),
        "pixel_average_precision": float(hits[some] @ precision),
        **{name: area(rate, overlap, 0, limit) for name, limit in LIMITS.items()},
    }


def region_shares(mask: Mask) -> tuple[Floats, int]:
    """Return for each anomalous pixel of a mask 1 / the size of its region, and their number.

    Pixels of a region touch at sides or corners.
    """
    from scipy.ndimage import label

    regions, n_regions = label(mask, np.ones((3, 3)))
    of_pixels = regions[mask > 0]
    return 1 / np.bincount(of_pixels)[of_pixels], n_regions


@dataclass(frozen=True)
class Curves:
    """The pixels of all images.

    Attributes:
        normal: scores of the normal pixels, rising.
        anomalous: scores of the anomalous pixels.
        shares: for each of them, 1 / the size of its region.
        n_regions: number of regions in the masks.
    """

    normal: Image
    anomalous: Image
    shares: Floats
    n_regions: int

    @classmethod
    def of(cls, maps: Sequence[Image], masks: Sequence[Mask]) -> Self:
        """Return the pixels of maps and masks, (height, width) each, of the same sizes."""
        pairs = [*zip(maps, masks, strict=True)]
        normal = np.concatenate([one[mask == 0] for one, mask in pairs])
        normal.sort()
        anomalous = np.concatenate([one[mask > 0] for one, mask in pairs])
        shares, numbers = zip(*map(region_shares, masks), strict=True)
        return cls(normal, anomalous, np.concatenate(shares), sum(numbers))

    def exact(self) -> tuple[Floats, Floats, Floats, float]:
        """Return the arguments of `values_of`, with every distinct score as a threshold.

        Between two scores of anomalous pixels only the rate rises, so there are two points for
        each: above the score, and from it on.
        """
        order, ends = descending(self.anomalous)
        n_normal, n_anomalous = len(self.normal), len(order)
        scores = self.anomalous[order][ends]
        rate, found, overlap = (np.zeros(2 * len(ends) + 2) for _ in range(3))
        rate[1:-1:2] = 1 - np.searchsorted(self.normal, scores, "right") / n_normal
        rate[2:-1:2] = 1 - np.searchsorted(self.normal, scores, "left") / n_normal
        found[2:-1:2] = (ends + 1) / n_anomalous
        overlap[2:-1:2] = np.cumsum(self.shares[order])[ends] / self.n_regions
        for y in (found, overlap):
            y[3:-1:2] = y[2:-2:2]
        rate[-1] = found[-1] = overlap[-1] = 1
        return rate, found, overlap, n_normal / n_anomalous


@dataclass(frozen=True)
class SharedRate:
    """The false-positive rate of the images without anomalies.

    Attributes:
        scores: (m,) distinct scores of their pixels, falling.
        rates: (m,) mean over these images of the share of an image that scores at least as much.
        anomalous: scores of the anomalous pixels of each other image, rising.
    """

    scores: Image
    rates: Floats
    anomalous: list[Image]

    @classmethod
    def of(cls, maps: Sequence[Image], masks: Sequence[Mask]) -> Self | None:
        """Return the rate; None where all normal images together cannot have a rate of LOW."""
        normal = [one.ravel() for one, mask in zip(maps, masks, strict=True) if not mask.any()]
        if sum(one.size for one in normal) * LOW < 1:
            return None
        tops, weights = [], []
        for one in normal:
            n_top = min(one.size, 1 + int(REACH * HIGH * len(normal) * one.size))
            tops.append(np.partition(one, -n_top)[-n_top:])
            weights.append(np.full(n_top, 1 / (len(normal) * one.size)))
        scores = np.concatenate(tops)
        order, ends = descending(scores)
        rates = np.cumsum(np.concatenate(weights)[order])[ends]
        anomalous = [np.sort(one[mask > 0]) for one, mask in zip(maps, masks, strict=True)]
        return cls(scores[order][ends], rates, [one for one in anomalous if len(one)])

    def aupimo(self) -> float:
        """Return the mean over the anomalous images of the area, in [0, 1].

        It is linear in the logarithm of the rate between thresholds, and constant below the rate of
        the highest score of a normal image.
        """
        x = np.repeat(np.log(self.rates), 2)
        x[2::2] = x[1:-1:2]
        areas = []
        for one in self.anomalous:
            y = np.empty(len(x))
            y[::2] = 1 - np.searchsorted(one, self.scores, "right") / len(one)
            y[1::2] = 1 - np.searchsorted(one, self.scores, "left") / len(one)
            areas.append(area(x, y, np.log(LOW), np.log(HIGH)))
        return float(np.mean(areas))
