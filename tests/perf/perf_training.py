"""Training time of `ae`, `vae` and `deep-svdd`, five seeds together, against PyOD's.

PyOD trains the five seeds one by one. Widths, epochs, batch size and samples are equal, one
thread, both in this run; each side is timed by a whole `fit` as its users call it: ours with its
validation, PyOD's with its dropout, batch normalisation and training scores. Times are CPU
seconds, which other work on the machine moves less than wall seconds.

    .venv/bin/python tests/perf/perf_training.py
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.deep_svdd import DeepSVDD as PyODDeepSVDD
from pyod.models.vae import VAE as PyODVAE

from bench.history.perf import Measure
from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.deep.one_class.deep_svdd import DeepSVDD
from detectors.deep.variational.vae import VAE
from detectors.training.base import DeepDetector

N_ROWS, N_FEATURES, SEEDS, EPOCHS, BATCH = 512, 30, 5, 20, 32
ROUNDS = 2
AIMS = {"ae": 1 / 10, "vae": 1 / 8, "deep-svdd": 1 / 5}

OURS: dict[str, tuple[type[DeepDetector[Any]], dict[str, Any]]] = {
    "ae": (Autoencoder, {"hidden": (64,), "latent_dim": 32}),
    "vae": (VAE, {"hidden": (64, 32), "latent_dim": 6}),
    "deep-svdd": (DeepSVDD, {"hidden": (64,), "latent_dim": 32, "pretraining_epochs": 0}),
}
THEIRS: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {  # with the name of epochs
    "ae": (AutoEncoder, "epoch_num", {"hidden_neuron_list": [64, 32]}),
    "vae": (
        PyODVAE,
        "epoch_num",
        {"encoder_neuron_list": [64, 32], "decoder_neuron_list": [32, 64], "latent_dim": 6},
    ),
    "deep-svdd": (PyODDeepSVDD, "epochs", {"n_features": N_FEATURES, "hidden_neurons": [64, 32]}),
}


def train_ours(name: str, x: np.ndarray, epochs: int) -> None:
    """Train five seeds together, without stopping early."""
    cls, widths = OURS[name]
    settings = {"epochs": epochs, "patience": epochs + 1, "batch_size": BATCH, **widths}
    detectors = [cls(seed=seed, **settings) for seed in range(SEEDS)]
    failures = [each for each in cls.fit_together(detectors, [x] * SEEDS) if each is not None]
    if failures:
        raise failures[0]


def train_theirs(name: str, x: np.ndarray, epochs: int) -> None:
    """Train PyOD's detector for five seeds."""
    cls, epochs_name, widths = THEIRS[name]
    settings = {**widths, epochs_name: epochs, "batch_size": BATCH, "verbose": 0}
    for seed in range(SEEDS):
        cls(random_state=seed, **settings).fit(x)


def measure() -> dict[str, float]:
    """Return, of each method, CPU seconds of ours and of PyOD's, and their ratio.

    Also the milliseconds a step of one replica takes while five train together. Times are the
    least of two rounds, in which ours and PyOD's take turns.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal((N_ROWS, N_FEATURES))
    values = {}
    for name in OURS:
        seconds = {train_ours: math.inf, train_theirs: math.inf}
        for train in seconds:
            train(name, x, 1)
        for _ in range(ROUNDS):
            for train in seconds:
                start = time.process_time()
                train(name, x, EPOCHS)
                seconds[train] = min(seconds[train], time.process_time() - start)
        ours, theirs = seconds[train_ours], seconds[train_theirs]
        steps = EPOCHS * math.ceil(0.9 * N_ROWS / BATCH)
        values[f"{name} seconds"] = ours
        values[f"{name} seconds of pyod"] = theirs
        values[f"{name} ratio"] = ours / theirs
        values[f"{name} ms a step and replica"] = 1e3 * ours / steps / SEEDS
    torch.set_num_threads(threads)
    return values


def measures() -> list[Measure]:
    """Return the training times of ours over PyOD's, and those of a step."""
    values = measure()
    lines = []
    for name in OURS:
        both = f"{values[f'{name} seconds']:.2f} s / {values[f'{name} seconds of pyod']:.2f} s"
        label = f"training {name}, 5 seeds, against PyOD"
        lines.append(Measure(label, values[f"{name} ratio"], "", AIMS[name], beside=both))
        step = values[f"{name} ms a step and replica"]
        lines.append(Measure(f"a training step of {name}, a replica", step, "ms CPU"))
    return lines


if __name__ == "__main__":
    for one in measures():
        sys.stdout.write(f"{one.name}  {one.value:.3f}  {one.aim}  {one.beside}\n")
