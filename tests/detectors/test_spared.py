"""Kept results are what was computed, and cost what they took."""

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from detectors.spared import PART, cpu_seconds, keep_in, once

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
        found = once("a", compute)
        for array, expected in zip(found, RESULTS, strict=True):
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
            assert array.tobytes() == expected.tobytes()
    assert len(calls) == 1
    found[0][:] = 0  # whoever has them may change them
    assert_array_equal(once("a", compute)[0], RESULTS[0])
    once("b", compute)
    assert len(calls) == 2


def test_nothing_is_kept_without_a_place_for_it():
    compute, calls = counted()
    assert once("a", compute) is once("a", compute) is RESULTS
    assert len(calls) == 2


def test_a_kept_result_costs_what_it_took(keeper):
    compute, _ = counted(0.3)
    costs = []
    for _ in range(2):
        start = cpu_seconds()
        once("a", compute)
        costs.append(cpu_seconds() - start)
    assert costs[0] == pytest.approx(0.3, abs=0.01)
    assert costs[1] == pytest.approx(costs[0], abs=1e-3)


def test_finding_and_keeping_results_costs_nothing(keeper):
    compute, _ = counted()
    slow_put, slow_get = counted(0.2)[0], counted(0.2)[0]
    put, get = keeper.put, keeper.get
    keeper.put = lambda *given: (slow_put(), put(*given))
    keeper.get = lambda *given: (slow_get(), get(*given))[1]
    start = cpu_seconds()
    once("a", compute)
    once("a", compute)
    assert abs(cpu_seconds() - start) < 0.02


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["0"].__setitem__((0, 0, 0, 0, 0), 7),
        lambda record: record["seconds"].__setitem__(0, 0.0),
        lambda record: record["digest"].__setitem__(0, b"0" * 16),
    ],
    ids=["a value", "its time", "its digest"],
)
def test_what_was_changed_is_computed_again(change, keeper):
    compute, calls = counted()
    once("a", compute)
    change(keeper.kept["a"][PART])
    assert_array_equal(once("a", compute)[0], RESULTS[0])
    assert len(calls) == 2


def test_an_array_that_is_no_record_is_computed_again(keeper):
    compute, calls = counted()
    keeper.put("a", {PART: np.zeros(3)})
    once("a", compute)
    once("a", compute)
    assert len(calls) == 1
