"""k-means--: its centres are those of the samples that are not left out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from detectors import Unsupported, make

RNG = np.random.default_rng(0)
FAR = np.array([12, 0])
CLUSTERS = np.concatenate([RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2)) + FAR])
OUTLIERS = RNG.uniform(40, 90, size=(12, 2))
TRAIN = np.concatenate([CLUSTERS, OUTLIERS])


def test_outliers_do_not_move_the_centres():
    fitted = make("k-means--", n_clusters=2, outlier_share=12 / 132).fit(TRAIN)
    means = [CLUSTERS[60:].mean(axis=0), CLUSTERS[:60].mean(axis=0)]
    assert_allclose(sorted(fitted.centres_, key=lambda c: -c[0]), means, rtol=1e-12)
    plain = make("kmeans", n_clusters=2, coverage=1.0).fit(TRAIN)
    assert fitted.score(OUTLIERS).min() > 30 > plain.score(OUTLIERS).mean()


def test_the_fit_is_a_fixed_point_of_its_two_steps():
    fitted = make("k-means--", n_clusters=5).fit(TRAIN)
    distances = cdist(TRAIN, fitted.centres_)
    kept = np.argsort(distances.min(axis=1))[: 132 - 13]
    nearest = distances.argmin(axis=1)[kept]
    means = [TRAIN[kept][nearest == c].mean(axis=0) for c in range(5)]
    assert_allclose(fitted.centres_, means)
    assert fitted.inertia_ == pytest.approx((distances.min(axis=1)[kept] ** 2).sum())
    assert_allclose(fitted.score(TRAIN), distances.min(axis=1))


def test_of_more_starts_the_best_is_kept():
    inertias = [make("k-means--", n_init=n).fit(TRAIN).inertia_ for n in (1, 5, 20)]
    assert inertias == sorted(inertias, reverse=True)


def test_the_share_left_out_counts_among_the_rows_that_are_needed():
    message = (
        "n_clusters = 8 with outlier_share = 0.5 needs at least 13 training samples, there are 10"
    )
    with pytest.raises(Unsupported, match=message):
        make("k-means--", outlier_share=0.5).fit(TRAIN[:10])


def test_duplicates_and_fewer_distinct_rows_than_clusters_are_scored():
    x = np.repeat(np.eye(3), 10, axis=0)
    assert make("k-means--").fit(x).score(x).max() == 0
