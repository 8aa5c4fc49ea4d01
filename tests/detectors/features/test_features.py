"""Each method on pretrained features against its formulas, worked out another way.

The network has random weights, which need no package.
"""

import os

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist, mahalanobis
from scipy.stats import gaussian_kde, multivariate_normal
from sklearn.decomposition import PCA

from bench.metrics.scored import auroc
from datasets import load
from detectors import Unsupported, make
from detectors.compose import Hybrid
from detectors.features.patchcore import farthest_first
from detectors.networks.features import as_pixels, on_grid
from detectors.standardise import location_and_scale

X = np.random.default_rng(0).integers(0, 256, (14, 3, 40, 32)).astype(np.float32)
TRAIN, TEST = X[:10], X[10:]
RANDOM = {"pretrained": False}


def features_of(detector, x):
    return [[each[0].double().numpy() for each in maps] for maps in detector._features(x)]


def test_padim_measures_mahalanobis_distances_cell_by_cell():
    detector = make("padim", **RANDOM, n_features=7).fit(TRAIN)
    train, test = (np.array([c.numpy() for c in detector._cells(x)]) for x in (TRAIN, TEST))
    expected = np.empty(test.shape[:2])
    for cell in range(test.shape[1]):
        rows = train[:, cell]
        covariance = np.cov(rows, rowvar=False) + 0.01 * np.eye(7)
        for i, row in enumerate(test[:, cell]):
            expected[i, cell] = mahalanobis(row, rows.mean(0), np.linalg.inv(covariance))
    cells = torch.tensor(expected.reshape(-1, *detector.sides_))
    maps = np.concatenate([as_pixels(each, (40, 32)) for each in cells])
    assert detector.sides_ == (10, 8)
    assert_allclose(detector.localize(TEST), maps, rtol=1e-6)
    assert_allclose(detector.score(TEST), maps.max((1, 2)), rtol=1e-6)


def test_the_coreset_takes_the_farthest_patch_each_time():
    x = np.random.default_rng(1).normal(size=(60, 5)).astype(np.float32)
    chosen = [4]
    while len(chosen) < 12:
        chosen.append(int(cdist(x, x[chosen]).min(1).argmax()))
    assert farthest_first(torch.tensor(x), 12, 4).tolist() == chosen


def test_patchcore_scores_the_worst_patch_by_its_distance_and_equation_7():
    detector = make("patchcore", **RANDOM, share=0.2, n_neighbors=3).fit(TRAIN)
    memory = detector.memory_.double().numpy()
    assert len(memory) == 40  # of 10 images with 5 x 4 patches
    scores = []
    for patches in detector._patches(TEST):
        distances = cdist(patches.double().numpy(), memory)
        worst = distances.min(1).argmax()
        nearest = distances[worst].argmin()
        around = np.argsort(cdist(memory[[nearest]], memory)[0])[:3]
        weight = 1 - 1 / np.exp(distances[worst][around] - distances[worst][nearest]).sum()
        scores.append(weight * distances[worst][nearest])
    assert_allclose(detector.score(TEST), scores, rtol=1e-4)


def test_a_patch_is_the_mean_of_the_features_around_it():
    detector = make("patchcore", **RANDOM).fit(TRAIN)
    (maps,) = features_of(detector, TEST[:1])
    (patches,) = detector._patches(TEST[:1])
    around = maps[1][:, 1:4, 0:3].mean((1, 2))  # of the cell (2, 1) of 8 pixels
    assert_allclose(patches.reshape(5, 4, -1)[2, 1, 24:64], around, rtol=1e-4, atol=1e-5)


def test_spade_compares_with_the_images_that_are_nearest():
    detector = make("spade", **RANDOM, n_neighbors=3).fit(TRAIN)
    train, test = features_of(detector, TRAIN), features_of(detector, TEST)

    def cells(maps):
        joined = on_grid([torch.tensor(each)[None] for each in maps[:-1]], 1)
        return joined.flatten(1).T.numpy()

    for i, image in enumerate(test):
        distances = np.array([np.linalg.norm(image[-1] - other[-1]) for other in train])
        nearest = np.argsort(distances)[:3]
        assert_allclose(detector.score(TEST)[i], distances[nearest].mean(), rtol=1e-5)
        gallery = np.concatenate([cells(train[j]) for j in nearest])
        expected = torch.tensor(cdist(cells(image), gallery).min(1).reshape(5, 4))
        assert_allclose(detector.localize(TEST)[[i]], as_pixels(expected, (40, 32)), rtol=1e-4)


