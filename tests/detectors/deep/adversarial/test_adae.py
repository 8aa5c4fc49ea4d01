"""ADAE: the losses of its game, its margin and its scores, by hand."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors.deep.adversarial.adae import ADAE


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((90, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.2 * rng.standard_normal((90, 6))


@pytest.fixture(scope="module")
def fitted(x):
    return ADAE(epochs=5).fit(x)


def parts(detector, x):
    """Return x, G(x), D(x) and D(G(x)) as arrays."""
    net, rows = detector.net_, torch.from_numpy(x).float()
    with torch.no_grad():
        made = net.generator(rows)
        given = (rows, made, net.discriminator(rows), net.discriminator(made))
    return [each.double().numpy() for each in given]


def l1(a, b):
    return np.abs(a - b).mean(axis=1)


@pytest.mark.parametrize("margin", [1e9, 0.105])
def test_the_losses_are_those_of_the_paper_up_to_the_margin(x, fitted, margin):
    real, made, restored, remade = parts(fitted, x)
    detector, rows = ADAE(margin=margin), torch.from_numpy(x).float()
    with torch.no_grad():
        discriminating = detector._discriminating(fitted.net_, rows, None).numpy()
        generating = detector._generating(fitted.net_, rows, None).numpy()
    assert (l1(made, remade) > 0.105).any()  # the margin counts
    assert_allclose(
        discriminating, l1(real, restored) - np.minimum(l1(made, remade), margin), atol=1e-5
    )
    assert_allclose(generating, l1(real, made) + l1(made, remade), rtol=1e-4)


@pytest.mark.parametrize("kept", ["discriminator", "generator"])
def test_an_objective_moves_its_own_autoencoder_alone(x, kept):
    before = dict(ADAE(epochs=0).fit(x).net_.named_parameters())

    class Part(ADAE):
        def _phases(self):
            (phase,) = super()._phases()
            (objective,) = (each for each in phase.objectives if each.name == kept)
            return (type(phase)((objective,), self.epochs),)

    for name, parameter in Part(epochs=3).fit(x).net_.named_parameters():
        assert bool((parameter != before[name]).any()) == name.startswith(kept), name


def test_the_game_stays_bounded_with_a_margin_and_does_not_without(x):
    with_margin, without = (ADAE(epochs=40, margin=margin).fit(x).curves_ for margin in (0.1, 1e9))
    assert min(with_margin["discriminator"]) > -0.1
    assert min(without["discriminator"]) < -1
    assert with_margin["generator"][-1] < 1 < without["generator"][-1]


def test_the_scores_compare_a_sample_with_its_reconstructions(x, fitted):
    real, made, _, remade = parts(fitted, x)
    assert_allclose(fitted.score(x), ((real - remade) ** 2).mean(axis=1), rtol=1e-5)
    norms = np.linalg.norm(real - remade, axis=1)  # the paper's score
    assert_array_equal(fitted.score(x).argsort(), norms.argsort())
    expected = ((real - made) ** 2).mean(axis=1)
    assert_allclose(fitted.score(x, "generator-error"), expected, rtol=1e-5)
    assert_allclose(fitted.reconstruct(x), remade, rtol=1e-5)


def test_images_train_and_score_alike_in_any_company():
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = ADAE(epochs=1).fit(images)
    scores = detector.score(images)
    assert_array_equal(detector.score(images[::-1]), scores[::-1])
    assert_array_equal(detector.score(images[:1]), scores[:1])
    assert detector.localize(images).shape == (40, 8, 8)
