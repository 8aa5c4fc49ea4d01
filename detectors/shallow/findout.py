"""FindOut: a wavelet transform removes clusters from a grid; the remaining samples are anomalous.

Yu, Sheikholeslami and Zhang, "FindOut: finding outliers in very large datasets", Knowledge and
Information Systems 4, 2002, doi:10.1007/s101150200013; the clusters are those of Sheikholeslami,
Chatterjee and Zhang, "WaveCluster", VLDB 1998.

Reference: [yu2002findout], [sheikholeslami1998wavecluster]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pywt
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label
from scipy.spatial import KDTree

from detectors.contract import Detector, Floats, Unsupported

WAVELET = "bior2.2"  # Cohen, Daubechies and Feauveau's (2, 2), of the authors
MOST_CELLS = 2**18
BINS = (64, 32, 16, 8)  # the first with at most MOST_CELLS cells is taken: up to 6 features
LEAST_SHARE = 0.05  # of the training samples in a cluster; smaller groups may be anomalies
NEARLY = 0.9  # share of the samples in dense cells that clusters hold at a sufficient level


@dataclass(kw_only=True)
class FindOut(Detector):
    """Distance to the clusters of a grid, in widths of its cells.

    The features are cut into bins between their smallest and largest training values, and the
    samples in each cell are counted. The low-pass part of a wavelet transform smooths the counts.
    A cell is dense if its smoothed count reaches a threshold; the share `coverage` of the samples
    lie in cells that reach it without counting themselves. Dense cells that touch, also at a
    corner, form a cluster if it holds at least 5 % of the samples. The transform has the fewest
    levels with a positive threshold and with nearly all samples of dense cells in clusters.

    The score of a sample outside the clusters is the distance to the centre of the nearest cell
    of a cluster, above 0.5. The score of a sample in a cluster is minus the smoothed count of its
    cell over the largest one, in [-1, 0).

    Attributes:
        n_bins: bins per feature; by default the largest of 64, 32, 16 and 8 with at most 2^18
            cells, which needs 6 features or fewer.
        coverage: share of the training samples in dense cells.
    """

    n_bins: Annotated[int, Ge(8)] | None = None
    coverage: Annotated[float, Gt(0), Le(1)] = 0.9

    def _fit(self, x: Floats) -> None:
        bins = self._bins(x.shape[1])
        low, span = x.min(axis=0), np.ptp(x, axis=0)
        self.width_ = np.where(span > 0, span / bins, 1.0)
        self.low_ = np.where(span > 0, low, low - 0.5)
        self.shape_ = (bins,) * x.shape[1]
        cells = self._cells(x)
        at = np.ravel_multi_index(tuple(cells.T), self.shape_)
        counts = np.bincount(at, minlength=np.prod(self.shape_)).reshape(self.shape_)
        for level in range(1, max(2, int(np.log2(bins)))):
            smooth = smoothed(counts.astype(np.float64), level).ravel()
            own = smoothed(np.eye(bins), level, axes=1).diagonal()[cells].prod(axis=1)
            least = float(np.quantile(smooth[at] - own, 1 - self.coverage, method="lower"))
            clusters, share = self._clusters(smooth, least, at)
            if least > 0 and share >= NEARLY * self.coverage:
                break
        self.removed_ = np.flatnonzero(clusters)
        self.density_ = smooth[self.removed_] / smooth[self.removed_].max()
        centres = np.column_stack(np.unravel_index(self.removed_, self.shape_)) + 0.5
        self.centres_ = KDTree(centres)

    def _bins(self, d: int) -> int:
        for bins in (self.n_bins,) if self.n_bins else BINS:
            if bins**d <= MOST_CELLS:
                return bins
        change = "lower n_bins" if self.n_bins else "take at most 6, or the codes of a model"
        msg = f"a grid of {bins} bins on each of {d} features has more than 2^18 cells; {change}"
        raise Unsupported(msg)

    def _cells(self, x: Floats) -> NDArray[np.int64]:
        """Return the cells (n, d) of samples; the last bin holds the largest training value."""
        place = (x - self.low_) / self.width_
        bins = self.shape_[0]
        cells: NDArray[np.int64] = np.floor(place).clip(-1, bins).astype(np.int64)
        cells[place == bins] = bins - 1
        return cells

    def _clusters(
        self, smooth: Floats, least: float, at: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], float]:
        """Return which cells are in clusters, and the share of the training samples in them.

        Args:
            smooth: smoothed counts (cells,).
            least: smoothed count of a dense cell.
            at: the cell (n,) of each training sample.
        """
        dense = (smooth >= least) & (smooth > 0)
        touching = generate_binary_structure(len(self.shape_), len(self.shape_))
        labels = label(dense.reshape(self.shape_), touching)[0].ravel()
        shares = np.bincount(labels[at], minlength=labels.max() + 1) / len(at)
        shares[0] = 0.0  # of the cells that are not dense
        chosen = (shares > 0) & (shares >= min(LEAST_SHARE, shares.max()))
        return chosen[labels], float(shares[chosen].sum())

    def _score(self, x: Floats, readout: str) -> Floats:
        cells, bins = self._cells(x), self.shape_[0]
        inside = ((cells >= 0) & (cells < bins)).all(axis=1)
        at = np.ravel_multi_index(tuple(cells.clip(0, bins - 1).T), self.shape_)
        place = np.searchsorted(self.removed_, at).clip(max=len(self.removed_) - 1)
        removed = inside & (self.removed_[place] == at)
        distances, _ = self.centres_.query((x - self.low_) / self.width_)
        return np.where(removed, -self.density_[place], distances)


def smoothed(counts: Floats, level: int, axes: int | None = None) -> Floats:
    """Return counts (bins, ..., bins) without their wavelet details up to a level.

    Args:
        counts: of the cells.
        level: number of times the low-pass filter halves the grid.
        axes: how many axes are smoothed, the first ones; all by default.
    """
    for axis in range(counts.ndim if axes is None else axes):
        lengths = []
        for _ in range(level):
            lengths.append(counts.shape[axis])
            counts, _ = pywt.dwt(counts, WAVELET, mode="zero", axis=axis)
        for length in reversed(lengths):
            counts = pywt.idwt(counts, None, WAVELET, mode="zero", axis=axis)
            counts = counts.take(range(length), axis=axis)
    return counts
