"""Networks: sizes from the input, weights as torch draws them, nothing drawn from the globals."""

import math

import pytest
import torch
from torch import nn

from detectors.networks.dense import (
    Dense,
    build_seeded,
    code_size,
    hidden_sizes,
    mlp,
    squared_error,
)


def test_the_code_is_narrower_than_the_input():
    assert [code_size(d) for d in (1, 2, 3, 4, 9, 30, 64)] == [1, 1, 2, 3, 4, 6, 9]


def test_hidden_layers_grow_with_the_input_within_bounds():
    sizes = [hidden_sizes(d) for d in (1, 30, 64, 65, 200, 1555)]
    assert sizes == [(64, 32), (64, 32), (64, 32), (128, 64), (256, 128), (256, 128)]


def test_a_dense_layer_is_a_linear_layer_with_its_weight_transposed():
    dense, linear = Dense(5, 3), nn.Linear(5, 3)
    with torch.no_grad():
        linear.weight.copy_(dense.weight.T)
        linear.bias.copy_(dense.bias)
    x = torch.randn(4, 5)
    torch.testing.assert_close(dense(x), linear(x))


def test_a_dense_layer_starts_spread_like_a_linear_layer():
    for parameter in build_seeded(lambda: Dense(400, 300), seed=1).parameters():
        assert parameter.abs().max() <= 1 / math.sqrt(400)
        assert parameter.std().item() == pytest.approx(1 / math.sqrt(3 * 400), rel=0.1)


def test_an_mlp_is_linear_at_its_end_and_without_hidden_layers():
    assert [type(layer) for layer in mlp([4, 3, 2])] == [Dense, nn.LeakyReLU, Dense]
    assert [type(layer) for layer in mlp([4, 2])] == [Dense]


def test_seeded_weights_follow_the_seed_and_leave_the_generator_alone():
    state = torch.get_rng_state()
    one, same, other = (build_seeded(lambda: Dense(3, 2), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.weight, same.weight)
    assert not torch.equal(one.weight, other.weight)


def test_squared_error_is_a_mean_over_features():
    x = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    assert squared_error(x, torch.zeros(2, 2)).tolist() == [2.5, 0.0]
