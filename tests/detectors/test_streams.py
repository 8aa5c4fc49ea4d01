"""Random streams: what threads do at the same time neither meets nor leaves a trace."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from detectors import make
from detectors.streams import global_generators

X = np.random.default_rng(0).normal(size=(60, 4))
SHORT = {"ae": {"epochs": 3}, "deep-svdd": {"epochs": 1}}


@pytest.fixture(autouse=True)
def _hurried():
    """Let threads switch after each microsecond."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def _globals():
    return (
        str(random.getstate()),
        str(np.random.get_state()),  # noqa: NPY002
        torch.get_rng_state().tolist(),
        sys.stdout,
    )


def _scores(spec):
    return make(spec, **SHORT.get(spec, {})).fit(X).score(X[:9]).tolist()


@pytest.mark.fault(
    area="detectors and their processes",
    kind="threads",
    how="several threads fit the same detectors at once, with a switch after each microsecond",
    promise="scores are those of one thread, bit for bit; generators and sys.stdout are as before",
)
def test_threads_get_the_scores_of_one_thread_and_leave_the_globals_alone():
    specs = ["ae", "deep-svdd", "pyod:INNE", "ocsvm-nystroem"]
    serial = {spec: _scores(spec) for spec in specs}
    before = _globals()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(_scores, specs * 3))
    assert found == [serial[spec] for spec in specs * 3]
    assert _globals() == before


def test_a_thread_waits_until_another_has_put_the_generators_back():
    def draw(seed):
        with global_generators(seed):
            return [(random.random(), np.random.rand()) for _ in range(500)]  # noqa: NPY002

    alone = [draw(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(draw, range(8))) == alone


def test_draws_of_another_thread_do_not_reach_the_weights():
    alone = make("deep-svdd", epochs=0).fit(X).score(X)
    ended = threading.Event()

    def draw():
        while not ended.is_set():
            torch.rand(100)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        found = [make("deep-svdd", epochs=0).fit(X).score(X) for _ in range(30)]
    finally:
        ended.set()
        thread.join()
    assert all(np.array_equal(scores, alone) for scores in found)
