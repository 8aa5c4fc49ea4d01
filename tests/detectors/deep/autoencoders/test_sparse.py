"""The sparse autoencoder: penalties as defined, and a wide code of which little is active."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from detectors.deep.autoencoders.sparse import SparseAutoencoder, bernoulli_kl

X = np.random.default_rng(0).standard_normal((120, 6)) @ np.random.default_rng(1).standard_normal(
    (6, 6)
)


def loss_and_code(**settings):
    detector = SparseAutoencoder(epochs=0, **settings).fit(X)
    rows, weight = torch.from_numpy(X).float(), torch.full((120,), 1 / 120)
    with torch.no_grad():
        loss = detector._loss(detector.net_, rows, weight, torch.empty(120, 0)).item()
    return loss, detector.encode(X), detector.score(X).mean()


def test_the_divergence_is_that_of_two_coins():
    mean = torch.tensor([0.2, 0.05, 0.9])
    expected = [entropy([0.05, 0.95], [m, 1 - m]) for m in mean.tolist()]
    assert bernoulli_kl(0.05, mean).numpy() == pytest.approx(expected, abs=1e-6)
    assert torch.isfinite(bernoulli_kl(0.05, torch.tensor([0.0, 1.0]))).all()


@pytest.mark.parametrize("by_index", [False, True])
def test_the_l1_penalty_is_the_sum_of_the_absolute_codes(by_index):
    loss, code, error = loss_and_code(by_index=by_index)
    weights = 2 * np.arange(1, 13) / 13 if by_index else np.ones(12)
    assert code.min() == 0
    assert loss == pytest.approx(error + 0.1 / 6 * (np.abs(code) @ weights).mean(), rel=1e-5)


@pytest.mark.parametrize("by_index", [False, True])
def test_the_kl_penalty_is_of_the_mean_of_each_unit(by_index):
    loss, code, error = loss_and_code(penalty="kl", by_index=by_index)
    weights = 2 * np.arange(1, 13) / 13 if by_index else np.ones(12)
    divergences = [entropy([0.05, 0.95], [m, 1 - m]) for m in code.mean(axis=0)]
    assert loss == pytest.approx(error + 3 / 6 * (divergences @ weights), rel=1e-5)


def test_the_code_may_be_wider_than_the_input():
    assert SparseAutoencoder(epochs=1).fit(X).encode(X).shape == (120, 12)
    assert SparseAutoencoder(epochs=1, latent_dim=20).fit(X).encode(X).shape == (120, 20)
    assert (
        math.prod(SparseAutoencoder(epochs=0).fit(np.eye(300)).encode(np.eye(300)).shape[1:]) == 256
    )


def test_the_l1_penalty_silences_units():
    dense, sparse = (
        SparseAutoencoder(epochs=60, penalty_weight=weight).fit(X).encode(X) for weight in (0, 1)
    )
    assert (sparse > 1e-3).mean() < 0.7 * (dense > 1e-3).mean()


def test_by_index_early_units_are_filled_first():
    code = SparseAutoencoder(epochs=60, penalty_weight=1, by_index=True).fit(X).encode(X)
    assert code[:, :6].mean() > 1.5 * code[:, 6:].mean()


def test_the_kl_penalty_brings_units_to_their_rate():
    code = SparseAutoencoder(epochs=60, penalty="kl", rate=0.1).fit(X).encode(X)
    assert code.mean(axis=0) == pytest.approx(np.full(12, 0.1), abs=0.1)
