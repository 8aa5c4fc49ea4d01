"""Spectral normalisation: the largest singular value of a weight is one, its gradient too."""

import pytest
import torch
from torch import nn

from detectors.networks.dense import Dense
from detectors.networks.spectral import Spectral, follow, iterated_once, normalised

LAYERS = {
    "dense": (lambda: Dense(9, 5), (3, 9)),
    "convolution": (lambda: nn.Conv2d(2, 4, 3), (3, 2, 6, 6)),
    "without bias": (lambda: nn.Conv2d(2, 4, 3, bias=False), (3, 2, 6, 6)),
}


@pytest.fixture(params=LAYERS)
def pair(request):
    """Return a layer after many iterations, the same one by torch, and samples."""
    torch.manual_seed(0)
    build, shape = LAYERS[request.param]
    x = torch.randn(shape)
    ours = Spectral(build())
    for _ in range(200):
        follow(ours)
    matrix = ours.layer.weight.flatten(1)
    value = torch.linalg.matrix_norm(matrix, 2)
    return ours, value, x


def test_a_layer_is_the_one_of_the_weight_over_its_largest_singular_value(pair):
    ours, value, x = pair
    weights = dict(ours.layer.named_parameters())
    weights["weight"] = weights["weight"] / value
    expected = torch.func.functional_call(ours.layer, weights, (x,))
    assert torch.allclose(ours(x), expected, atol=1e-5)


def test_the_gradient_is_that_of_the_quotient(pair):
    ours, value, x = pair
    (found,) = torch.autograd.grad(ours(x).square().sum(), ours.layer.weight)
    weights = dict(ours.layer.named_parameters())
    weights["weight"] = weights["weight"] / value
    loss = torch.func.functional_call(ours.layer, weights, (x,)).square().sum()
    (expected,) = torch.autograd.grad(loss, ours.layer.weight)
    assert torch.allclose(found, expected, atol=1e-3 * expected.abs().max())


def test_the_directions_follow_the_weight():
    layer = Spectral(Dense(9, 5))
    with torch.no_grad():
        layer.layer.weight.copy_(torch.diag(torch.tensor([1.0, 2, 3, 4, 5])).repeat(2, 1)[:9])
    for _ in range(200):
        layer.follow()
    assert torch.allclose(layer.right.abs(), torch.tensor([0.0, 0, 0, 1, 0]), atol=1e-3)


def test_all_layers_with_weights_are_normalised():
    net = normalised(nn.Sequential(nn.Conv2d(1, 2, 3), nn.LeakyReLU(), nn.Flatten(), Dense(8, 2)))
    assert [type(layer) for layer in net] == [Spectral, nn.LeakyReLU, nn.Flatten, Spectral]


def test_passes_that_share_an_iteration_are_equal_and_later_ones_take_a_new_one():
    net, x = normalised(nn.Sequential(Dense(9, 5), nn.LeakyReLU(), Dense(5, 2))), torch.randn(3, 9)
    expected = net(x)
    with iterated_once(net):
        assert torch.equal(net(x), expected)
        directions = net[0].directions
        assert torch.equal(net(x), expected)
        assert net[0].directions is directions
    with torch.no_grad():
        net[0].layer.weight.add_(torch.randn(9, 5))
    later = normalised(nn.Sequential(Dense(9, 5), nn.LeakyReLU(), Dense(5, 2)))
    later.load_state_dict(net.state_dict())
    assert torch.equal(net(x), later(x))
