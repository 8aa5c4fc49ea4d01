"""What a training step costs: each deep method on the loop, and in a bare PyTorch loop.

Both train the same networks by the same losses, batches and optimisers on the same rows; the bare
loop trains one seed with `backward` and `step`, as a script would. Of vectors five seeds train
together on the loop, so its time is a fifth of theirs; of images, which some methods take by
convolutions, one. One thread, CPU seconds, the least of some rounds in which the two take turns.

    .venv/bin/python -m tests.perf.perf_steps [NAME...]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bench.history.perf import Measure
from detectors.factory import load_class
from detectors.networks.dense import build_seeded
from detectors.registry import TABLE, find
from detectors.training.base import DeepDetector

SEEDS, EPOCHS, ROUNDS = 5, 8, 3
N_ROWS, N_IMAGES = 512, 128
VECTORS, IMAGES = (30,), (1, 28, 28)
AIM = 1.15


def names() -> list[str]:
    """Return the names of vectors whose class trains on the loop."""
    return [
        name
        for name, entry in zip(TABLE, map(find, TABLE), strict=True)
        if entry.takes_epochs
        and not entry.images_only
        and issubclass(load_class(entry.target), DeepDetector)
    ]


def convolutional() -> list[str]:
    """Return the names of the methods, also of those for images alone, that have convolutions."""
    every = [
        *names(),
        *(name for name in TABLE if find(name).images_only and find(name).takes_epochs),
    ]
    nets = {name: made(name, 0)._network(IMAGES) for name in every if takes_images(name)}
    return [n for n, net in nets.items() if any(p.ndim == 4 for p in net.parameters())]


def takes_images(name: str) -> bool:
    """Return whether a method takes images as such, unless it is set to flatten them."""
    return load_class(find(name).target).takes_images and not find(name).preset.get("flatten")


def made(name: str, seed: int) -> DeepDetector[Any]:
    """Return a detector that trains for a fixed number of epochs on all rows."""
    entry = find(name)
    cls: Any = load_class(entry.target)
    return cls(seed=seed, epochs=EPOCHS, validation_share=0.0, **entry.preset)


def n_seeds(x: np.ndarray) -> int:
    """Return how many seeds train at once on samples (n, *shape)."""
    return SEEDS if x.ndim == 2 else 1


def on_the_loop(name: str, x: np.ndarray) -> None:
    """Train five seeds together, or one on images."""
    detectors = [made(name, seed) for seed in range(n_seeds(x))]
    failures = [e for e in type(detectors[0]).fit_together(detectors, [x] * len(detectors)) if e]
    if failures:
        raise failures[0]


def in_a_bare_loop(name: str, x: np.ndarray) -> None:
    """Train one seed as a script would."""
    detector = made(name, 0)
    rows = torch.tensor(detector._material(x), dtype=torch.float32)
    net = build_seeded(lambda: detector._network(rows.shape[1:]), 0).train()
    draws, size = np.random.default_rng(0), detector.batch_size
    for phase in detector._phases():
        steps = []
        for objective in phase.objectives:
            moved = [
                parameter
                for key, parameter in net.named_parameters()
                if not objective.parts or key.partition(".")[0] in objective.parts
            ]
            optimizer = torch.optim.AdamW(
                moved,
                lr=objective.pace * detector.learning_rate,
                betas=objective.betas,
                weight_decay=detector.weight_decay,
                fused=True,
            )
            steps.append((objective, moved, optimizer))
        with torch.no_grad():
            detector._renew(net, rows, phase, 0)
        for epoch in range(phase.epochs):
            order = torch.from_numpy(draws.permutation(len(rows)))
            noise = torch.from_numpy(detector._noise(net, draws, len(rows)))
            for batch in torch.split(torch.arange(len(rows)), size):
                weight = torch.full((len(batch),), 1 / len(batch))
                given = rows[order[batch]], weight, noise[batch]
                for objective, moved, optimizer in steps:
                    loss = objective.loss(net, *given)
                    for parameter, gradient in zip(
                        moved, torch.autograd.grad(loss, moved), strict=True
                    ):
                        parameter.grad = gradient
                    torch.nn.utils.clip_grad_norm_(moved, detector.max_gradient_norm)
                    optimizer.step()
            with torch.no_grad():
                detector._renew(net, rows, phase, epoch + 1)


def measure(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return milliseconds of a step and seed, on the loop and in the bare one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    n_rows = N_ROWS if shape == VECTORS else N_IMAGES
    x = np.random.default_rng(0).random((n_rows, *shape))  # as a Bernoulli decoder takes
    ways: dict[Callable[..., None], float] = {on_the_loop: math.inf, in_a_bare_loop: math.inf}
    for _ in range(ROUNDS):
        for train in ways:
            start = time.process_time()
            train(name, x)
            ways[train] = min(ways[train], time.process_time() - start)
    torch.set_num_threads(threads)
    detector = made(name, 0)
    epochs = sum(phase.epochs for phase in detector._phases())
    steps = epochs * math.ceil(n_rows / detector.batch_size)
    return 1e3 * ways[on_the_loop] / steps / n_seeds(x), 1e3 * ways[in_a_bare_loop] / steps


def measures(chosen: list[str] | None = None) -> list[Measure]:
    """Return the ratio of each method's step to that of a bare loop."""
    every = [(name, VECTORS) for name in names()] + [(name, IMAGES) for name in convolutional()]
    if unknown := set(chosen or ()) - {name for name, _ in every}:
        known = ", ".join(sorted({name for name, _ in every}))
        msg = f"no steps of {', '.join(sorted(unknown))} are measured; known are {known}"
        raise ValueError(msg)
    lines = []
    for name, shape in [pair for pair in every if not chosen or pair[0] in chosen]:
        ours, bare = measure(name, shape)
        on = "" if shape == VECTORS else " on images"
        both = f"{ours:.2f} ms / {bare:.2f} ms"
        lines.append(
            Measure(f"a step of {name}{on}, against a bare loop", ours / bare, "", AIM, beside=both)
        )
    return lines


if __name__ == "__main__":
    for one in measures(sys.argv[1:]):
        sys.stdout.write(f"{one.name}  {one.value:.2f}  {one.aim}  {one.beside}\n")
