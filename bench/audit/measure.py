"""Measure what a data set can say of detectors under a protocol.

The detectors are built-in baselines, run in this process: they are given arrays of samples and
never labels, and none of their scores becomes a row, so that no result depends on it. Large sets
are subsampled, each class of the test rows by itself, which leaves the AUROC unbiased.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audit.numbers import FEATURES, ORDER, UNSEEN, numbers, with_labels, without_labels
from bench.metrics.delong import Components
from bench.metrics.scored import Floats, auroc
from bench.protocols.named import NotApplicable, Split, find, split
from bench.protocols.scalers import IMPUTE, scale
from datasets import DataSet
from datasets.facts import Overlap, content, overlap, row_ids
from detectors import make
from detectors.contract import Unsupported
from detectors.streams import stream

SEEDS = range(3)
FLOOR = "random"
TRIVIAL = ("mean-distance", "max-abs-z")
CHEAP = ("knn", "lof", "iforest")
MOST_ROWS = 3000  # for training, and half as many test rows of a class
FEWEST_ROWS = 500
MOST_FEATURES = 4096
MOST_VALUES = 1 << 22  # of the training rows, where that leaves `FEWEST_ROWS`
NEIGHBOURS = 5
NEAR = 0.01  # of the distance to training that nine in ten normal test rows stay below
LEVEL, POWER = 0.95, 0.80  # of a paired test on the test set
_REACH = NormalDist().inv_cdf(0.5 + LEVEL / 2) + NormalDist().inv_cdf(POWER)


@dataclass(frozen=True)
class Measured:
    """What was measured of a data set under a protocol; shares are of rows, 0 to 1.

    Attributes:
        dataset, sha256, protocol, scaler: what was measured.
        n_train, n_test, n_anomalies: rows of the split.
        used_train, used_test, used_features: that scores are of.
        scores: mean AUROC over `SEEDS` by detector; a detector that cannot be fitted is left out.
        numbers: AUROCs of one-number scores by name, without labels and with them; None where one
            does not exist.
        resolved: the smallest difference of two AUROCs that a paired test at the 5 % level finds on
            this test set in 80 % of all cases: by DeLong's error, the median over pairs of cheap
            detectors; None with one anomaly or one normal.
        duplicates: rows that equal an earlier one.
        conflicts: distinct rows that occur with both labels.
        seen_normals, seen_anomalies: test rows with an equal training row.
        near_normals, near_anomalies: test rows almost equal to a training row, see `NEAR`.
        odd_normals: normal test rows whose nearest test rows are all anomalies.
        odd_anomalies: anomalies whose nearest test rows are all normal.
    """

    dataset: str
    sha256: str
    protocol: str
    scaler: str
    n_train: int
    n_test: int
    n_anomalies: int
    used_train: int
    used_test: int
    used_features: int
    scores: dict[str, float]
    numbers: dict[str, tuple[float | None, float | None]]
    resolved: float | None
    duplicates: float
    conflicts: int
    seen_normals: float
    seen_anomalies: float
    near_normals: float
    near_anomalies: float
    odd_normals: float
    odd_anomalies: float


def measure(data: DataSet, protocol: str, scaler: str) -> Measured:
    """Return what a data set can say of detectors under a protocol, averaged over `SEEDS`.

    Raises:
        NotApplicable: the protocol cannot use the data set.
    """
    if find(protocol).scores_groups:
        msg = (
            f"an audit measures rows, and the protocol {protocol} scores groups of {data.card.name}"
        )
        raise NotApplicable(msg)
    ids = row_ids(data.x)
    whole = content(data, ids)
    found = []
    for seed in SEEDS:
        rows = split(protocol, data, seed)
        common = overlap(data, rows.train, rows.test, ids)
        part = _sample(data, rows, scaler, ids, seed)
        scores = _scores(part, seed)
        near_normals, near_anomalies = _near(part)
        odd_normals, odd_anomalies = _odd(part)
        found.append(
            Measured(
                dataset=data.card.name,
                sha256=data.card.sha256,
                protocol=protocol,
                scaler=scaler,
                n_train=common.n_train,
                n_test=common.n_test_normals + common.n_test_anomalies,
                n_anomalies=common.n_test_anomalies,
                used_train=len(part.train),
                used_test=len(part.y),
                used_features=part.test.shape[1],
                scores={name: auroc(part.y, each) for name, each in scores.items()},
                numbers=_numbers(part, seed),
                resolved=_resolved(part.y, [scores[n] for n in scores if n != FLOOR], common),
                duplicates=whole.duplicates / whole.n,
                conflicts=whole.conflicting_labels,
                seen_normals=common.seen_normals / common.n_test_normals,
                seen_anomalies=common.seen_anomalies / common.n_test_anomalies,
                near_normals=near_normals,
                near_anomalies=near_anomalies,
                odd_normals=odd_normals,
                odd_anomalies=odd_anomalies,
            )
        )
    return Measured(**_mean([vars(each) for each in found]))


@dataclass(frozen=True)
class _Part:
    """Samples of a split, of large sets some of them: raw, scaled, and which rows they are."""

    raw_train: NDArray[Any]
    raw_test: NDArray[Any]
    train: Floats
    test: Floats
    y: NDArray[np.int8]
    unseen: NDArray[np.bool_]
    rows: NDArray[np.intp]
    images: bool


def _sample(data: DataSet, rows: Split, scaler: str, ids: NDArray[np.int64], seed: int) -> _Part:
    rng = stream(seed, "audit")
    most = int(np.clip(MOST_VALUES // np.prod(data.x.shape[1:]), FEWEST_ROWS, MOST_ROWS))
    train, test = rng.permutation(rows.train)[:most], rng.permutation(rows.test)
    test = np.sort(np.concatenate([test[data.y[test] == k][: most // 2] for k in (0, 1)]))
    x_train, x_test = data.x[train], data.x[test]
    if data.codes:
        x_train, x_test = data.codes.encode(x_train, x_test)
    flat = [x.reshape(len(x), -1) for x in (x_train, x_test)]
    columns = np.sort(rng.permutation(flat[0].shape[1])[:MOST_FEATURES])
    plain = scaler.removeprefix(IMPUTE)  # imputation changes nothing where no value is missing
    a, b = scale(IMPUTE + plain, *(x[:, columns].astype(np.float64) for x in flat))
    unseen = ~np.isin(ids[test], ids[rows.train])
    return _Part(x_train, x_test, a, b, data.y[test], unseen, test, data.card.kind == "image")


def _scores(part: _Part, seed: int) -> dict[str, Floats]:
    """Return the scores (n_test,) of the baselines that can be fitted."""
    found = {}
    for name in (*CHEAP, *TRIVIAL, FLOOR):
        with warnings.catch_warnings(), suppress(Unsupported):
            warnings.simplefilter("ignore")  # of copies, which are counted
            detector = make(name)
            detector.seed = seed
            found[name] = detector.fit(part.train).score(part.test)
    return found


def _numbers(part: _Part, seed: int) -> dict[str, tuple[float | None, float | None]]:
    """Return the AUROCs of one-number scores, without labels and with them."""
    y, rng = part.y, stream(seed, "audit halves")
    train, test = (numbers(x, images=part.images) for x in (part.raw_train, part.raw_test))
    found: dict[str, tuple[float | None, float | None]] = {}
    for name in test.keys() | train.keys():
        a, b = (
            each.get(name, np.zeros(n)) for each, n in ((train, len(part.train)), (test, len(y)))
        )
        found[name] = without_labels(y, a, b), with_labels(y, a[:, None], b[:, None], rng)
    found[FEATURES] = None, with_labels(y, part.train, part.test, rng)
    order = part.rows[:, None].astype(float)
    found[ORDER] = None, with_labels(y, order, order, rng)
    found[UNSEEN] = auroc(y, part.unseen.astype(float)), None
    return {name: found[name] for name in sorted(found)}


def _resolved(y: NDArray[np.int8], scores: list[Floats], common: Overlap) -> float | None:
    used = int(y.sum()), int((1 - y).sum())
    if min(used) < 2 or len(scores) < 2:
        return None
    of = common.n_test_anomalies, common.n_test_normals
    parts = zip(Components.of(y, scores).variances(), used, of, strict=True)
    variance = np.sum([each * n_used / n for each, n_used, n in parts], axis=0)
    pairs = np.triu_indices(len(scores), 1)
    return float(_REACH * np.median(np.sqrt(variance[pairs])))


def _near(part: _Part) -> tuple[float, float]:
    """Return the shares of normals and of anomalies that nearly equal a training row."""
    distance = make("knn", n_neighbors=1).fit(part.train).score(part.test)
    near = distance <= NEAR * np.quantile(distance[part.y == 0], 0.9)
    return float(near[part.y == 0].mean()), float(near[part.y == 1].mean())


def _odd(part: _Part) -> tuple[float, float]:
    """Return the shares of normals and of anomalies whose neighbours all have the other label."""
    from sklearn.neighbors import NearestNeighbors

    k = min(NEIGHBOURS, len(part.y) - 1)
    found = NearestNeighbors(n_neighbors=k).fit(part.test).kneighbors(return_distance=False)
    odd = (part.y[found] != part.y[:, None]).all(axis=1)
    return float(odd[part.y == 0].mean()), float(odd[part.y == 1].mean())


def _mean(values: list[Any]) -> Any:
    """Return the mean of each number of equal structures; nan counts as absent, None if all are."""
    first = values[0]
    if isinstance(first, dict):
        names = dict.fromkeys(name for each in values for name in each)
        return {name: _mean([each[name] for each in values if name in each]) for name in names}
    if isinstance(first, tuple):
        return tuple(_mean([*column]) for column in zip(*values, strict=True))
    if isinstance(first, str | int):
        return first
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else None
