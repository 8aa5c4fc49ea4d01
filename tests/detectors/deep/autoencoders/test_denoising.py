"""The denoising autoencoder: each corruption is what its name says, and is undone."""

import numpy as np
import pytest
import torch

from detectors.deep.autoencoders.denoising import DenoisingAutoencoder

CORRUPTIONS = ("gaussian", "masking", "salt-and-pepper")


def corrupted(corruption, level=0.3, n=4000):
    x = np.random.default_rng(0).uniform(1, 2, size=(n, 4)) * [1, 1, 1, -1]
    detector = DenoisingAutoencoder(
        corruption=corruption, level=level, epochs=0, validation_share=0.0
    ).fit(x)
    noise = detector._noise(detector.net_, np.random.default_rng(1), n)
    rows = torch.from_numpy(x).float()
    seen = detector._corrupted(detector.net_, rows, torch.from_numpy(noise)).numpy()
    return rows.numpy(), seen


def test_gaussian_noise_has_the_level_as_its_standard_deviation():
    x, seen = corrupted("gaussian")
    assert (seen - x).std(axis=0) == pytest.approx(np.full(4, 0.3), rel=0.05)
    assert (seen - x).mean(axis=0) == pytest.approx(np.zeros(4), abs=0.02)


def test_masking_sets_the_share_of_features_to_zero_and_leaves_the_others():
    x, seen = corrupted("masking")
    assert (seen == 0).mean(axis=0) == pytest.approx(np.full(4, 0.3), abs=0.03)
    assert (seen[seen != 0] == x[seen != 0]).all()


def test_salt_and_pepper_set_features_to_their_ends_as_often_the_one_as_the_other():
    x, seen = corrupted("salt-and-pepper")
    for end in (x.min(axis=0), x.max(axis=0)):
        assert ((seen == end) & (x != end)).mean(axis=0) == pytest.approx(
            np.full(4, 0.15), abs=0.03
        )
    moved = seen != x
    assert moved.mean() == pytest.approx(0.3, abs=0.02)


def test_the_loss_holds_the_network_to_the_clean_sample():
    x = np.random.default_rng(0).standard_normal((30, 4))
    detector = DenoisingAutoencoder(corruption="masking", level=0.5, epochs=2).fit(x)
    noise = detector._noise(detector.net_, np.random.default_rng(1), 30)
    seen = np.where(noise < 0.5, 0, x)
    with torch.no_grad():
        restored = detector.net_(torch.tensor(seen, dtype=torch.float32)).numpy()
        rows = torch.tensor(x, dtype=torch.float32)
        ours = detector._losses(detector.net_, rows, torch.from_numpy(noise)).numpy()
    np.testing.assert_allclose(ours, ((restored - x) ** 2).mean(axis=1), rtol=1e-4)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_it_restores_corrupted_samples_better_than_they_are(corruption):
    factor = np.random.default_rng(0).standard_normal((200, 1))
    x = factor @ np.ones((1, 8)) + 0.1 * np.random.default_rng(1).standard_normal((200, 8))
    detector = DenoisingAutoencoder(corruption=corruption, epochs=50).fit(x)
    assert detector.losses_[-1] < 0.3 * detector.losses_[0]
    rows = torch.from_numpy(x).float()
    noise = torch.from_numpy(detector._noise(detector.net_, np.random.default_rng(1), 200))
    with torch.no_grad():
        seen = detector._corrupted(detector.net_, rows, noise)
        restored = detector.net_(seen)
    assert (restored - rows).square().mean() < 0.5 * (seen - rows).square().mean()
