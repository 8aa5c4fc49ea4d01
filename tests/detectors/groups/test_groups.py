"""Methods for groups against their formulas."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import OneClassSVM

from detectors import Groups, make
from detectors.kernels import width

RNG = np.random.default_rng(1)
TRAIN = [RNG.normal(size=(n, 2)) for n in (4, 7, 5, 9)]
TEST = [RNG.normal(size=(n, 2)) + shift for n, shift in ((6, 0), (3, 0), (5, 2))]


def test_mmd_is_the_unbiased_estimate_pair_by_pair():
    x, gamma = np.concatenate(TRAIN), 0.3
    scores = make("mmd", gamma=gamma).fit(TRAIN).score(TEST)

    def k(a, b):
        return np.exp(-gamma * ((a - b) ** 2).sum())

    def distinct(rows):
        return np.mean([k(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j])

    expected = [
        distinct(group) + distinct(x) - 2 * np.mean([k(a, b) for a in group for b in x])
        for group in TEST
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


def test_mmd_of_groups_like_the_training_rows_is_zero_on_average():
    rng = np.random.default_rng(2)
    train = [rng.normal(size=(20, 2)) for _ in range(40)]
    test = [rng.normal(size=(rng.integers(2, 9), 2)) for _ in range(400)]
    scores = make("mmd").fit(train).score(test)

    assert abs(scores.mean()) < 3 * scores.std() / 20


def test_the_distance_of_ocsmm_is_that_of_mean_embeddings():
    detector = make("ocsmm", gamma=0.4).fit(TRAIN)
    found = detector._distances(Groups.of(TEST))

    expected = [
        [
            rbf_kernel(a, a, 0.4).mean() + rbf_kernel(b, b, 0.4).mean()
            - 2 * rbf_kernel(a, b, 0.4).mean()
            for b in TRAIN
        ]
        for a in TEST
    ]  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_ocsmm_is_a_one_class_svm_on_the_gaussian_kernel_of_embeddings():
    detector = make("ocsmm", gamma=0.4, nu=0.3).fit(TRAIN)
    groups = Groups.of(TRAIN)
    among = detector._distances(groups)
    median = np.median(among[np.triu_indices(len(TRAIN), 1)])
    kernels = [np.exp(-detector._distances(x) / (2 * median)) for x in (groups, Groups.of(TEST))]
    svm = OneClassSVM(kernel="precomputed", nu=0.3).fit(kernels[0])

    np.testing.assert_allclose(detector.score(TEST), -svm.decision_function(kernels[1]))
    far = detector.score([x + 50 for x in TEST])
    assert far.min() > detector.score(TRAIN).max()


def test_random_features_approximate_the_kernel_of_groups():
    detector = make("mean-embedding", gamma=0.5, n_components=20_000).fit(TRAIN)
    products = detector.encode(TEST) @ detector.encode(TRAIN).T
    exact = [[rbf_kernel(a, b, 0.5).mean() for b in TRAIN] for a in TEST]

    np.testing.assert_allclose(products, exact, atol=0.02)


def test_the_median_heuristic_is_one_over_twice_the_squared_median_distance():
    x = np.array([[0.0], [1.0], [3.0]])

    assert width("median", x, np.random.default_rng(0)) == 1 / (2 * 2.0**2)
    assert width("median", np.zeros((3, 1)), np.random.default_rng(0)) == 1
    assert width(0.7, x, np.random.default_rng(0)) == 0.7


@pytest.mark.parametrize("spec", ["mmd", "ocsmm", "mean-embedding", "mean-embedding+knn"])
def test_a_group_in_which_one_of_three_equal_modes_dominates_scores_higher(spec):
    rng = np.random.default_rng(4)

    def group(shares):
        centres = np.array([[4.0, 0], [0, 4], [-4, -4]])
        return centres[rng.choice(3, 30, p=shares)] + rng.normal(size=(30, 2))

    even = [group([1 / 3] * 3) for _ in range(60)]
    odd = [group(rng.permutation([0.8, 0.1, 0.1])) for _ in range(20)]
    scores = make(spec).fit(even[:40]).score([*even[40:], *odd])

    assert roc_auc_score(np.repeat([0, 1], 20), scores) > 0.9
