"""What a child process does to make scores: all of its own code that can change one.

A row's key covers these functions and what they reach. Limits, costs and messages are elsewhere.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.contract import Detector, as_numbers
from detectors.factory import make, make_model
from detectors.grouped import hybrid
from detectors.spec import Spec
from detectors.streams import integer_seed

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""The environment of every process that makes scores: sums over threads are not repeatable."""


def seed_generators(seed: int) -> None:
    """Seed the global generators of this process.

    A detector that draws from them, although it should not, then gives the same scores, whatever
    ran before it.
    """
    number = integer_seed(seed, "global generators of the sandbox")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002  # the legacy generator is the one others draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


def build(
    spec: Spec, settings: Mapping[str, Any], device: str, seeds: Sequence[int]
) -> list[Detector]:
    """Return the model of a spec for each seed, on a device if it takes one."""
    models = [make_model(spec, **settings, seed=seed) for seed in seeds]
    for model in models:
        if hasattr(model, "device"):
            model.device = device
    return models


def fit(
    spec: Spec, models: Sequence[Detector], samples: Sequence[NDArray[Any]]
) -> list[BaseException | None]:
    """Fit models, each on its samples; return the error of each that could not be fitted.

    Models that train together take that path even when there is one; others come one by one, and
    their errors are raised.
    """
    if spec.entry.trains_together:
        together: Any = type(models[0])
        errors: list[BaseException | None] = together.fit_together(models, samples)
        return errors
    for model, x in zip(models, samples, strict=True):
        model.fit(x)
    return [None] * len(models)


def with_head(
    spec: Spec, model: Detector, settings: Mapping[str, Any], seed: int, x_train: NDArray[Any]
) -> Detector:
    """Return the head of a spec, fitted on the codes of a fitted model."""
    head = make(str(spec.head), **{"seed": seed, **settings})
    return hybrid(model, head).fit_head(x_train)


def score(detector: Detector, readout: str | None, x_test: NDArray[Any]) -> NDArray[np.float64]:
    """Return (n,) float64 scores of test samples.

    Raises:
        ValueError: the detector returned another shape, or no real numbers.
    """
    scores = as_numbers(detector.score(x_test, readout), "score returned")
    if scores.shape != (len(x_test),):
        msg = f"score returned an array of shape {scores.shape}; expected ({len(x_test)},)"
        raise ValueError(msg)
    return scores
