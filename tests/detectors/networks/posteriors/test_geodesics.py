"""Fisher-Rao geodesics of diagonal Gaussians against the closed-form distance and the metric."""

import pytest
import torch
from torch.testing import assert_close

from detectors.networks.posteriors.distances import fisher_rao, geodesic

GENERATOR = torch.Generator().manual_seed(0)
MEANS = 2 * torch.randn(20, 4, generator=GENERATOR, dtype=torch.float64)
LOGS = 2 * torch.randn(20, 4, generator=GENERATOR, dtype=torch.float64)
LOGS[:, 1], MEANS[:, 2] = LOGS[0, 1], MEANS[0, 2]  # half circles about the middle, vertical lines
PAIRS = (MEANS[:10], LOGS[:10]), (MEANS[10:], LOGS[10:])
DISTANCES = fisher_rao(*PAIRS).diag()
T = torch.linspace(0, 1, 9, dtype=torch.float64)


def length(mean, log):
    """Return the lengths (n,) of curves (T, n, k) in the Fisher metric, step by step."""
    middle = ((log[1:] + log[:-1]) / 2).exp()
    steps = mean.diff(dim=0).square() / middle + log.diff(dim=0).square() / 2
    return steps.sum(-1).sqrt().sum(0)


def test_a_geodesic_begins_and_ends_at_the_posteriors_and_is_the_same_from_both():
    there, back = geodesic(*PAIRS, T), geodesic(*reversed(PAIRS), 1 - T)
    for way, other, one, end in zip(there, back, *PAIRS, strict=True):
        assert_close(way, other)
        assert_close(way[0], one)
        assert_close(way[-1], end)


def test_distances_along_a_geodesic_are_shares_of_the_closed_form():
    for t, mean, log in zip(T, *geodesic(*PAIRS, T), strict=True):
        assert_close(fisher_rao(PAIRS[0], (mean, log)).diag(), t * DISTANCES, atol=1e-6, rtol=1e-6)


def test_no_other_way_in_the_metric_is_as_short():
    t = torch.linspace(0, 1, 3001, dtype=torch.float64)
    mean, log = geodesic(*PAIRS, t)
    assert_close(length(mean, log), DISTANCES, rtol=1e-5, atol=0)
    bent = 0.1 * torch.sin(torch.pi * t)[:, None, None]
    for other in ((mean + bent, log), (mean, log + bent), (mean, log - bent)):
        assert (length(*other) > DISTANCES + 1e-4).all()


def test_the_distance_satisfies_the_triangle_inequality():
    d = fisher_rao((MEANS, LOGS), (MEANS, LOGS))
    assert (d[:, None] <= d[:, :, None] + d[None] + 1e-9).all()
    assert_close(d, d.T)


@pytest.mark.parametrize("distance", [0.0, 1e-9])
def test_between_equal_posteriors_nothing_moves(distance):
    mean, log = geodesic(PAIRS[0], (PAIRS[0][0] + distance, PAIRS[0][1]), T)
    assert_close(mean, PAIRS[0][0].expand_as(mean), atol=1e-8, rtol=1e-9)
    assert_close(log, PAIRS[0][1].expand_as(log), atol=1e-8, rtol=1e-9)
