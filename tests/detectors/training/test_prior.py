"""AAE and WAE: their losses, their read-outs, and codes that are distributed as the prior."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from detectors.deep.adversarial.aae import AAE
from detectors.deep.adversarial.wae import WAEGAN, WAEMMD
from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.networks.mmd import mmd
from tests.helpers.distances import energy_distance

EVERY = pytest.mark.parametrize("cls", [AAE, WAEMMD, WAEGAN])
ONE_AND_OTHERS = pytest.mark.parametrize(
    "cls", [AAE, *(pytest.param(cls, marks=pytest.mark.slow) for cls in (WAEMMD, WAEGAN))]
)
ADVERSARIAL = pytest.mark.parametrize("cls", [AAE, WAEGAN])


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((90, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.2 * rng.standard_normal((90, 6))


@pytest.fixture(scope="module")
def digits():
    """Scaled images of two digits: training rows, and rows kept out."""
    images, digit = load_digits(return_X_y=True)
    some = np.random.default_rng(0).permutation(images[digit < 2])
    scaler = StandardScaler().fit(some[:240])
    return scaler.transform(some[:240]), scaler.transform(some[240:])


def distance_to_prior(codes):
    return energy_distance(codes, np.random.default_rng(7).standard_normal((600, codes.shape[1])))


@pytest.fixture(scope="module")
def distance_of_plain_codes(digits):
    train, held = digits
    return distance_to_prior(Autoencoder(epochs=80).fit(train).encode(held))


@ONE_AND_OTHERS
def test_held_out_codes_are_five_times_nearer_to_the_prior_than_those_of_an_autoencoder(
    cls, digits, distance_of_plain_codes
):
    train, held = digits
    assert distance_of_plain_codes > 0.3
    assert distance_to_prior(cls(epochs=80).fit(train).encode(held)) < distance_of_plain_codes / 5


def tensors(detector, x):
    rows = torch.from_numpy(x).float()
    weight = torch.full((len(x),), 1 / len(x))
    noise = torch.from_numpy(detector._noise(detector.net_, np.random.default_rng(1), len(x)))
    return rows, weight, noise


def objective(detector, name):
    return {each.name: each for each in detector._phases()[0].objectives}[name]


def value(detector, name, x):
    with torch.no_grad():
        return objective(detector, name).loss(detector.net_, *tensors(detector, x)).item()


def probabilities(detector, codes):
    with torch.no_grad():
        return expit(detector.net_.discriminator(torch.as_tensor(codes).float()).numpy())


@ADVERSARIAL
def test_the_discriminator_is_taught_that_draws_are_true_and_codes_are_not(cls, x):
    detector = cls(epochs=3).fit(x)
    drawn = probabilities(detector, tensors(detector, x)[2])
    coded = probabilities(detector, detector.encode(x))
    expected = -np.log(drawn).mean() - np.log(1 - coded).mean()
    assert value(detector, "discriminator", x) == pytest.approx(expected, rel=1e-4)


def test_the_encoder_of_an_aae_is_taught_to_pass_for_the_prior(x):
    detector = AAE(epochs=3).fit(x)
    expected = -np.log(probabilities(detector, detector.encode(x))).mean()
    assert value(detector, "generator", x) == pytest.approx(expected, rel=1e-4)
    assert value(detector, "loss", x) == pytest.approx(detector.score(x).mean(), rel=1e-4)


def test_the_loss_of_a_wae_is_the_cost_plus_lambda_times_the_divergence(x):
    gan, kernel = (cls(epochs=3, divergence_weight=3.0).fit(x) for cls in (WAEGAN, WAEMMD))
    confusion = -np.log(probabilities(gan, gan.encode(x))).mean()
    expected = 6 * gan.score(x).mean() + 3 * confusion
    assert value(gan, "loss", x) == pytest.approx(expected, rel=1e-4)
    _, weight, noise = tensors(kernel, x)
    divergence = mmd(torch.from_numpy(kernel.encode(x)).float(), noise, weight).item()
    expected = 6 * kernel.score(x).mean() + 3 * divergence
    assert value(kernel, "loss", x) == pytest.approx(expected, rel=1e-4)


@ADVERSARIAL
def test_held_out_rows_are_judged_by_their_error_and_their_divergence(cls, x):
    detector = cls(epochs=3).fit(x)
    rows, weight, noise = tensors(detector, x)
    judge = detector._phases()[0].judge
    with torch.no_grad():
        judged = judge(detector.net_, rows, weight, noise).item()
    divergence = mmd(torch.from_numpy(detector.encode(x)).float(), noise, weight).item()
    assert judged == pytest.approx(detector.score(x).mean() + divergence, rel=1e-4)


@ADVERSARIAL
def test_the_discriminator_is_moved_by_its_own_loss_alone(cls, x):
    """Where the other objectives stand still, so do encoder and decoder, and the reverse."""
    before = dict(cls(epochs=0).fit(x).net_.named_parameters())
    phase = cls(epochs=3)._phases()[0]
    for kept in ("discriminator", "loss"):

        class Part(cls):
            def _phases(self, kept=kept):
                objectives = tuple(o for o in phase.objectives if o.name == kept)
                return (type(phase)(objectives, self.epochs, judge=phase.judge),)

        after = Part(epochs=3).fit(x).net_.named_parameters()
        for name, parameter in after:
            moved = bool((parameter != before[name]).any())
            assert moved == (name.startswith("discriminator") == (kept == "discriminator")), name


@EVERY
def test_the_latent_likelihood_is_the_density_of_the_code_under_the_prior(cls, x):
    detector = cls(epochs=3).fit(x)
    expected = -norm.logpdf(detector.encode(x)).sum(axis=1)
    assert_allclose(detector.score(x, "latent-likelihood"), expected, rtol=1e-6)


@ADVERSARIAL
def test_a_code_that_the_discriminator_finds_out_scores_higher(cls, x):
    detector = cls(epochs=3).fit(x)
    fake = 1 - probabilities(detector, detector.encode(x)).squeeze(1)
    scores = detector.score(x, "discriminator")
    assert_allclose(scores, np.log(fake / (1 - fake)), rtol=1e-3, atol=1e-5)


@EVERY
def test_images_train_and_score(cls):
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = cls(epochs=2).fit(images)
    for readout in cls.readouts:
        scores = detector.score(images, readout)
        assert np.array_equal(detector.score(images[::-1], readout), scores[::-1])


@ADVERSARIAL
def test_a_discriminator_that_tells_codes_from_the_prior_says_so_on_its_own_read_out(cls, x):
    detector = cls(epochs=2).fit(x)
    codes = detector.score(x, "discriminator")
    assert 0 <= detector.separation_ <= 1
    detector.separation_ = 0.78
    with pytest.warns(UserWarning, match="order may be turned around"):
        assert_array_equal(detector.score(x, "discriminator"), codes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector.score(x)
        detector.separation_ = 0.5
        detector.score(x, "discriminator")
