"""Distances to nearest neighbours and densities around them.

kNN: Ramaswamy, Rastogi, Shim, "Efficient algorithms for mining outliers from large data sets",
SIGMOD 2000, doi:10.1145/342009.335437 (largest distance); Angiulli, Pizzuti, "Fast outlier
detection in high dimensional spaces", PKDD 2002, doi:10.1007/3-540-45681-3_2 (mean distance).
LOF: Breunig, Kriegel, Ng, Sander, "LOF: identifying density-based local outliers", SIGMOD 2000,
doi:10.1145/342009.335388.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, cast

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from detectors.contract import Detector, Floats, require_rows, warn_of_copies

Indices = NDArray[np.intp]


MORE_CANDIDATES = 5
ROUNDING = 1e-10  # of squared norms; products of matrices round by about 1e-14 of them
BLOCK = 4096  # queries
PROBED = 100  # queries
SMALL = 10_000_000  # distances, which either search computes in a tenth of a second


class _Search:
    """Answers equal queries to a tree once [a set with 94 % copies takes a fifteenth of the time].

    A tree searches for each query on its own. Where a probe shows that this is slower than to
    compare queries with all samples, the comparison finds candidates, whose distances are then
    computed as a tree computes them [80,000 normal samples of 15 features: a ninth of the time].
    The answers are the same to the last bit. From 16 features on scikit-learn has no tree, and
    distances come from products of matrices, which depend on the place of a query.
    """

    def kneighbors(
        self, X: Floats | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Return distances and indices (n, n_neighbors), of the training samples without X."""
        this: Any = self
        search = super().kneighbors  # type: ignore[misc]  # of the class beside this one
        if this._tree is None:
            return search(X, n_neighbors, return_distance)
        x = this._fit_X if X is None else np.ascontiguousarray(X, dtype=this._fit_X.dtype)
        as_bytes = x.view(np.dtype((np.void, x.shape[1] * x.itemsize))).ravel()
        _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
        k = this.n_neighbors if n_neighbors is None else n_neighbors
        distances, indices = self._distinct(x[first], k + (X is None), search)
        distances, indices = distances[place], indices[place]
        if X is None:  # as scikit-learn does: without the sample itself, or one of its copies
            others = indices != np.arange(len(x))[:, None]
            others[others.all(axis=1), 0] = False
            distances, indices = (part[others].reshape(-1, k) for part in (distances, indices))
        return (distances, indices) if return_distance else indices

    def _distinct(self, x: Floats, k: int, tree: Callable[..., Any]) -> tuple[Floats, Indices]:
        """Return distances and indices (n, k) of the tree, by the faster search."""
        known: Floats = self._fit_X  # type: ignore[attr-defined]
        searches = [partial(tree, n_neighbors=k), partial(_compared, known=known, k=k, tree=tree)]
        if len(x) * len(known) > SMALL and len(known) > k + MORE_CANDIDATES:
            every = len(x) // PROBED + 1
            searches.sort(key=lambda search: _seconds(lambda: search(x[::every])))
        return cast("tuple[Floats, Indices]", searches[0](x))


def _seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the second call; the first may load libraries."""
    work()
    start = time.process_time()
    work()
    return time.process_time() - start


def _compared(x: Floats, known: Floats, k: int, tree: Callable[..., Any]) -> tuple[Floats, Indices]:
    """Return what a tree does, by comparing queries (n, d) with all samples (m, d).

    Where rounding could hide a nearer sample, and for ties, which a tree orders, it is asked.
    """
    everything = NearestNeighbors(n_neighbors=k + MORE_CANDIDATES, algorithm="brute", n_jobs=1)
    everything.fit(known)
    most = (known**2).sum(axis=1).max()
    distances, indices = np.empty((len(x), k)), np.empty((len(x), k), np.intp)
    for start in range(0, len(x), BLOCK):
        queries = x[start : start + BLOCK]
        rough, near = everything.kneighbors(queries)
        squares = np.zeros(near.shape)
        for j in range(x.shape[1]):  # in the order of a tree's sum
            squares += (queries[:, j, None] - known[:, j][near]) ** 2
        order = np.argsort(squares, axis=1)
        squares = np.take_along_axis(squares, order, axis=1)
        near = np.take_along_axis(near, order, axis=1)
        margin = ROUNDING * ((queries**2).sum(axis=1) + most)
        found = squares[:, k - 1] < rough[:, -1] ** 2 - margin
        found &= (np.diff(squares[:, : k + 1], axis=1) > 0).all(axis=1)
        block = slice(start, start + len(queries))
        distances[block], indices[block] = np.sqrt(squares[:, :k]), near[:, :k]
        if not found.all():
            others = start + np.flatnonzero(~found)
            distances[others], indices[others] = tree(x[others], k)
    return distances, indices


class _Nearest(_Search, NearestNeighbors):  # type: ignore[misc]  # theirs has no types
    pass


class _LocalOutlierFactor(_Search, LocalOutlierFactor):  # type: ignore[misc]  # likewise
    pass


@dataclass(kw_only=True)
class KNN(Detector):
    """Euclidean distance to the nearest training samples.

    Reference: [ramaswamy2000knn], [angiulli2002knn]

    Attributes:
        n_neighbors: number of neighbours; at most the training samples less one.
        aggregation: "largest" for the distance to the last neighbour, "mean" for the mean distance.
    """

    n_neighbors: Annotated[int, Ge(1)] = 5
    aggregation: Literal["largest", "mean"] = "largest"

    def _fit(self, x: Floats) -> None:
        require_rows(x, self.n_neighbors + 1, f"n_neighbors = {self.n_neighbors}")
        self.neighbours_ = _Nearest(n_neighbors=self.n_neighbors, n_jobs=1).fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        distances: Floats = self.neighbours_.kneighbors(x)[0]
        return distances[:, -1] if self.aggregation == "largest" else distances.mean(axis=1)


@dataclass(kw_only=True)
class LOF(Detector):
    """Local outlier factor: density around the neighbours over the density around the sample.

    It is about 1 for a sample as dense as its neighbours. Where more than `n_neighbors` training
    samples coincide, their density is infinite, and scores near them reach 1e9 and more; `fit`
    then warns.

    Reference: [breunig2000lof]

    Attributes:
        n_neighbors: number of neighbours; at most the training samples less one. Breunig et al.
            recommend 10 or more; 20 is scikit-learn's default.
    """

    n_neighbors: Annotated[int, Ge(1)] = 20

    def _fit(self, x: Floats) -> None:
        require_rows(x, self.n_neighbors + 1, f"n_neighbors = {self.n_neighbors}")
        warn_of_copies(x, self.n_neighbors)
        lof = _LocalOutlierFactor(n_neighbors=self.n_neighbors, novelty=True, n_jobs=1)
        self.lof_ = lof.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = -self.lof_.score_samples(x)
        return scores
