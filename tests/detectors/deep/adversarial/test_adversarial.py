"""AnoGAN and ALAD: their games, their scores, and generators that come nearer to the data."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from detectors.deep.adversarial.alad import ALAD
from detectors.deep.adversarial.anogan import AnoGAN, RowwiseProduct, SearchableDense
from detectors.networks.dense import Dense
from tests.helpers.distances import energy_distance

EVERY = pytest.mark.parametrize("cls", [AnoGAN, ALAD])


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    ring = rng.uniform(0, 2 * np.pi, n)
    both = np.c_[np.cos(ring), np.sin(ring)] @ np.random.default_rng(9).standard_normal((2, 4))
    return 2 + both + 0.1 * rng.standard_normal((n, 4))


def tensors(detector, x):
    noise = detector._noise(detector.net_, np.random.default_rng(1), len(x))
    return torch.from_numpy(x).float(), torch.from_numpy(noise)


def probability(logits):
    return expit(logits.double().numpy())


def generated(detector, n=300):
    _, noise = tensors(detector, np.zeros((n, 4)))
    with torch.no_grad():
        return detector.net_.generator(noise).double().numpy()


@pytest.mark.parametrize("cls", [AnoGAN, pytest.param(ALAD, marks=pytest.mark.slow)])
def test_generated_samples_come_nearer_to_the_data(cls):
    held = samples(300, seed=5)
    before, after = (
        energy_distance(generated(cls(epochs=epochs).fit(samples(160))), held) for epochs in (0, 60)
    )
    assert after < 0.3 * before


@EVERY
def test_a_game_holds_no_rows_out_and_plays_to_its_end(cls):
    detector = cls(epochs=6, patience=1).fit(samples(90))
    assert detector.epochs_ == 6
    assert set(detector.curves_) == {"discriminator", "generator"}


@EVERY
def test_steps_bound_the_epochs(cls):
    assert cls(epochs=9, max_steps=10).fit(samples(90)).epochs_ == 3  # of three steps each
    assert cls(epochs=9, max_steps=1).fit(samples(90)).epochs_ == 1
    assert cls(epochs=0, max_steps=1).fit(samples(90)).epochs_ == 0


@EVERY
@pytest.mark.parametrize("kept", ["discriminator", "generator"])
def test_an_objective_moves_its_own_parts_alone(cls, kept):
    before = dict(cls(epochs=0).fit(samples(40)).net_.named_parameters())

    class Part(cls):
        def _phases(self):
            (phase,) = super()._phases()
            objectives = tuple(each for each in phase.objectives if each.name == kept)
            return (type(phase)(objectives, self.epochs, selects=False),)

    parts = cls.discriminators if kept == "discriminator" else cls.generators
    for name, parameter in Part(epochs=3).fit(samples(40)).net_.named_parameters():
        moved = bool((parameter != before[name]).any())
        assert moved == (name.partition(".")[0] in parts), name


def test_the_losses_of_anogan_are_those_of_a_gan():
    detector = AnoGAN(epochs=3).fit(samples(40))
    net, (x, noise) = detector.net_, tensors(detector, samples(30))
    with torch.no_grad():
        true = probability(net.discriminator(x))[:, 0]
        made = probability(net.discriminator(net.generator(noise)))[:, 0]
        discriminating = detector._discriminating(net, x, noise).numpy()
        generating = detector._generating(net, x, noise).numpy()
    assert_allclose(discriminating, -np.log(true) - np.log(1 - made), rtol=1e-4)
    assert_allclose(generating, -np.log(made), rtol=1e-4)


def test_the_losses_of_alad_are_those_of_three_games():
    detector = ALAD(epochs=3).fit(samples(40))
    net, (x, z) = detector.net_, tensors(detector, samples(30))
    with torch.no_grad():
        code, made = net.encoder(x), net.generator(z)
        restored, recoded = net.generator(code), net.encoder(made)
        xx, zz = net.of_xx, net.of_zz
        true = [net.of_xz(x, code), xx(torch.cat([x, x], 1)), zz(torch.cat([z, z], 1))]
        fake = [net.of_xz(made, z), xx(torch.cat([x, restored], 1)), zz(torch.cat([z, recoded], 1))]
        true, fake = (np.hstack([probability(each) for each in side]) for side in (true, fake))
        discriminating = detector._discriminating(net, x, z).numpy()
        generating = detector._generating(net, x, z).numpy()
    assert_allclose(discriminating, -(np.log(true) + np.log(1 - fake)).sum(axis=1), rtol=1e-4)
    expected = -np.log(1 - true[:, 0]) - np.log(fake).sum(axis=1)
    assert_allclose(generating, expected, rtol=1e-4)


def test_the_search_of_anogan_comes_nearer_with_more_steps_and_scores_what_it_found():
    x = samples(40)
    few, many = (AnoGAN(epochs=30, search_steps=steps).fit(x) for steps in (1, 100))
    assert many.score(x).mean() < 0.85 * few.score(x).mean()
    assert (many.score(x) < few.score(x)).mean() > 0.9
    codes = torch.from_numpy(many.encode(x)).float()
    with torch.no_grad():
        made = many.net_.generator(codes)
        seen, imagined = (
            many.net_.discriminator[:-1](each).numpy()
            for each in (torch.from_numpy(x).float(), made)
        )
    residual = np.abs(x - made.numpy()).sum(axis=1)
    feature = np.abs(seen - imagined).sum(axis=1)
    assert_allclose(many.score(x, "residual"), residual, rtol=1e-4)
    assert_allclose(many.score(x, "feature"), feature, rtol=1e-4, atol=1e-5)
    assert_allclose(many.score(x), 0.9 * residual + 0.1 * feature, rtol=1e-4)


def test_the_first_step_of_the_search_is_one_of_adam():
    x = samples(20)
    detector = AnoGAN(epochs=5, search_steps=1, search_rate=0.3).fit(x)
    start = detector.stream("read-outs").standard_normal((1, detector.net_.latent_dim))
    moved = np.abs(detector.encode(x) - start)
    assert_allclose(moved, 0.3, rtol=1e-3)  # a first step of Adam is as long as its rate


def test_the_scores_of_alad_compare_a_sample_with_its_reconstruction():
    x = samples(40)
    detector = ALAD(epochs=3).fit(x)
    rows, net = torch.from_numpy(x).float(), detector.net_
    with torch.no_grad():
        restored = net.generator(torch.from_numpy(detector.encode(x)).float())
        seen = net.of_xx[:-1](torch.cat([rows, rows], 1))
        other = net.of_xx[:-1](torch.cat([rows, restored], 1))
        logits = net.of_xx(torch.cat([rows, restored], 1))[:, 0]
    errors = x - restored.numpy()
    features = (seen - other).abs().sum(1)
    assert_allclose(detector.score(x), features.numpy(), rtol=1e-4, atol=1e-6)
    assert_allclose(detector.score(x, "l1"), np.abs(errors).sum(axis=1), rtol=1e-5)
    assert_allclose(detector.score(x, "l2"), (errors**2).mean(axis=1), rtol=1e-5)
    assert_allclose(detector.score(x, "logits"), -np.log(probability(logits)), rtol=1e-4)


@EVERY
def test_images_train_and_score_alike_in_any_company(cls):
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = cls(epochs=1).fit(images)
    scores = detector.score(images)
    assert_array_equal(detector.score(images[::-1]), scores[::-1])
    assert_array_equal(detector.score(images[:1]), scores[:1])


@pytest.mark.parametrize("k", [3, 6, 9])
def test_a_gradient_of_the_search_does_not_depend_on_the_place_of_its_row(k):
    draws = torch.Generator().manual_seed(0)
    w, x, pull = (torch.randn(*size, generator=draws) for size in ((k, 64), (128, k), (128, 64)))
    pull[:] = pull[0]
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(RowwiseProduct.apply(x, w), x, pull)
    assert torch.equal(gradient, gradient[:1].expand(128, k))
    torch.testing.assert_close(gradient[0], w @ pull[0])


def test_every_product_of_the_search_keeps_the_gradients_of_rows_apart():
    layers = [
        each for each in AnoGAN(epochs=0).fit(samples(9)).net_.modules() if isinstance(each, Dense)
    ]
    assert len(layers) == 6
    assert all(isinstance(each, SearchableDense) for each in layers)
