"""Generated data: the four anomaly types of ADBench around real structure, and an annulus.

Han, Hu, Huang, Jiang and Zhao, "ADBench: Anomaly Detection Benchmark", NeurIPS 2022,
arXiv 2206.09426, section 3 (angle II, types of anomalies). There a Gaussian mixture is fitted to
the normals of a real data set and normals are drawn from it. Here the mixture is that of the
wine data's three cultivars: each has the mean and covariance of its own rows, in six features
standardised over all rows. The four sets share their normals and differ in their anomalies alone.

The content is the same on every machine: `RandomState`, whose streams numpy has frozen (NEP 19),
Cholesky factors, which have no free signs, and values rounded to six decimals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.families.embedded import read_table
from datasets.record import Array, Card, DataSet

SEED = 0
N_NORMALS = 1000
N_ANOMALIES = 80

WINE_FEATURES = {
    "malic acid": 1,
    "total phenols": 5,
    "flavanoids": 6,
    "nonflavanoid phenols": 7,
    "hue": 10,
    "od280/od315": 11,
}
"""Column numbers. Chosen so that kNN finds every type and none perfectly (AUROC .90 to .999)."""


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture of k components in d dimensions.

    Attributes:
        weights: (k,) shares, sum 1.
        means: (k, d).
        factors: (k, d, d) lower Cholesky factors of the covariances.
    """

    weights: Array
    means: Array
    factors: Array

    def draw(
        self, rng: np.random.RandomState, n: int, *, shift: float = 1.0, spread: float = 1.0
    ) -> Array:
        """Return (n, d) samples, with means times `shift` and covariances times `spread`."""
        component = rng.choice(len(self.weights), size=n, p=self.weights)  # (n,)
        noise: Array = rng.standard_normal((n, self.means.shape[1]))  # (n, d)
        deviation: Array = np.einsum("nij,nj->ni", self.factors[component], noise)  # (n, d)
        return shift * self.means[component] + math.sqrt(spread) * deviation


def local(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies from the same mixture with covariances times 5."""
    rng, mixture, normals = _normals()
    return _record(card, rng, normals, mixture.draw(rng, N_ANOMALIES, spread=5.0))


def global_(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies uniform over the normals' ranges, ends times 1.1."""
    rng, _, normals = _normals()
    low, high = 1.1 * normals.min(axis=0), 1.1 * normals.max(axis=0)
    anomalies = rng.uniform(low, high, size=(N_ANOMALIES, normals.shape[1]))
    return _record(card, rng, normals, anomalies)


def cluster(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies from the same mixture with means times 5."""
    rng, mixture, normals = _normals()
    return _record(card, rng, normals, mixture.draw(rng, N_ANOMALIES, shift=5.0))


def dependency(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies with the same marginals but independent features.

    Each feature of an anomaly is taken from a draw of its own.
    """
    rng, mixture, normals = _normals()
    features = range(normals.shape[1])
    anomalies = np.column_stack([mixture.draw(rng, N_ANOMALIES)[:, j] for j in features])
    return _record(card, rng, normals, anomalies)


def annulus(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals on a ring in the plane, and anomalies in its middle.

    Normals have a radius of mean 1 and standard deviation 0.1 and a uniform angle. Anomalies are
    Gaussian around the centre with standard deviation 0.3 in each direction, so that they are the
    least extreme rows in every feature.
    """
    rng = np.random.RandomState(SEED)
    angle = rng.uniform(0, 2 * np.pi, N_NORMALS)
    radius = 1 + 0.1 * rng.standard_normal(N_NORMALS)
    normals = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])  # (n, 2)
    return _record(card, rng, normals, 0.3 * rng.standard_normal((N_ANOMALIES, 2)))


def _normals() -> tuple[np.random.RandomState, Mixture, Array]:
    """Return a generator, the mixture, and the (N_NORMALS, d) normals drawn from it first."""
    x, cultivar = read_table("wine_data.csv", header=True)
    x = x[:, list(WINE_FEATURES.values())]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    groups = [x[cultivar == c] for c in np.unique(cultivar)]
    mixture = Mixture(
        weights=np.array([len(group) / len(x) for group in groups]),
        means=np.array([group.mean(axis=0) for group in groups]),
        factors=np.array([np.linalg.cholesky(np.cov(group, rowvar=False)) for group in groups]),
    )
    rng = np.random.RandomState(SEED)
    return rng, mixture, mixture.draw(rng, N_NORMALS)


def _record(card: Card, rng: np.random.RandomState, normals: Array, anomalies: Array) -> DataSet:
    """Return the shuffled rows, rounded so that no machine's last bits show."""
    order = rng.permutation(len(normals) + len(anomalies))
    x = np.round(np.concatenate([normals, anomalies]), 6)
    return DataSet(card, x[order], order >= len(normals))
