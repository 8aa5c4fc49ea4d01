"""Maps of heads: the gradient of a score with respect to the pixels, through the encoder."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from detectors import Unsupported, make, names
from detectors.conformance.subject import N_FAR, Subject
from detectors.factory import make_model
from detectors.registry import find
from detectors.spec import STEPWISE, parse
from tests.helpers.quick import QUICK

IMAGES = np.random.default_rng(0).random((30, 1, 8, 8)).astype(np.float32)
HEADS = [
    pytest.param(name, marks=[pytest.mark.slow] if find(name).takes_epochs else [])
    for name in names()
    if not (find(name).takes_groups or find(name).images_only)
    and find(name).family in ("deep", "shallow")
    and make(name).bounds is None
]


def by_autograd(model, x, score):
    """Return the absolute gradients (n, h, w) of a score of standardised codes."""
    rows = torch.tensor(x).double().requires_grad_()
    codes = model.encoder._embed(rows).double()
    standard = (codes - torch.tensor(model.mean_)) / torch.tensor(model.scale_)
    return torch.autograd.grad(score(standard).sum(), rows)[0].abs()[:, 0].numpy()


@pytest.mark.parametrize("name", ["ae", "vae", "deep-svdd"])
def test_the_map_of_a_distance_to_training_codes_is_its_gradient(name):
    model = make(f"{name}+knn", epochs=2, latent_dim=4).fit(IMAGES)
    train = torch.tensor((model.encoder.encode(IMAGES) - model.mean_) / model.scale_)

    def fifth(codes):
        return torch.cdist(codes, train).sort(1).values[:, 4]

    test = IMAGES[::-1, :, ::-1].copy()
    maps = model.localize(test)
    assert maps.shape == (30, 8, 8)
    assert_allclose(maps, by_autograd(model, test, fifth), rtol=2e-3, atol=1e-3 * maps.max())
    assert_array_equal(model.localize(test[7:8]), maps[7:8])


def test_the_map_of_a_mahalanobis_distance_is_its_gradient():
    model = make("vae+mahalanobis", epochs=2, latent_dim=3).fit(IMAGES)
    covariance = model.head.covariance_
    centre, precision = (torch.tensor(a) for a in (covariance.location_, covariance.precision_))

    def distance(codes):
        return ((codes - centre) @ precision * (codes - centre)).sum(1)

    expected = by_autograd(model, IMAGES, distance)
    assert_allclose(model.localize(IMAGES), expected, rtol=1e-4, atol=1e-5 * expected.max())


@pytest.mark.parametrize("head", HEADS)
def test_a_head_has_a_map_unless_its_score_is_constant_for_normal_samples_but_for_steps(head):
    x, z = Subject("ae").samples
    encoder = make_model(parse("ae"), epochs=1).fit(x)
    settings = {"epochs": 1} if find(head).takes_epochs else {}
    model = make(f"ae+{head}", head={**settings, **QUICK.get(head, {})})
    model.encoder = encoder
    maps = model.fit_head(x).localize(z)
    moving = maps[:-N_FAR].max(1) > 1e-9 * maps.max()
    assert np.isfinite(maps).all()
    if head in STEPWISE:
        assert moving.mean() < 0.5
        assert parse(f"ae+{head}").pooling is None
    else:
        assert moving.mean() > 0.5
        assert parse(f"ae+{head}").pooling == ""


@pytest.mark.parametrize("text", ["alad+knn", "backbone:lite0+knn", "ae+pyod:KNN", "ae+iforest"])
def test_a_map_is_declared_only_where_encoder_and_head_have_derivatives(text):
    assert parse(text).pooling is None


def test_codes_without_derivatives_or_of_patches_are_refused_in_a_sentence():
    x = IMAGES.reshape(30, -1)
    with pytest.raises(ValueError, match="ALAD does not know the derivatives of its codes"):
        make("alad+knn", epochs=1).fit(x).localize(x)
    images = np.tile(IMAGES, (1, 1, 2, 2))
    with pytest.raises(Unsupported, match="codes of patch = 8 are means over patches"):
        make("ae+knn", epochs=1, patch=8).fit(images).localize(images)


def test_flattened_images_have_maps_of_pixels():
    assert make("ae+kde", epochs=1, flatten=True).fit(IMAGES).localize(IMAGES).shape == (30, 8, 8)
