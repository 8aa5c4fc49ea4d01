"""GOAD: its loss and its score against a direct computation."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import log_softmax

from detectors.deep.self_supervised.goad import GOAD, triplet_centre_losses

SMALL = {"n_transforms": 5, "transform_dim": 4, "hidden": (8,), "feature_dim": 3}


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 2)) @ rng.standard_normal((2, 6)) + 0.2 * rng.standard_normal(
        (60, 6)
    )


@pytest.fixture(scope="module")
def fitted(x):
    return GOAD(epochs=60, **SMALL).fit(x)


def features_by_loop(net, x):
    """f(x W_m) for every m, (M, n, k), by numpy."""
    first, second = (net.trunk[i].weight.detach().numpy().astype(float) for i in (0, 2))
    matrices = np.split(net.matrices.numpy().astype(float), 5, axis=1)
    hidden = [x @ matrix @ first for matrix in matrices]
    last = [np.where(h > 0, h, 0.01 * h) @ second for h in hidden]
    return np.stack([np.where(h > 0, h, 0.2 * h) for h in last])


def test_the_score_sums_the_surprise_at_the_right_transformation(x, fitted):
    centres = features_by_loop(fitted.net_, x).mean(axis=1)
    features = features_by_loop(fitted.net_, 2 * x[:9])
    expected = np.zeros(9)
    for m in range(5):
        distances = ((features[m][:, None] - centres) ** 2).sum(axis=2)
        expected -= log_softmax(-distances, axis=1)[:, m]
    assert_allclose(fitted.score(2 * x[:9]), expected, rtol=1e-3, atol=1e-4)


def test_the_triplet_centre_loss_wants_the_right_centre_nearer_by_the_margin():
    distances = np.random.default_rng(0).random((7, 4, 4)) * 3
    expected = np.zeros(7)
    for i, m in np.ndindex(7, 4):
        wrong = min(distances[i, m, other] for other in range(4) if other != m)
        expected[i] += max(0, distances[i, m, m] + 1 - wrong) / 4
    found = triplet_centre_losses(torch.from_numpy(distances), 1.0)
    assert_allclose(found.numpy(), expected)


def test_the_loss_adds_a_tenth_of_the_triplet_centre_loss_to_the_mean_cross_entropy(x, fitted):
    features = features_by_loop(fitted.net_, x[:20])
    centres = features.mean(axis=1)  # of the batch
    weight, bias = (each.detach().numpy() for each in fitted.net_.classifier.parameters())
    expected = 0.0
    for m in range(5):
        distances = ((features[m][:, None] - centres) ** 2).sum(axis=2)
        wrong = np.delete(distances, m, axis=1).min(axis=1)
        expected += 0.1 * np.maximum(0, distances[:, m] + 1 - wrong).mean() / 5
        expected -= log_softmax(features[m] @ weight + bias, axis=1)[:, m].mean() / 5
    with torch.no_grad():
        rows, even = torch.tensor(x[:20], dtype=torch.float32), torch.full((20,), 1 / 20)
        ours = fitted._loss(fitted.net_, rows, even, torch.empty(20, 0)).item()
    assert_allclose(ours, expected, rtol=1e-3)


def test_the_centres_are_means_over_all_training_rows_at_the_final_weights(x, monkeypatch):
    monkeypatch.setattr(
        "detectors.deep.self_supervised.goad.CENTRE_ROWS", 16
    )  # 60 rows: the last part has 12
    fitted = GOAD(epochs=2, batch_size=8, **SMALL).fit(x)
    centres = features_by_loop(fitted.net_, x).mean(axis=1)
    assert_allclose(fitted.net_.centres.numpy(), centres, rtol=1e-3, atol=1e-4)


def test_weights_start_with_the_spread_of_the_authors_code(x):
    net = GOAD(epochs=0).fit(x).net_
    for layer, sizes in ((net.trunk[0], 32 + 8), (net.classifier, 8 + 256)):
        assert_allclose(layer.weight.std().item(), np.sqrt(2 * 2 / sizes), rtol=0.1)


def test_the_centres_of_centred_samples_stand_apart(x):
    centres = GOAD(epochs=5, n_transforms=8).fit(x - x.mean(axis=0)).net_.centres.numpy()
    assert np.linalg.norm(centres, axis=1).min() > 0.1


def test_training_teaches_which_transformation_was_taken(x):
    def share_right(detector):
        with torch.no_grad():
            features = detector.net_(torch.from_numpy(x).float())
            distances = (features[:, :, None] - detector.net_.centres).square().sum(-1)
        return (distances.argmin(-1) == torch.arange(8)).float().mean().item()

    settings = {"n_transforms": 8, "batch_size": 16, "learning_rate": 0.01}
    untrained = GOAD(epochs=0, **settings).fit(x)
    assert share_right(GOAD(epochs=40, **settings).fit(x)) > share_right(untrained) + 0.3


def test_transformations_are_drawn_by_the_seed_and_stay_in_training(x, fitted):
    same, other = GOAD(epochs=0, **SMALL).fit(x), GOAD(seed=1, epochs=0, **SMALL).fit(x)
    assert torch.equal(same.net_.matrices, fitted.net_.matrices)
    assert (other.net_.matrices != fitted.net_.matrices).all()
