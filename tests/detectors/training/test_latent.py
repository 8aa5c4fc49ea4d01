"""The latent space of fitted models: what it returns agrees with what the models themselves do."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detectors.factory import make_model
from detectors.registry import find
from detectors.spec import parse
from detectors.training.latent import Decoded, Posteriors, latent_space

X = np.random.default_rng(0).normal(size=(40, 6))
IMAGES = np.random.default_rng(0).random((20, 1, 8, 8), dtype=np.float32)
SPACES = {}


def fitted(name, x=X, **settings):
    return make_model(parse(name), epochs=1, **settings).fit(x)


def space_of(name, x=X):
    if (name, x.ndim) not in SPACES:
        SPACES[name, x.ndim] = latent_space(fitted(name, x))
    return SPACES[name, x.ndim]


@pytest.mark.parametrize("name", ["ae", "mae", "sae", "vae", "aae", "alad", "deep-svdd", "cae"])
def test_a_model_that_encodes_has_a_latent_space_with_its_codes(name):
    assert find(name).encodes
    space = space_of(name)
    assert_allclose(space.codes(X), space.model.encode(X))
    if isinstance(space, Decoded):
        assert space.decode(space.codes(X)).shape == X.shape


@pytest.mark.parametrize(("name", "x"), [("ae", X), ("sae", X), ("vae", X), ("vae", IMAGES)])
def test_a_decoded_code_is_the_reconstruction(name, x):
    space = space_of(name, x)
    assert_allclose(space.decode(space.codes(x)), space.model.reconstruct(x), atol=1e-6)


@pytest.mark.parametrize(("name", "x"), [("ae", X), ("mae", X), ("sae", X), ("vae", IMAGES)])
def test_the_rest_of_the_encoder_leads_from_the_hidden_layer_to_the_codes(name, x):
    space = space_of(name, x)
    hidden = space.hidden(x)
    assert len(hidden) == len(x)
    assert_allclose(space.codes_of_hidden(hidden), space.codes(x), atol=1e-6)


def test_draws_divergence_and_geodesic_are_those_of_the_posterior():
    space = space_of("vae")
    assert isinstance(space, Posteriors)
    mean, log = space.moments(X)
    assert_allclose(space.codes(X), mean)
    noise = np.random.default_rng(1).normal(size=mean.shape)
    assert_allclose(space.draws(X, noise), mean + np.exp(0.5 * log) * noise)
    assert_allclose(space.kl_by_unit(X).sum(axis=1), space.model.score(X, "kl"))
    mu, scale = space.between(X[:2], np.array([0.0, 1.0]))
    assert_allclose(mu, mean[:2])
    assert_allclose(scale, np.exp(0.5 * log[:2]))


def test_codes_of_a_posterior_are_its_centre_whatever_a_head_gets():
    model = fitted("vae", codes="mean-and-scale")
    assert latent_space(model).codes(X).shape[1] == model.net_.latent_dim


@pytest.mark.parametrize(("name", "has"), [("ae", False), ("aae", True), ("vae", True)])
def test_only_models_with_a_prior_have_one(name, has):
    assert space_of(name).has_prior is has
