"""The masked autoencoder: what is hidden is not seen, and each feature is hidden equally often."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from detectors.deep.autoencoders.masked import MaskedAutoencoder

X = np.random.default_rng(0).standard_normal((60, 7))


@pytest.mark.parametrize(("share", "n_masks"), [(0.25, 16), (0.5, 8), (0.9, 8)])
def test_scoring_hides_each_feature_in_as_many_masks_as_rounds(share, n_masks):
    masks = MaskedAutoencoder(epochs=0, share=share).fit(X)._masks()
    assert masks.shape == (n_masks, 7)
    assert masks.sum(0).tolist() == [4] * 7
    assert ((masks == 0) | (masks == 1)).all()


def test_training_hides_the_share_of_the_features_of_each_row():
    detector = MaskedAutoencoder(epochs=0, share=0.45).fit(X)
    hidden = detector._noise(detector.net_, np.random.default_rng(0), 900)
    assert (hidden.sum(axis=1) == 3).all()
    assert hidden.mean(axis=0) == pytest.approx(np.full(7, 3 / 7), abs=0.06)


def test_the_loss_counts_hidden_features_alone():
    detector = MaskedAutoencoder(epochs=2, share=0.45).fit(X)
    hidden = detector._noise(detector.net_, np.random.default_rng(0), 60)
    with torch.no_grad():
        rows, mask = torch.tensor(X, dtype=torch.float32), torch.from_numpy(hidden)
        restored = detector.net_(rows, mask).numpy()
        ours = detector._losses(detector.net_, rows, mask).numpy()
    expected = (hidden * (restored - X) ** 2).sum(axis=1) / 3  # of 7 features 3 are hidden
    assert_allclose(ours, expected, rtol=1e-4)


def test_the_error_of_a_feature_does_not_see_the_feature():
    detector = MaskedAutoencoder(epochs=3).fit(X)
    masks = detector._masks()
    moved = X.copy()
    moved[:, 2] += 5
    with torch.no_grad():
        for mask in masks[masks[:, 2] == 1]:
            rows = (torch.from_numpy(each).float() for each in (X, moved))
            one, other = (detector.net_(each, mask.expand(60, 7)) for each in rows)
            assert torch.equal(one, other)


def test_the_errors_are_the_means_over_the_masks_that_hide_the_feature():
    detector = MaskedAutoencoder(epochs=3).fit(X)
    total = np.zeros_like(X)
    for mask in detector._masks():
        with torch.no_grad():
            restored = detector.net_(torch.from_numpy(X).float(), mask.expand(60, 7)).numpy()
        total += mask.numpy() * (restored - X) ** 2
    assert_allclose(detector.localize(X), total / 4, rtol=1e-4, atol=1e-9)


def test_images_lose_patches_in_all_channels():
    images = np.random.default_rng(0).standard_normal((12, 3, 10, 9)).astype(np.float32)
    masks = MaskedAutoencoder(epochs=0).fit(images)._masks()
    assert masks.shape == (16, 3, 10, 9)
    assert (masks.sum(0) == 4).all()
    assert torch.equal(masks[:, 0], masks[:, 2])
    assert torch.equal(masks[:, :, :3, :2], masks[:, :, :1, :1].expand(16, 3, 3, 2))
