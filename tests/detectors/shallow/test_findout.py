"""FindOut: clusters go, what stays is measured; few features only."""

import numpy as np
import pytest
import pywt
from numpy.testing import assert_allclose

from detectors import Unsupported, make
from detectors.shallow.findout import smoothed

RNG = np.random.default_rng(0)


def ring_and_disc(n, noise=0.15):
    """A ring of radius 3 and a disc within it: no sample lies between them."""
    angle = RNG.uniform(0, 2 * np.pi, n)
    radius = np.where(np.arange(n) % 2, 3, 0) + noise * RNG.standard_normal(n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def test_smoothing_drops_the_details_of_the_wavelet_transform():
    counts = RNG.poisson(1, size=(24, 24, 24)).astype(float)
    coefficients = pywt.wavedecn(counts, "bior2.2", mode="zero", level=2)
    details = [{key: np.zeros_like(v) for key, v in each.items()} for each in coefficients[1:]]
    expected = pywt.waverecn([coefficients[0], *details], "bior2.2", mode="zero")
    assert_allclose(smoothed(counts, 2), expected[:24, :24, :24], atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6])
def test_it_removes_about_the_coverage_of_new_samples_of_a_cluster(d):
    train, new = RNG.normal(size=(800, d)), RNG.normal(size=(800, d))
    detector = make("findout", coverage=0.8).fit(train)
    assert 0.65 < (detector.score(new) < 0).mean() < 0.9


def test_what_lies_between_clusters_of_any_shape_stays():
    detector = make("findout").fit(ring_and_disc(600))
    assert (detector.score(ring_and_disc(200)) < 0).mean() > 0.75
    between = 1.5 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    assert (detector.score(between) > 2).all()


def test_what_stays_is_measured_in_cells_to_the_nearest_removed_one():
    detector = make("findout", n_bins=8).fit(np.linspace(0, 8, 801)[:, None])
    assert detector.removed_.tolist() == [*range(8)]
    assert detector.score([[-0.5], [-3.5], [9.5]]) == pytest.approx([1, 4, 2])
    inside = detector.score([[0.5], [4.5], [8.0]])
    assert ((inside >= -1) & (inside < 0)).all()


def test_a_small_cluster_stays():
    large, small = RNG.normal(size=(300, 2)), RNG.normal(size=(9, 2), scale=0.05) + 9
    detector = make("findout").fit(np.concatenate([large, small]))
    assert (detector.score(small) > 3).all()
    assert (detector.score(large) < 0).mean() > 0.8


def test_more_than_six_features_are_unsupported():
    with pytest.raises(Unsupported, match=r"8 bins on each of 7 features .* take at most 6"):
        make("findout").fit(RNG.normal(size=(50, 7)))
    with pytest.raises(Unsupported, match=r"64 bins on each of 4 features .*; lower n_bins"):
        make("findout", n_bins=64).fit(RNG.normal(size=(50, 4)))


def test_a_constant_feature_counts_in_its_own_unit():
    x = np.column_stack([RNG.normal(size=200), np.full(200, 3.0)])
    detector = make("findout").fit(x)
    near, far, farther = detector.score([[0, 3.2], [0, 9.0], [0, 11.0]])
    assert near < 0 < far
    assert farther == pytest.approx(far + 2, abs=0.1)
