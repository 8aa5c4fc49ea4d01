"""Augmentation by symmetries: which images a training sees, and what refuses to be turned."""

from typing import get_args

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from datasets.record import Symmetries
from detectors import Unsupported, make
from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.training.augmentation import DECLARED, POSES, Augmentation, posed

RNG = np.random.default_rng(0)
IMAGES = RNG.random((40, 2, 8, 8)).astype(np.float32)
SIZES = {
    "horizontal-flip": 2,
    "vertical-flip": 2,
    "flips": 4,
    "rotations": 4,
    "flips-rotations": 8,
}


def orbit(image, augment):
    """Return the (k, c, h, w) poses of an image."""
    k = len(POSES[augment])
    return posed(torch.tensor(image).expand(k, *image.shape), torch.arange(k), augment).numpy()


@pytest.mark.parametrize("augment", SIZES)
def test_the_poses_are_a_group_that_moves_pixels_and_changes_none(augment):
    poses = orbit(IMAGES[0], augment)
    assert len(np.unique(poses, axis=0)) == SIZES[augment] == len(poses)
    assert_array_equal(poses[0], IMAGES[0])
    assert_array_equal(
        np.sort(poses.reshape(len(poses), 2, -1)),
        np.sort(poses[[0] * len(poses)].reshape(len(poses), 2, -1)),
    )
    for pose in poses:
        again = orbit(pose, augment)
        assert_array_equal(np.unique(again, axis=0), np.unique(poses, axis=0))


def test_flips_are_those_of_their_names():
    assert_array_equal(orbit(IMAGES[0], "horizontal-flip")[1], IMAGES[0][:, :, ::-1])
    assert_array_equal(orbit(IMAGES[0], "vertical-flip")[1], IMAGES[0][:, ::-1])
    assert_array_equal(orbit(IMAGES[0], "rotations")[1], np.rot90(IMAGES[0], axes=(1, 2)))


def test_cards_declare_what_detectors_take():
    assert set(get_args(Symmetries)) - {""} == set(POSES)
    assert {*POSES, DECLARED} == set(get_args(Augmentation))


class Watched(Autoencoder):
    """Keeps the images whose loss is computed, held-out ones and those that train."""

    def _losses(self, net, x, noise):
        vars(self).setdefault("seen", []).extend(x.numpy().copy())
        return super()._losses(net, x, noise)


@pytest.mark.parametrize("augment", SIZES)
def test_training_sees_every_pose_and_held_out_images_stay_as_they_are(augment):
    detector = Watched(augment=augment, epochs=12, batch_size=7).fit(IMAGES)
    orbits = [orbit(image, augment) for image in IMAGES]
    known = {
        pose.tobytes(): (i, k) for i, poses in enumerate(orbits) for k, pose in enumerate(poses)
    }
    seen = [known[image.tobytes()] for image in detector.seen]
    counts = np.zeros((len(IMAGES), SIZES[augment]), int)
    np.add.at(counts, tuple(np.transpose(seen)), 1)
    held = counts[:, 1:].sum(axis=1) == 0
    assert held.sum() == 8
    assert (counts[~held].sum(axis=1) == 12).all()
    expected = 32 * 12 / SIZES[augment]
    assert (abs(counts[~held].sum(axis=0) - expected) < 4 * expected**0.5).all()


def test_each_seed_draws_its_poses_and_scores_stay_as_they_are_without():
    plain, first, again, other = (
        make("ae", seed=seed, epochs=3, **settings).fit(IMAGES).score(IMAGES)
        for seed, settings in (
            (0, {}),
            (0, {"augment": "rotations"}),
            (0, {"augment": "rotations"}),
            (1, {"augment": "rotations"}),
        )
    )
    assert_array_equal(first, again)
    assert (plain != first).any()
    assert (other != first).any()


@pytest.mark.parametrize("text", ["ae+knn", "vae:elbo", "aae", "alad", "deep-svdd", "fcdd"])
def test_any_detector_on_the_training_loop_takes_it(text):
    plain, turned = (
        make(text, epochs=2, **settings).fit(IMAGES).score(IMAGES)
        for settings in ({}, {"augment": "flips-rotations"})
    )
    assert np.isfinite(turned).all()
    assert (plain != turned).any()


def test_patches_are_turned_where_images_are_not_square():
    wide = RNG.random((40, 1, 8, 20))
    assert np.isfinite(
        make("ae", patch=8, augment="rotations", epochs=2).fit(wide).score(wide)
    ).all()
    with pytest.raises(Unsupported, match="needs square images; these are 8 x 20 pixels"):
        make("ae", augment="rotations", epochs=2).fit(wide)
    make("ae", augment="flips", epochs=2).fit(wide)


@pytest.mark.parametrize("settings", [{}, {"flatten": True}])
def test_vectors_are_not_augmented(settings):
    x = IMAGES if settings else IMAGES.reshape(40, -1)
    with pytest.raises(
        Unsupported, match=r"needs images \(c, h, w\); samples have the shape \(128"
    ):
        make("ae", augment="flips", **settings).fit(x)


def test_what_a_card_declares_is_known_to_a_run_alone():
    with pytest.raises(Unsupported, match="here, name them: 'horizontal-flip' or 'vertical-flip'"):
        make("ae", augment="declared").fit(IMAGES)


def test_a_model_of_turned_images_reconstructs_turned_images_better():
    ramp = np.linspace(0, 1, 8) * np.ones((1, 8, 8))
    x = (ramp + 0.05 * RNG.standard_normal((60, 1, 8, 8))).astype(np.float32)
    turned = np.ascontiguousarray(np.rot90(x, axes=(2, 3)))
    plain, taught = (
        make("ae", epochs=60, **settings).fit(x).score(turned).mean()
        for settings in ({}, {"augment": "rotations"})
    )
    assert taught < plain / 3
