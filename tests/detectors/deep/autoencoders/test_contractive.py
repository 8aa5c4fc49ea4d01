"""The contractive autoencoder: its penalty is the Jacobian's norm, and it flattens the code."""

import numpy as np
import pytest
import torch
from torch.func import jacrev, vmap

from detectors.deep.autoencoders.contractive import ContractiveAutoencoder, squared_jacobian

X = np.random.default_rng(0).standard_normal((90, 5))


def mean_squared_jacobian(detector):
    rows = torch.from_numpy(X).float()
    jacobians = vmap(jacrev(lambda row: detector.net_.encoder(row[None])[0]))(rows)
    return jacobians.square().sum((1, 2)).detach()


def test_the_closed_form_is_the_squared_norm_of_the_jacobian():
    detector = ContractiveAutoencoder(epochs=2, latent_dim=7).fit(X)
    with torch.no_grad():
        code = detector.net_.encoder(torch.from_numpy(X).float())
        closed = squared_jacobian(code, detector.net_.weight)
    torch.testing.assert_close(closed, mean_squared_jacobian(detector))


def test_the_loss_is_the_error_plus_the_penalty_both_over_the_features():
    detector = ContractiveAutoencoder(epochs=0, contraction=0.7).fit(X)
    rows = torch.from_numpy(X).float()
    with torch.no_grad():
        losses = detector._losses(detector.net_, rows, torch.empty(90, 0)).numpy()
    expected = detector.score(X) + 0.7 * mean_squared_jacobian(detector).numpy() / 5
    assert losses == pytest.approx(expected, rel=1e-4)


def test_the_decoder_has_the_weight_of_the_encoder():
    detector = ContractiveAutoencoder(epochs=2, latent_dim=3).fit(X)
    weight = detector.net_.weight.detach().numpy()
    bias = detector.net_.decoder.bias.detach().numpy()
    restored = detector.encode(X) @ weight.T + bias
    assert detector.score(X) == pytest.approx(((X - restored) ** 2).mean(axis=1), rel=1e-4)
    assert detector.n_parameters_ == 5 * 3 + 3 + 5


def test_more_contraction_flattens_the_code():
    weak, strong = (
        ContractiveAutoencoder(epochs=40, contraction=weight).fit(X) for weight in (0.01, 6.0)
    )
    assert mean_squared_jacobian(strong).mean() < 0.5 * mean_squared_jacobian(weak).mean()
