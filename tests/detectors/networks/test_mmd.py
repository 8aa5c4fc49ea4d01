"""The maximum mean discrepancy: near 0 for equal samples, without bias, deaf to padding."""

import numpy as np
import pytest
import torch

from detectors.networks.mmd import SCALES, mmd


def sample(n, k=3, seed=0, shift=0.0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, k)) + shift)


def even(n):
    return torch.full((n,), 1 / n, dtype=torch.float64)


def directly(codes, prior):
    """The estimate, pair by pair."""
    n, k = codes.shape

    def kernel(a, b):
        distance = ((a - b) ** 2).sum()
        return sum(2 * k * s / (2 * k * s + distance) for s in SCALES)

    within = sum(
        kernel(codes[i], codes[j]) + kernel(prior[i], prior[j])
        for i in range(n)
        for j in range(n)
        if i != j
    )
    across = sum(kernel(a, b) for a in codes for b in prior)
    return within / (n * (n - 1)) - 2 * across / n**2


def test_it_equals_the_sum_over_pairs():
    codes, prior = sample(9, seed=1, shift=0.4), sample(9, seed=2)
    expected = directly(codes.numpy(), prior.numpy())
    assert mmd(codes, prior, even(9)).item() == pytest.approx(expected, rel=1e-10)


def test_padded_rows_count_for_nothing():
    codes, prior = sample(9, seed=1, shift=0.4), sample(9, seed=2)
    weight = torch.cat([even(6), torch.zeros(3, dtype=torch.float64)])
    expected = mmd(codes[:6], prior[:6], even(6)).item()
    assert mmd(codes, prior, weight).item() == pytest.approx(expected, rel=1e-10)


def test_it_is_near_0_for_equal_samples_and_not_for_shifted_ones():
    assert abs(mmd(sample(800, seed=1), sample(800, seed=2), even(800)).item()) < 0.01
    assert mmd(sample(800, seed=1, shift=0.5), sample(800, seed=2), even(800)).item() > 0.1


def test_its_mean_over_small_equal_samples_is_0():
    values = [
        mmd(sample(5, seed=2 * i), sample(5, seed=2 * i + 1), even(5)).item() for i in range(2000)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert error < 0.02  # the diagonals of a biased estimate would add about 1


def test_a_single_row_has_no_pairs():
    codes = sample(1, shift=1.0).requires_grad_()
    value = mmd(codes, sample(1, seed=1), even(1))
    value.backward()
    assert value.item() < 0
    assert codes.grad.isfinite().all()
