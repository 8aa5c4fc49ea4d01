"""What a training step of the VAE costs with each posterior, against that of the diagonal one.

Five seeds train together on one thread; CPU seconds of some epochs beyond the first few, the least
of some rounds in which the posteriors take turns.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch

from bench.history.perf import Measure
from detectors.deep.variational.vae import VAE
from detectors.networks.posteriors.families import FAMILIES

SEEDS, FEW, MANY, ROUNDS = 5, 4, 24, 3
AIM = 2.0


def seconds(posterior: str, epochs: int, x: np.ndarray) -> float:
    """Return the CPU seconds of a training of that many epochs."""
    settings = {"epochs": epochs, "validation_share": 0.0, "posterior": posterior}
    models = [VAE.from_settings("vae", {}, {"seed": seed, **settings}) for seed in range(SEEDS)]
    start = time.process_time()
    VAE.fit_together(models, [x] * SEEDS)
    return time.process_time() - start


def measures() -> list[Measure]:
    """Return the ratio of each posterior's step to that of the diagonal one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x = np.random.default_rng(0).random((512, 30))
    least = {(name, epochs): math.inf for name in FAMILIES for epochs in (FEW, MANY)}
    for _ in range(ROUNDS):
        for each in least:  # the least of a difference would be that of the most disturbed FEW
            least[each] = min(least[each], seconds(*each, x))
    torch.set_num_threads(threads)
    steps = {name: least[name, MANY] - least[name, FEW] for name in FAMILIES}
    return [
        Measure(f"a step with the posterior {name}", value / steps["diagonal"], "", AIM)
        for name, value in steps.items()
        if name != "diagonal"
    ]
