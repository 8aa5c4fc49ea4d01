"""Generated data: the four anomaly types of ADBench around real structure, and an annulus.

Han, Hu, Huang, Jiang and Zhao, "ADBench: Anomaly Detection Benchmark", NeurIPS 2022,
arXiv 2206.09426, section 3 (angle II, types of anomalies). There a Gaussian mixture is fitted to
the normals of a real data set, and normals are drawn from it. Here the mixture is that of the
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

from datasets.entry import Entry, Facts
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
"""Column numbers, chosen so that kNN detects every type, none perfectly (AUROC .90 to .999)."""


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
    rng, mixture, normals = wines()
    return _record(card, rng, normals, mixture.draw(rng, N_ANOMALIES, spread=5.0))


def global_(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies uniform over the normals' ranges, ends times 1.1."""
    rng, _, normals = wines()
    low, high = 1.1 * normals.min(axis=0), 1.1 * normals.max(axis=0)
    anomalies = rng.uniform(low, high, size=(N_ANOMALIES, normals.shape[1]))
    return _record(card, rng, normals, anomalies)


def cluster(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies from the same mixture with means times 5."""
    rng, mixture, normals = wines()
    return _record(card, rng, normals, mixture.draw(rng, N_ANOMALIES, shift=5.0))


def dependency(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return normals, and anomalies with the same marginals but independent features.

    Each feature of an anomaly is taken from a separate draw.
    """
    rng, mixture, normals = wines()
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


def wines() -> tuple[np.random.RandomState, Mixture, Array]:
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
    """Return the shuffled rows, rounded so that they are equal on every machine."""
    order = rng.permutation(len(normals) + len(anomalies))
    x = np.round(np.concatenate([normals, anomalies]), 6)
    return DataSet(card, x[order], order >= len(normals))


_SHARED = (
    "generated: shows what a method can detect, not how common such anomalies are",
    "the local, global, cluster and dependency sets share their normals: they are one family",
    "normals are a Gaussian mixture, which favours methods that assume one",
)


def _adbench(kind: str, loader: str, sha256: str, issue: str) -> Entry:
    return Entry(
        name=f"synthetic/{kind}",
        kind="tabular",
        family="synthetic",
        source="generated by Fathom around UCI, Wine, doi:10.24432/C5PC7J",
        licence="CC BY 4.0",
        citation=(
            "anomaly types: Han, Hu, Huang, Jiang and Zhao, ADBench: Anomaly Detection "
            "Benchmark, NeurIPS 2022, arXiv:2206.09426 [han2022adbench]"
        ),
        content_sha256=sha256,
        facts=Facts(n=1080, shape=(6,), n_anomalies=80, duplicates=0),
        synthetic=True,
        known_issues=(*_SHARED, issue),
        loader=loader,
    )


_SYNTHETIC = (
    _adbench(
        "local",
        "datasets.families.synthetic:local",
        "130366eb1ad0357912639f075f649524557f45763cfa96ecf66d825f080879e1",
        "anomalies lie among the normals: some of them cannot be distinguished from normals",
    ),
    _adbench(
        "global",
        "datasets.families.synthetic:global_",
        "116d039d2a931d6d272ce435b1333db2dbade7e7f67731e5dc6509099fb88aa9",
        "easy: nearly every method detects them",
    ),
    _adbench(
        "cluster",
        "datasets.families.synthetic:cluster",
        "33d232130742d3acc70ff12c938d59b0f3e5b6ca37dbd48d257800e0c8b6ee3e",
        "80 anomalies are close together: easy after training on normals, hard if they are in "
        "the training set, since they are each other's neighbours",
    ),
    _adbench(
        "dependency",
        "datasets.families.synthetic:dependency",
        "33095a2bd59a4b1c63678bbb7c07c6c29b2c5ad1a053aa8455f0b31be9a0326f",
        "every feature alone looks normal: methods that add up features have an AUROC of about 0.5",
    ),
)

_ANNULUS = Entry(
    name="synthetic/annulus",
    kind="tabular",
    family="synthetic",
    source="generated by Fathom",
    licence="MIT",
    citation="Fathom",
    content_sha256="87737095cada574b54442f712979e98fb0e16928e1255bc8fef387a7b325a7d3",
    facts=Facts(n=1080, shape=(2,), n_anomalies=80, duplicates=0),
    synthetic=True,
    known_issues=(
        "generated: shows what a method can detect, not how common such anomalies are",
        "anomalies are the least extreme rows: the distance to the mean has an AUROC of about 0",
    ),
    loader="datasets.families.synthetic:annulus",
)

ENTRIES = (*_SYNTHETIC, _ANNULUS)
