"""A recorded function replays its operations: same bits, new arguments, no Python of its own."""

import torch
from torch.func import grad_and_value, vmap

from detectors.training.recording import N_UNRECORDED, recorded


def loss(weights, x):
    layers = weights.view(3, 2)
    low, high = (x @ layers).chunk(2, dim=-1)
    return (low.expand(4, 1).view(4, 1) * torch.tensor(2.0) - high.exp()).square().mean()


def test_a_replay_equals_the_function_on_new_arguments_bit_for_bit():
    function = vmap(grad_and_value(loss))
    replay = recorded(function)
    for seed in range(N_UNRECORDED + 4):
        draws = torch.Generator().manual_seed(seed)
        arguments = torch.randn(5, 6, generator=draws), torch.randn(5, 4, 3, generator=draws)
        for given, expected in zip(replay(*arguments), function(*arguments), strict=True):
            assert torch.equal(given, expected)


def test_the_function_itself_runs_in_the_first_calls_alone():
    calls = []

    def double(x):
        calls.append(x)
        return 2 * x

    replay, n = recorded(double), N_UNRECORDED + 3
    assert [replay(torch.tensor(float(i))).item() for i in range(n)] == [2 * i for i in range(n)]
    assert len(calls) == N_UNRECORDED + 1


def test_a_replay_writes_into_tensors_of_the_function_and_reads_what_others_wrote():
    draws = torch.randn(N_UNRECORDED + 4, 3, generator=torch.Generator().manual_seed(0))
    weights, total = torch.ones(2, 3), torch.zeros(3)

    def step(x):
        first, second = weights.split(1)
        total.add_(x)  # its value is not used: only the writing
        return first.view(3) * x + second.view(3)

    replay = recorded(step)
    for x in draws:
        weights.mul_(1.5)
        assert torch.equal(replay(x), weights[0] * x + weights[1])
    assert torch.equal(total, sum(draws, start=torch.zeros(3)))


def test_operations_are_replayed_whose_arguments_the_function_of_python_refuses():
    index, places = torch.tensor([0, 2]), [None, torch.tensor([0, 2])]
    replay = recorded(lambda x: torch.ops.aten.index_put.default(x, places, 2 * x[:, index]))
    for seed in range(N_UNRECORDED + 3):
        x = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))
        expected = x.clone()
        expected[:, index] *= 2
        assert torch.equal(replay(x), expected)
