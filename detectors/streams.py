"""Named streams of random numbers, so that no two uses of one seed share their draws."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

GLOBALS = threading.RLock()
"""Held by whoever changes a global of the process for a while, so that threads take turns."""


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of the stream `name` under `seed`.

    The streams of a seed are independent of each other, and each call returns one at its start:
    equal arguments give equal numbers, whatever has been drawn before.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))


def integer_seed(seed: int, name: str) -> int:
    """Return a 31-bit seed from the stream `name`, for libraries that take an integer."""
    return int(stream(seed, name).integers(2**31 - 1))


@contextmanager
def global_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of random, numpy and torch inside, and restore them afterwards.

    For libraries that draw from them or seed them. That of torch is left out until torch is
    imported. Threads enter one after another.
    """
    with ExitStack() as stack:
        stack.enter_context(GLOBALS)
        python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
        torch = sys.modules.get("torch")
        if torch is not None:
            devices = range(torch.cuda.device_count())
            stack.enter_context(torch.random.fork_rng(devices=devices))
            torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
