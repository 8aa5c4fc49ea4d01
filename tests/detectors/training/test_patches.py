"""Models of patches: how images are cut, and how what is read of patches is joined."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from detectors import Unsupported, make
from detectors.factory import make_model
from detectors.spec import parse
from detectors.training.latent import Decoded, latent_space
from detectors.training.patches import cut, join

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 2, 20, 13)).astype(np.float32)


@pytest.mark.parametrize("side", [8, 13])
def test_patches_cover_every_pixel_and_stitch_to_the_image(side):
    patches = cut(IMAGES, side)
    assert patches.shape[1:] == (2, side, side)
    assert_allclose(join(patches, 12, (20, 13), side), IMAGES, rtol=1e-6)
    assert_array_equal(patches[0], IMAGES[0, :, :side, :side])
    assert_array_equal(patches[-1], IMAGES[-1, :, -side:, -side:])


def test_overlapping_maps_are_averaged_and_numbers_too():
    maps = np.arange(3.0)[:, None, None] * np.ones((3, 8, 8))  # of rows 0-7, 4-11 and 8-15
    stitched = join(maps, 1, (16, 8), 8)
    assert_array_equal(stitched[0, :, 0], [0] * 4 + [0.5] * 4 + [1.5] * 4 + [2] * 4)
    assert_array_equal(join(np.arange(6.0), 2, (16, 8), 8), [1, 4])
    assert_array_equal(join(np.arange(12.0).reshape(6, 2), 2, (16, 8), 8), [[2, 3], [8, 9]])


@pytest.mark.parametrize(
    "text", ["ae", "ae:largest-error", "vae:kl", "aae:discriminator", "deep-svdd", "alad"]
)
def test_a_model_of_patches_scores_and_maps_whole_images_in_any_company(text):
    spec = parse(text)
    model = make_model(spec, patch=8, epochs=2).fit(IMAGES)
    order = RNG.permutation(12)
    scores = model.score(IMAGES, spec.readout)
    assert scores.shape == (12,)
    assert_array_equal(model.score(IMAGES[order], spec.readout), scores[order])
    assert_array_equal(model.score(IMAGES[3:4], spec.readout), scores[3:4])
    if spec.pooling is not None:
        maps = model.localize(IMAGES, spec.readout)
        assert maps.shape == (12, 20, 13)
        assert_array_equal(model.localize(IMAGES[3:4], spec.readout), maps[3:4])
    if spec.entry.encodes:
        assert len(model.encode(IMAGES)) == 12


def test_scores_are_those_of_a_fit_to_the_patches():
    of_images = make("ae", patch=8, epochs=2).fit(IMAGES).model
    of_patches = make("ae", epochs=2).fit(cut(IMAGES, 8)).model
    errors = of_patches.localize(cut(IMAGES, 8))
    assert_allclose(of_images.localize(IMAGES), join(errors, 12, (20, 13), 8), rtol=1e-9)
    assert_allclose(of_images.score(IMAGES), of_images.localize(IMAGES).mean((1, 2)), rtol=1e-9)
    largest = of_images.localize(IMAGES, "largest-error").max((1, 2))
    assert_array_equal(of_images.score(IMAGES, "largest-error"), largest)
    restored = join(of_patches.reconstruct(cut(IMAGES, 8)), 12, (20, 13), 8)
    assert_allclose(of_images.reconstruct(IMAGES), restored, rtol=1e-6)
    square = IMAGES[:, :, :13]
    whole = make("ae", patch=13, epochs=2).fit(square)
    assert_allclose(whole.score(square), make("ae", epochs=2).fit(square).score(square), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "settings"),
    [(IMAGES, {"patch": 14}), (IMAGES, {"patch": 8, "flatten": True}), (np.eye(20), {"patch": 8})],
)
def test_what_has_no_patches_is_unsupported(x, settings):
    with pytest.raises(Unsupported, match=r"needs images .* take a smaller one or none"):
        make("ae", **settings).fit(x)


def test_nothing_leads_back_from_codes_that_are_means_over_patches():
    spaces = [
        latent_space(make("ae", patch=patch, epochs=0).fit(IMAGES).model) for patch in (8, None)
    ]
    assert [isinstance(space, Decoded) for space in spaces] == [False, True]
    assert len(spaces[0].codes(IMAGES)) == 12