def test_dfm_is_a_gaussian_of_principal_components_and_their_error():
    detector = make("dfm", **RANDOM).fit(TRAIN)
    train, test = detector.model._rows(TRAIN).numpy(), detector.model._rows(TEST).numpy()
    pca = PCA(n_components=0.97, svd_solver="full").fit(train)
    codes = pca.transform(test)
    density = multivariate_normal(cov=np.diag(pca.explained_variance_))
    assert_allclose(detector.score(TEST), -density.logpdf(codes), rtol=1e-6)
    errors = np.square(test - pca.inverse_transform(codes)).sum(1)
    assert_allclose(make("dfm:fre", **RANDOM).fit(TRAIN).score(TEST), errors, rtol=1e-6)


def test_dfkde_is_the_kernel_density_of_principal_components():
    detector = make("dfkde", **RANDOM, n_components=3).fit(TRAIN)
    train, test = (detector._pooled(x).numpy() for x in (TRAIN, TEST))
    pca = PCA(n_components=3, svd_solver="full").fit(train)
    density = gaussian_kde(pca.transform(train).T, "scott")
    assert_allclose(detector.score(TEST), -density.logpdf(pca.transform(test).T), rtol=1e-6)


def test_pooled_features_feed_any_head_and_score_by_the_nearest():
    detector = make("backbone:lite0", **RANDOM).fit(TRAIN)
    train, test = detector.encode(TRAIN), detector.encode(TEST)
    assert_allclose(detector.score(TEST), np.sort(cdist(test, train))[:, :2].mean(1), rtol=1e-6)
    mean, scale = location_and_scale(train)
    scaled = [(codes - mean) / scale for codes in (train, test)]
    knn = make("backbone:lite0+knn", **RANDOM, head={"n_neighbors": 3}).fit(TRAIN)
    alone = make("knn", n_neighbors=3).fit(scaled[0]).score(scaled[1])
    assert_allclose(knn.score(TEST), alone, rtol=1e-6)
    for head in ("gmm", "iforest", "kde", "kmeans", "ocsvm"):
        made = Hybrid(encoder=detector, head=make(head)).fit_head(TRAIN)
        assert np.isfinite(made.score(TEST)).all(), head


@pytest.mark.parametrize("name", ["padim", "patchcore", "spade"])
def test_scores_and_maps_do_not_depend_on_other_images(name):
    detector = make(name, **RANDOM).fit(TRAIN)
    assert np.array_equal(detector.score(TEST[2:3]), detector.score(TEST)[2:3])
    assert np.array_equal(detector.localize(TEST[2:3]), detector.localize(TEST)[2:3])


def test_maps_are_blurred_and_as_large_as_the_image():
    cells = torch.zeros(10, 8)
    cells[5, 2] = 1
    (made,) = as_pixels(cells, (40, 32))
    assert made.shape == (40, 32)
    assert np.unravel_index(made.argmax(), made.shape) in [(21, 9), (22, 10), (21, 10), (22, 9)]
    assert gaussian_filter(made, 1).sum() == pytest.approx(16, rel=1e-3)


def test_white_is_255_or_1_and_grey_images_are_three_equal_channels():
    detector = make("padim", **RANDOM)
    scores = detector.fit(TRAIN).score(TEST)
    assert_allclose(make("padim", **RANDOM).fit(TRAIN / 255).score(TEST / 255), scores, rtol=1e-3)
    grey = TRAIN[:, :1], TEST[:, :1]
    thrice = [np.repeat(images, 3, axis=1) for images in grey]
    scores = make("padim", **RANDOM).fit(thrice[0]).score(thrice[1])
    assert np.array_equal(make("padim", **RANDOM).fit(grey[0]).score(grey[1]), scores)


@pytest.mark.parametrize(
    ("x", "message"),
    [(TRAIN - 128, "pixels in 0 to 1 or 0 to 255, these are in -128 to 127; use the scaler none"),
     (TRAIN * 2, "these are in 0 to 510; use the scaler none"),
     (TRAIN[:, :2], r"need images \(n, 1 or 3, h, w\), these are \(10, 2, 40, 32\)"),
     (TRAIN[:, 0, 0], r"these are \(10, 32\); use a detector of vectors")],
)  # fmt: skip
def test_samples_that_are_no_images_of_the_network_are_refused(x, message):
    with pytest.raises(Unsupported, match=message):
        make("padim", **RANDOM).fit(x)


@pytest.mark.slow
@pytest.mark.skipif("BENCH_DATA" not in os.environ, reason="needs MVTec AD")
def test_bottle_is_solved_by_pretrained_features():
    data = load("mvtec/bottle?size=224")
    train, test = (data.x[rows].astype(np.float32) for rows in
                   (data.split.train, data.split.test))  # fmt: skip
    truth, masks = data.y[data.split.test], data.masks[data.split.test].ravel()
    for name, least in (("padim", 0.975), ("patchcore", 0.98)):
        detector = make(name).fit(train)
        assert auroc(truth, detector.score(test)) >= 0.995
        assert auroc(masks, detector.localize(test).ravel()) >= least
