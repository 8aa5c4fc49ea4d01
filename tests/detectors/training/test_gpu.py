"""Training on a GPU: every deep method gives nearly the scores it gives on the CPU."""

import numpy as np
import pytest
import torch

from detectors.factory import make_model
from detectors.registry import find, names
from detectors.spec import parse

NEAR = 0.05  # of the spread of a seed's scores over the samples
ADVERSARIES = {"alad": 0.3, "anogan": 0.3}  # rounding moves what the two learn of each other
DEEP = [name for name in names() if find(name).takes_device and not name.startswith("pyod:")]


def scores(name, samples, device):
    """Return the scores of two seeds that trained for three epochs."""
    entry = find(name)
    settings = {"epochs": 3} if entry.takes_epochs else {}
    models = []
    for seed in (0, 1):
        model = make_model(parse(name), seed=seed, **settings)
        model.device = device
        models.append(model.fit(samples))
    return np.array([model.score(samples) for model in models])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU")
@pytest.mark.parametrize("images", [False, True], ids=["vectors", "images"])
@pytest.mark.parametrize("name", DEEP)
def test_a_gpu_gives_nearly_the_scores_of_the_cpu(name, images):
    if find(name).images_only and not images:
        pytest.skip("images only")
    shape = (40, 1, 16, 16) if images else (64, 6)
    samples = np.random.default_rng(0).random(shape)
    on_cpu, on_gpu = (scores(name, samples, device) for device in ("cpu", "cuda"))
    allowed = ADVERSARIES.get(name, NEAR) * np.ptp(on_cpu, axis=1).min()
    assert np.abs(on_gpu - on_cpu).max() < allowed
