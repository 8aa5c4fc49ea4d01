"""Named streams of random numbers, so that no two uses of one seed share their draws."""

from __future__ import annotations

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of the stream `name` under `seed`.

    Streams of one seed are independent of each other, and each starts afresh at every call:
    the same arguments give the same numbers, whatever was drawn before or elsewhere.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))


def integer_seed(seed: int, name: str) -> int:
    """Return a 31-bit seed from the stream `name`, for libraries that take an integer."""
    return int(stream(seed, name).integers(2**31 - 1))
