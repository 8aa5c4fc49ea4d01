"""Searches that answer equal queries once give what scikit-learn gives, to the last bit."""

import time

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from detectors import make
from detectors.shallow.neighbours import _compared


def plain(name, x, queries):
    """Return the scores of scikit-learn's own search."""
    if name == "knn":
        return NearestNeighbors(n_neighbors=5).fit(x).kneighbors(queries)[0][:, -1]
    return -LocalOutlierFactor(n_neighbors=20, novelty=True).fit(x).score_samples(queries)


def samples(n, d, kind, rng):
    if kind == "distinct":
        return rng.normal(size=(n, d))
    if kind == "far":  # rounding is larger than the distances
        return 1e8 + rng.normal(size=(n, d))
    values = rng.integers(0, 3, (n, d)).astype(float)  # with ties, and zeros of both signs
    return np.where(values == 0, rng.choice([0.0, -0.0], (n, d)), values)[rng.integers(0, n, n)]


@pytest.mark.filterwarnings("ignore")  # copies
@pytest.mark.parametrize("kind", ["distinct", "copies", "far"])
@pytest.mark.parametrize("d", [1, 4, 11, 15, 16, 40])  # from 16 on, not by a tree
@pytest.mark.parametrize("name", ["knn", "lof"])
def test_scores_are_scikit_learns_to_the_last_bit(name, d, kind):
    rng = np.random.default_rng(d)
    for n in (22, 60, 300):
        x = samples(n, d, kind, rng)
        queries = np.vstack([x[rng.integers(0, n, 40)], rng.normal(size=(40, d)), x[:1]])
        scores = make(name).fit(x).score(queries)
        np.testing.assert_array_equal(scores.view(np.int64), plain(name, x, queries).view(np.int64))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["distinct", "copies", "far"])
@pytest.mark.parametrize("d", [1, 6, 15])
def test_a_comparison_with_all_samples_gives_what_a_tree_does_to_the_last_bit(d, kind):
    rng = np.random.default_rng(d)
    x = samples(400, d, kind, rng)
    queries = np.vstack([x[:50], x[:50] + rng.normal(size=(50, d))])
    for k in (1, 20):
        tree = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(x).kneighbors
        for ours, theirs in zip(_compared(queries, x, k, tree), tree(queries, k), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["knn", "lof"])
def test_with_many_features_the_faster_search_is_taken(name):
    """Measured: a fourth of scikit-learn's CPU time."""
    x = np.random.default_rng(0).normal(size=(5000, 15))
    seconds = []
    for score in (lambda: make(name).fit(x).score(x), lambda: plain(name, x, x)):
        start = time.process_time()
        score()
        seconds.append(time.process_time() - start)
    assert seconds[0] < seconds[1] / 1.5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["knn", "lof"])
def test_copies_cost_no_search(name):
    """Measured: an eighth of scikit-learn's CPU time for 16 copies of each sample."""
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(500, 10)), 1)[rng.integers(0, 500, 8000)]
    seconds = []
    for score in (lambda: make(name).fit(x).score(x), lambda: plain(name, x, x)):
        start = time.process_time()
        score()
        seconds.append(time.process_time() - start)
    assert seconds[0] < seconds[1] / 2
