"""Kept results are what was computed, and cost what they took."""

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from detectors.spared import cpu_seconds, keep_in, once, wall_seconds

RNG = np.random.default_rng(0)
RESULTS = [
    RNG.random((1, 3, 4, 5), np.float32),
    np.array([[np.nan, -0.0, np.inf]]),
    np.arange(6, dtype=np.int16).reshape(2, 3),
]


class Dictionary:
    """A place for arrays in memory."""

    def __init__(self):
        self.kept = {}

    def get(self, key, parts):
        return tuple(self.kept[key][part] for part in parts) if key in self.kept else None

    def put(self, key, arrays):
        self.kept[key] = arrays


@pytest.fixture
def keeper():
    place = Dictionary()
    keep_in(place)
    yield place
    keep_in(None)


def counted(seconds=0.0):
    """Return a function that computes the results, at least for some CPU seconds, and its calls."""
    calls = []

    def compute():
        calls.append(1)
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return RESULTS

    return compute, calls


def test_results_are_computed_once_and_equal_to_the_bit(keeper):
    compute, calls = counted()
    for _ in range(3):
        found = once(lambda: "a", compute)
        for array, expected in zip(found, RESULTS, strict=True):
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
            assert array.tobytes() == expected.tobytes()
    assert len(calls) == 1
    found[0][:] = 0  # whoever has them may change them
    assert_array_equal(once(lambda: "a", compute)[0], RESULTS[0])
    once(lambda: "b", compute)
    assert len(calls) == 2


def test_nothing_is_kept_without_a_place_for_it():
    compute, calls = counted()
    assert once(lambda: "a", compute) is once(lambda: "a", compute) is RESULTS
    assert len(calls) == 2


def test_what_has_no_key_is_not_kept(keeper):
    compute, calls = counted()
    for _ in range(2):
        assert once(lambda: "", compute) is RESULTS
    assert (len(calls), keeper.kept) == (2, {})


def test_a_kept_result_costs_what_it_took(keeper):
    compute, _ = counted(0.3)

    def compute_and_wait():
        time.sleep(0.2)
        return compute()

    costs = []
    for _ in range(2):
        cpu, wall = cpu_seconds(), wall_seconds()
        once(lambda: "a", compute_and_wait)
        costs.append((cpu_seconds() - cpu, wall_seconds() - wall))
    assert costs[0][0] == pytest.approx(0.3, abs=0.02)
    assert costs[0][1] > 0.5
    assert costs[1] == pytest.approx(costs[0], abs=2e-3)


def test_finding_and_keeping_results_costs_nothing(keeper):
    compute, _ = counted()
    slow = counted(0.2)[0]
    put, get = keeper.put, keeper.get
    keeper.put = lambda *given: (slow(), put(*given))
    keeper.get = lambda *given: (slow(), get(*given))[1]

    def key():
        slow()
        return "a"

    start = cpu_seconds()
    once(key, compute)
    once(key, compute)
    assert abs(cpu_seconds() - start) < 0.02
