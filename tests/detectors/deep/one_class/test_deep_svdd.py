"""Deep SVDD: the centre, the radius and the pretraining are those of the paper."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors.deep.one_class.deep_svdd import DeepSVDD


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)) @ np.random.default_rng(99).standard_normal((3, 8))


def representations(detector, x):
    with torch.no_grad():
        return detector.net_.encoder(torch.tensor(x, dtype=torch.float32)).numpy()


def test_the_score_is_the_squared_distance_to_the_centre():
    detector = DeepSVDD(epochs=3).fit(samples(80))
    x = samples(9, seed=1)
    expected = np.square(representations(detector, x) - detector.net_.centre.numpy()).sum(1)
    assert_allclose(detector.score(x), expected, rtol=1e-4)
    assert_allclose(detector.encode(x), representations(detector, x), rtol=1e-4, atol=1e-6)


def test_the_centre_is_the_mean_before_the_description_and_keeps_away_from_zero():
    x = samples(31)  # too few to hold any out
    detector = DeepSVDD(epochs=0, latent_dim=64).fit(x)
    mean, centre = representations(detector, x).mean(0), detector.net_.centre.numpy()
    near = np.abs(mean) < 0.1
    assert near.any()
    assert (~near).any()
    assert_allclose(centre[~near], mean[~near], rtol=1e-5)
    assert_allclose(centre[near], np.where(mean[near] < 0, -0.1, 0.1), rtol=1e-6)


@pytest.mark.parametrize("pretraining_epochs", [0, 2])
def test_convolutions_are_normalised_by_statistics_of_the_rows_that_train(pretraining_epochs):
    x = 5 + np.random.default_rng(0).normal(size=(60, 1, 8, 8))
    detector = DeepSVDD(
        epochs=2, pretraining_epochs=pretraining_epochs, validation_share=0, learning_rate=1e-2
    ).fit(x)
    first = detector.net_.encoder[0](torch.tensor(x, dtype=torch.float32))
    norm = detector.net_.encoder[1]
    assert_allclose(norm.mean, first.mean((0, 2, 3)).detach(), rtol=1e-4, atol=1e-5)
    assert_allclose(norm.variance, first.var((0, 2, 3), correction=0).detach(), rtol=1e-4)


def test_no_layer_has_a_bias_so_nothing_is_mapped_to_the_centre_for_free():
    detector = DeepSVDD(epochs=5).fit(samples(60))
    assert all(name.endswith("weight") for name, _ in detector.net_.named_parameters())
    assert (representations(detector, np.zeros((1, 8))) == 0).all()


def test_by_default_images_are_pretrained_and_vectors_are_not():
    images = np.random.default_rng(0).random((40, 1, 8, 8))
    of_images, of_vectors = (DeepSVDD(epochs=2).fit(x) for x in (images, samples(40)))
    assert len(of_images.curves_["loss of pretraining"]) == 2
    assert "loss of pretraining" not in of_vectors.curves_
    assert not hasattr(of_vectors.net_, "decoder")
    assert of_vectors.net_.encoder[0].weight.shape == (samples(40).shape[1], 256)


def test_pretraining_restores_samples_and_the_description_leaves_the_decoder_alone():
    settings = {"pretraining_epochs": 30, "fine_tuning_pace": 1.0}
    described = DeepSVDD(epochs=30, **settings).fit(samples(120))
    pretrained = described.curves_["loss of pretraining"]
    assert pretrained[-1] < 0.5 * pretrained[0]
    assert described.losses_[-1] < 0.5 * described.losses_[0]
    other = DeepSVDD(epochs=30, pretraining_epochs=30, fine_tuning_pace=1e-9).fit(samples(120))
    for ours, theirs in zip(
        described.net_.decoder.parameters(), other.net_.decoder.parameters(), strict=True
    ):
        assert_array_equal(ours.detach(), theirs.detach())
    moved = [
        (ours != theirs).any()
        for ours, theirs in zip(
            described.net_.encoder.parameters(), other.net_.encoder.parameters(), strict=True
        )
    ]
    assert all(moved)


def test_the_seed_fixes_the_pretraining_too():
    first, again, other = (DeepSVDD(seed=s, epochs=4).fit(samples(60)) for s in (1, 1, 2))
    x = samples(5, seed=3)
    assert_array_equal(first.score(x), again.score(x))
    assert (first.score(x) != other.score(x)).all()


@pytest.mark.parametrize("nu", [0.05, 0.2, 0.5])
def test_about_nu_of_the_training_samples_lie_beyond_the_soft_boundary(nu):
    x = samples(400)
    settings = {"objective": "soft-boundary", "nu": nu, "validation_share": 0.0}
    scores = DeepSVDD(epochs=20, warm_up=5, **settings).fit(x).score(x)
    assert (scores > 0).mean() == pytest.approx(nu, abs=0.01)
    assert scores.std() > 1e-3 * np.abs(scores).max()


def test_the_radius_is_zero_until_the_warm_up_is_over():
    x = samples(60)
    settings = {"objective": "soft-boundary", "epochs": 6, "validation_share": 0.0}
    loss = DeepSVDD(warm_up=3, **settings).fit(x).losses_
    plain = DeepSVDD(objective="one-class", epochs=6, validation_share=0.0, nu=0.1).fit(x).losses_
    assert_allclose(loss[0], plain[0] / 0.1, rtol=1e-3)  # R = 0: the mean distance over nu
    assert loss[3] < 0.5 * loss[2]


@pytest.mark.parametrize("settings", [{"max_steps": 8}, {"patience": 2, "fine_tuning_pace": 1e-9}])
def test_the_radius_is_set_where_training_ends_before_the_warm_up(settings):
    x = samples(120)
    detector = DeepSVDD(objective="soft-boundary", warm_up=50, nu=0.2, **settings).fit(x)
    assert detector.epochs_ < 10
    assert (detector.score(x) > 0).mean() == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("objective", ["one-class", "soft-boundary"])
def test_the_loss_is_that_of_the_paper(objective):
    detector = DeepSVDD(objective=objective, epochs=3, nu=0.2, penalty=0.01).fit(samples(80))
    net, x = detector.net_, samples(9, seed=1)
    with torch.no_grad():
        rows = torch.tensor(x, dtype=torch.float32)
        ours = detector._losses(net, rows, torch.empty(9, 0)).mean().item()
    distances = np.square(representations(detector, x) - net.centre.numpy()).sum(1)
    weights = [each.detach().numpy() for each in net.encoder.parameters()]
    expected = 0.01 / 2 * sum(np.square(each).sum() for each in weights)
    if objective == "one-class":  # equation 4
        expected += distances.mean()
    else:  # equation 3
        radius = float(net.squared_radius)
        assert radius > 0
        expected += radius + np.maximum(0, distances - radius).mean() / 0.2
    assert_allclose(ours, expected, rtol=1e-4)


def test_penalising_the_weights_shrinks_them():
    x = samples(60)
    norms = [
        sum(float(w.detach().square().sum()) for w in detector.net_.encoder.parameters())
        for detector in (
            DeepSVDD(epochs=30, penalty=penalty, fine_tuning_pace=1.0).fit(x)
            for penalty in (0.0, 1.0)
        )
    ]
    assert norms[1] < 0.9 * norms[0]
