"""Learnable unified neighbourhood-based anomaly ranking (LUNAR).

Goodge, Hooi, Ng and Ng, "LUNAR: unifying local outlier detection methods via graph neural
networks", AAAI 2022, doi:10.1609/aaai.v36i6.20629, arXiv:2112.05355. The message of a neighbour
is its distance, so the input of the network is the sorted distances to the k nearest training
samples.

Neighbours are training samples only, without the held-out ones, as in the authors' code. A negative
that is a training sample with noise does not count this sample as a neighbour. In the authors' code
it does: as all other neighbours are further away, the network can learn that a short first distance
before long ones is an anomaly, which is how a normal sample in a sparse region looks. Uniform
negatives fill the cube of the paper; the authors' code draws them near its corner 0. PyOD's class
LUNAR also searches the negatives, and each of them finds itself at distance 0.

Reference: [goodge2022lunar]
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor, nn

from detectors.contract import Floats, require_rows
from detectors.networks.dense import Dense
from detectors.training.base import DeepDetector
from detectors.training.replica import held_and_trained

WIDTH = 128  # of the three hidden layers; the authors' 256 make a step four times as long


@dataclass(kw_only=True)
class LUNAR(DeepDetector[nn.Sequential]):
    """Output of a network that separates training samples from negatives by their distances.

    Features are scaled to [0, 1] on the training samples. Each training sample has one negative:
    with equal chances a uniform draw from the cube, or the sample with normal noise on some
    features. The network minimises the squared error of a sigmoid, with target 0 for samples and 1
    for negatives. The score is the sigmoid's argument, which has the same ranks and does not round
    to 1. Codes are the last hidden layer.

    Attributes:
        n_neighbors: k, less than the training samples without those held out. The paper takes 100,
            too many for small training sets.
        noise: epsilon: standard deviation of the noise on a feature, and the distance by which the
            cube of the uniform negatives exceeds [0, 1].
        noisy_share: probability of noise on a feature.
    """

    takes_images: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    n_neighbors: Annotated[int, Ge(1)] = 10
    noise: Annotated[float, Gt(0)] = 0.1
    noisy_share: Annotated[float, Gt(0), Le(1)] = 0.3

    def _material(self, x: Floats) -> Floats:
        """Return (n, 2 k): distances of the samples x (n, d), and of their negatives."""
        k = self.n_neighbors
        _, trained = held_and_trained(self, len(x))
        require_rows(x[trained], k + 1, f"n_neighbors = {k}")
        self.scaler_ = MinMaxScaler().fit(x[trained])
        rows = self.scaler_.transform(x)
        # A tree computes each distance alone; with matrix products, rows would affect each other.
        tree = NearestNeighbors(n_neighbors=k, algorithm="kd_tree", n_jobs=1)
        self.neighbours_ = tree.fit(rows[trained])
        source = np.full(len(x), -1)  # where a sample is among the candidates
        source[trained] = np.arange(len(trained))
        negatives, noised = self._negatives(rows)
        of_negatives = self._without(negatives, np.where(noised, source, -1))
        return np.hstack([self._without(rows, source), of_negatives])

    def _negatives(self, rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return a negative of each row (n, d), and which (n,) of them are rows with noise."""
        draws = self.stream("negatives")
        uniform = draws.uniform(-self.noise, 1 + self.noise, rows.shape)
        moved = draws.random(rows.shape) < self.noisy_share
        near = rows + moved * self.noise * draws.standard_normal(rows.shape)
        noised = draws.random(len(rows)) >= 0.5
        return np.where(noised[:, None], near, uniform), noised

    def _without(self, rows: Floats, source: NDArray[np.int64]) -> Floats:
        """Return (n, k) sorted distances of rows (n, d) to candidates other than their source."""
        distances, found = self.neighbours_.kneighbors(rows, self.n_neighbors + 1)
        dropped = found == source[:, None]
        dropped[~dropped.any(axis=1), -1] = True
        kept: Floats = distances[~dropped].reshape(len(rows), self.n_neighbors)
        return kept

    def _network(self, shape: tuple[int, ...]) -> nn.Sequential:
        sizes = (self.n_neighbors, WIDTH, WIDTH, WIDTH)
        layers = [Dense(n_in, n_out) for n_in, n_out in pairwise(sizes)]
        hidden = [each for layer in layers for each in (layer, nn.Tanh())]
        return nn.Sequential(*hidden, Dense(WIDTH, 1))

    def _losses(self, net: nn.Sequential, x: Tensor, noise: Tensor) -> Tensor:
        own, negative = x.chunk(2, dim=1)
        wrong: Tensor = net(own).sigmoid().square() + (1 - net(negative).sigmoid()).square()
        return 0.5 * wrong[:, 0]

    def _score(self, x: Floats, readout: str) -> Floats:
        return self._read(lambda rows: self.net_(rows.float())[:, 0], self._distances(x))

    def _encode(self, x: Floats) -> Floats:
        hidden = self.net_[:-1]
        return self._read(lambda rows: hidden(rows.float()), self._distances(x))

    def _distances(self, x: Floats) -> Floats:
        """Return the (n, k) sorted distances of samples x (n, d) to training samples."""
        distances: Floats = self.neighbours_.kneighbors(self.scaler_.transform(x))[0]
        return distances
