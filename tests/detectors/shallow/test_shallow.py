"""Shallow detectors give what their libraries and formulas give."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, spearmanr
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from detectors import Unsupported, make, names
from detectors.registry import find
from detectors.shallow import covariance
from detectors.streams import integer_seed

SHALLOW = [
    name
    for name in names()
    if (entry := find(name)).family == "shallow"
    and name != "findout"
    and not (entry.takes_groups or entry.images_only)
]


@pytest.fixture(scope="module")
def cancer():
    """Standardised breast cancer: 178 benign rows to train, 179 benign and 212 others to test."""
    x, y = load_breast_cancer(return_X_y=True)
    normal = np.random.default_rng(0).permutation(np.flatnonzero(y == 1))
    train, test = normal[:178], np.concatenate([normal[178:], np.flatnonzero(y == 0)])
    scaler = StandardScaler().fit(x[train])
    return scaler.transform(x[train]), scaler.transform(x[test]), (y[test] == 0).astype(int)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_lof_is_exactly_scikit_learns(cancer, k):
    train, test, _ = cancer
    expected = -LocalOutlierFactor(n_neighbors=k, novelty=True).fit(train).score_samples(test)
    assert np.array_equal(make("lof", n_neighbors=k).fit(train).score(test), expected)


@pytest.mark.fault(
    area="data",
    kind="equal samples",
    how="more training samples are equal than a density has neighbours",
    promise="the fit warns that scores near them are huge, with their number and what to do",
)
@pytest.mark.parametrize("spec", ["lof", "feature-bagging", "pyod:LOF", "ae+lof"])
def test_a_density_of_neighbours_warns_of_equal_samples(spec):
    x = np.random.default_rng(0).normal(size=(60, 3))
    settings = {"epochs": 0} if spec == "ae+lof" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x[:20] = x[0]
        make(spec, **settings).fit(x)
    x[20] = x[0]
    with pytest.warns(UserWarning, match="21 of 60 training samples have 20 or more copies, so"):
        detector = make(spec, **settings).fit(x)
    assert detector.score(x[:1] + 1e-3)[0] > 1e6


def test_feature_bagging_is_the_mean_of_local_outlier_factors_over_subsets(cancer):
    train, test, _ = cancer
    detector = make("feature-bagging", n_estimators=30, n_neighbors=5).fit(train)
    subsets = [subset for subset, _ in detector.members_]
    assert {len(np.unique(subset)) == len(subset) for subset in subsets} == {True}
    assert 15 <= min(map(len, subsets)) < max(map(len, subsets)) <= 30
    expected = [make("lof", n_neighbors=5).fit(train[:, s]).score(test[:, s]) for s in subsets]
    assert np.allclose(detector.score(test), np.mean(expected, axis=0))
    of_three = make("feature-bagging", n_estimators=30).fit(train[:, :3])
    assert {len(subset) for subset, _ in of_three.members_} == {1, 2, 3}


@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_is_exactly_scikit_learns(cancer, k):
    train, test, _ = cancer
    distances = NearestNeighbors(n_neighbors=k).fit(train).kneighbors(test)[0]
    largest = make("knn", n_neighbors=k).fit(train).score(test)
    mean = make("knn", n_neighbors=k, aggregation="mean").fit(train).score(test)
    assert np.array_equal(largest, distances[:, -1])
    assert np.array_equal(mean, distances.mean(axis=1))


@pytest.mark.parametrize("settings", [{}, {"nu": 0.1}, {"gamma": "auto"}, {"gamma": 0.02}])
def test_ocsvm_is_exactly_scikit_learns(cancer, settings):
    train, test, _ = cancer
    expected = -OneClassSVM(**settings).fit(train).decision_function(test)
    assert np.array_equal(make("ocsvm", **settings).fit(train).score(test), expected)


@pytest.mark.parametrize("settings", [{}, {"nu": 0.1}, {"gamma": "auto"}, {"gamma": 0.1}])
def test_the_nystroem_svm_ranks_as_the_exact_one(cancer, settings):
    train, test, _ = cancer
    exact = make("ocsvm", **settings).fit(train).score(test)
    approximate = make("ocsvm-nystroem", n_components=178, **settings).fit(train).score(test)
    assert spearmanr(exact, approximate).statistic > 0.97


@pytest.mark.parametrize(
    ("name", "settings", "fewest"),
    [
        ("lof", {"n_neighbors": 9}, 10),
        ("knn", {"n_neighbors": 9}, 10),
        ("kmeans", {"n_clusters": 10}, 10),
        ("k-means--", {"n_clusters": 10, "outlier_share": 0.0}, 10),
        ("gmm", {"n_components": 10}, 10),
        ("mahalanobis", {}, 10),
    ],
)
def test_too_few_training_rows_are_unsupported_not_clipped(cancer, name, settings, fewest):
    train, test, _ = cancer
    train, test = train[:, :9], test[:, :9]
    message = f"needs at least {fewest} training samples, there are {fewest - 1}"
    with pytest.raises(Unsupported, match=message):
        make(name, **settings).fit(train[: fewest - 1])
    if name != "mahalanobis":
        assert len(make(name, **settings).fit(train[:fewest]).score(test)) == len(test)


@pytest.mark.parametrize("name", SHALLOW)
def test_anomalies_of_breast_cancer_score_high(cancer, name):
    train, test, y = cancer
    assert roc_auc_score(y, make(name).fit(train).score(test)) > 0.88


def test_kmeans_measures_a_small_cluster_to_the_nearest_large_one():
    rng = np.random.default_rng(0)
    large = rng.normal(size=(95, 2))
    small = rng.normal(size=(5, 2), scale=0.1) + np.array([20, 0])
    train = np.concatenate([large, small])
    in_small = np.array([[20.0, 0.0]])
    ruled = make("kmeans", n_clusters=2, coverage=0.9).fit(train).score(in_small)
    assert ruled == pytest.approx(np.linalg.norm(in_small - large.mean(axis=0)))
    plain = make("kmeans", n_clusters=2, coverage=1.0).fit(train).score(in_small)
    assert plain == pytest.approx(np.linalg.norm(in_small - small.mean(axis=0)))


def test_pca_scores_are_squared_distances_to_the_leading_subspace(cancer):
    train, test, _ = cancer
    centred = test - train.mean(axis=0)
    leading = np.linalg.eigh(np.cov(train.T))[1][:, -3:]
    expected = (centred**2).sum(axis=1) - ((centred @ leading) ** 2).sum(axis=1)
    assert make("pca", n_components=3).fit(train).score(test) == pytest.approx(expected)


def test_a_share_takes_the_fewest_components_that_explain_it(cancer):
    train, _, _ = cancer
    variances = np.linalg.eigvalsh(np.cov(train.T))[::-1]
    n = len(make("pca", n_components=0.9).fit(train).components_)
    assert variances[:n].sum() >= 0.9 * variances.sum() > variances[: n - 1].sum()


def test_pca_leaves_a_direction_out_of_two_and_one_features():
    plane = np.random.default_rng(0).normal(size=(50, 2))
    assert make("pca").fit(plane).components_.shape == (1, 2)
    line = make("pca").fit(plane[:, :1]).score(plane[:, :1])
    assert line == pytest.approx((plane[:, 0] - plane[:, 0].mean()) ** 2)


def test_as_many_components_as_features_are_unsupported(cancer):
    with pytest.raises(Unsupported, match=r"n_components = 30 leaves no residual .* below 30"):
        make("pca", n_components=30).fit(cancer[0])


def test_gmm_is_the_negative_log_likelihood_in_nats(cancer):
    train, test, _ = cancer
    mixture = GaussianMixture(
        4, reg_covar=0.01, max_iter=200, random_state=integer_seed(3, "means")
    ).fit(train[:, :4])
    density = sum(
        weight * multivariate_normal(mean, covariance).pdf(test[:, :4])
        for weight, mean, covariance in zip(
            mixture.weights_, mixture.means_, mixture.covariances_, strict=True
        )
    )
    scores = make("gmm", seed=3).fit(train[:, :4]).score(test[:, :4])
    near = scores < 300  # beyond, a density is 0 in float64
    assert scores[near] == pytest.approx(-np.log(density[near]))


def test_kde_is_the_negative_log_of_the_mean_kernel_by_scotts_rule(cancer):
    train, test, _ = cancer
    n, d = train.shape
    h = n ** (-1 / (d + 4)) * np.sqrt(train.var(axis=0).mean())
    kernels = [multivariate_normal(row, h**2).logpdf(test) for row in train]
    scores = make("kde").fit(train).score(test)
    assert scores == pytest.approx(np.log(n) - logsumexp(kernels, axis=0))
    far = make("kde").fit(train).score(1e4 + test[:1])
    assert np.isfinite(far)


def test_kde_of_equal_rows_has_no_bandwidth():
    with pytest.raises(Unsupported, match=r"are equal.*set one"):
        make("kde").fit(np.ones((5, 2)))
    assert np.isfinite(make("kde", bandwidth=0.5).fit(np.ones((5, 2))).score(np.eye(2))).all()


def test_mahalanobis_withstands_anomalies_among_the_training_rows():
    rng = np.random.default_rng(0)
    train = np.concatenate([rng.normal(size=(80, 3)), rng.normal(size=(20, 3), scale=0.1) + 8])
    scores = make("mahalanobis").fit(train).score([[0, 0, 0], [8, 8, 8]])
    assert scores[1] > 50 > 3 > scores[0]


def test_mahalanobis_draws_as_many_samples_as_its_search_can_take(monkeypatch):
    x = np.random.default_rng(0).normal(size=(3000, 2)) @ [[1, 0.5], [0, 1]]
    whole = make("mahalanobis").fit(x).score(x)
    monkeypatch.setattr(covariance, "MOST_ROWS", 2000)
    drawn, again, other = (make("mahalanobis", seed=s).fit(x).score(x) for s in (0, 0, 1))
    assert_array_equal(drawn, again)
    assert (drawn != other).any()
    assert (drawn != whole).any()
    assert_allclose(drawn, whole, rtol=0.2, atol=0.02)


def test_mahalanobis_counts_a_constant_feature_in_its_own_unit():
    train = np.random.default_rng(0).normal(size=(60, 3))
    train[:, 1] = 0.1
    without = make("mahalanobis").fit(train[:, [0, 2]]).score([[1.0, 1.0]])
    assert make("mahalanobis").fit(train).score([[1.0, 3.1, 1.0]]) == pytest.approx(without + 9)
    with pytest.raises(Unsupported, match="no feature varies"):
        make("mahalanobis").fit(np.ones((9, 2)))


@pytest.mark.parametrize(("name", "original"), [("ecod", ECOD), ("copod", COPOD)])
def test_ecod_and_copod_give_what_pyod_gives_for_a_row_on_its_own(cancer, name, original):
    train, test, _ = cancer
    scores = make(name).fit(train).score(test[150:210])
    alone = [original().fit(train).decision_function(row[None])[0] for row in test[150:210]]
    together = original().fit(train).decision_function(test[150:210])
    assert scores == pytest.approx(np.array(alone), rel=1e-9)
    assert np.abs(scores - together).max() > 0.1


def test_ecod_counts_ties_into_both_tails():
    train = np.array([[0.0], [0.0], [1.0]])
    left, right = np.log(4 / 3), np.log(4 / 4)  # P(X <= 0) = 2 + 1 of 3 + 1, P(X >= 0) all
    assert make("ecod").fit(train).score([[0.0]]) == pytest.approx([max(left, right)])


def test_pca_of_equal_rows_is_the_squared_distance_to_them():
    assert make("pca").fit(np.ones((5, 3))).score(np.full((1, 3), 2.0)) == pytest.approx([3])
