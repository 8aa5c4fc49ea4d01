"""How time and memory of a fit and of as many scores grow with the samples.

    .venv/bin/python -m tests.perf.perf_growth docs/images/growth.png

measures all sizes and draws them. A detector goes to the next size, ten times as large, while that
would take at most two minutes of one core; those of `LARGE` go to a million samples. An exponent is
that of time over the two largest sizes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bench.history.perf import Measure
from bench.render import figures
from bench.render.lines import COLORS, MARKERS

N_FEATURES, SIZES = 20, (1_000, 10_000, 100_000, 1_000_000)
LARGE = ("ae", "vae:elbo", "iforest", "kmeans", "ecod", "pca")
OTHERS = (
    "knn",
    "lof",
    "ocsvm",
    "ocsvm-nystroem",
    "kde",
    "gmm",
    "copod",
    "mahalanobis",
    "pyod:HBOS",
)
LINEAR = ("pca", "mahalanobis", "kmeans", "ecod", "copod", "pyod:HBOS", "gmm", "max-abs-z")
DONORS = (619_326, 10)  # the shape of `adbench/donors`
MOST_SECONDS = 120.0

Grown = dict[int, dict[str, float]]  # what `growing` prints, by size


def grown(spec: str, n: int, n_features: int = N_FEATURES) -> dict[str, float]:
    """Return seconds and MiB of a fit and scores, in a process of its own on one thread."""
    command = (sys.executable, "-m", "tests.perf.growing", spec, str(n), str(n_features))
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found: dict[str, float] = json.loads(subprocess.check_output(command, env=env))
    return {**found, "seconds": found["fit"] + found["score"]}


def growth(spec: str) -> Grown:
    """Return what a detector takes of each size that it goes to."""
    found: Grown = {}
    for n in SIZES:
        found[n] = grown(spec, n)
        steepness = exponent(found) if len(found) > 1 else 1
        expected = found[n]["seconds"] * (SIZES[1] / SIZES[0]) ** steepness
        if spec not in LARGE and expected > MOST_SECONDS:
            break
    return found


def exponent(found: Grown) -> float:
    """Return the exponent of time over the two largest sizes."""
    (small, before), (large, after) = sorted(found.items())[-2:]
    return float(np.log(after["seconds"] / before["seconds"]) / np.log(large / small))


def _at_once(specs: Sequence[str], work: Any) -> dict[str, Any]:
    """Return work(spec) of each, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(specs, pool.map(work, specs), strict=True))


def measures() -> list[Measure]:
    """Return the time of a million samples, that of linear detectors, and exponents of growth."""
    start = time.perf_counter()
    large = _at_once(LARGE, partial(grown, n=SIZES[-1]))
    wall = time.perf_counter() - start
    slowest = max(large, key=lambda spec: large[spec]["seconds"])
    linear = _at_once(LINEAR, lambda spec: grown(spec, *DONORS))
    worst = {name: max(linear, key=lambda s: linear[s][name]) for name in ("seconds", "mib")}
    shape = f"{DONORS[0]:,} x {DONORS[1]}, dearest of {len(LINEAR)} linear detectors"
    found = [
        Measure(f"{SIZES[-1]:,} x {N_FEATURES} through {', '.join(LARGE)}, two at once", wall, "s",
                600, beside=f"{slowest} {large[slowest]['seconds']:.0f} s CPU"),
        Measure(f"{shape}: time", linear[worst["seconds"]]["seconds"], "s CPU", 60,
                beside=worst["seconds"]),
        Measure(f"{shape}: memory", linear[worst["mib"]]["mib"], "MiB", 3072, beside=worst["mib"]),
    ]  # fmt: skip
    for spec, of_sizes in _at_once((*LARGE, *OTHERS), growth).items():
        n = max(of_sizes)
        beside = f"{of_sizes[n]['seconds']:.3g} s CPU and {of_sizes[n]['mib']:.0f} MiB at {n:,}"
        found.append(Measure(f"exponent of time, {spec}", exponent(of_sizes), beside=beside))
    return found


def draw(all_: Mapping[str, Grown], file: Path) -> None:
    """Draw seconds and MiB of each detector against the samples."""
    with mpl.rc_context(figures.SETTINGS):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        pair = figure.subplots(1, 2)
    for axes, name, label in zip(pair, ("seconds", "mib"), ("CPU seconds", "MiB"), strict=True):
        for number, (spec, of_sizes) in enumerate(all_.items()):
            sizes = sorted(of_sizes)
            axes.loglog(
                sizes, [of_sizes[n][name] or np.nan for n in sizes], label=spec, linewidth=1.1,
                marker=MARKERS[number % len(MARKERS)], color=COLORS[number % len(COLORS)],
                markersize=4, linestyle="-" if number < len(COLORS) else "--",
            )  # fmt: skip
        figures.label_logarithms(axes.xaxis, np.asarray(SIZES))
        figures.label_logarithms(axes.yaxis, np.asarray([0.001, 1000]))
        axes.tick_params(labelsize=figures.TEXT)
        axes.set_xlabel(f"samples of {N_FEATURES} features, to train on and as many to score")
        axes.set_ylabel(label)
        axes.grid(color="0.92", linewidth=0.6)
        figures.plain(axes)
    pair[1].legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=figures.TEXT
    )
    figures.write(figure, file, file.suffix[1:])


if __name__ == "__main__":
    every = _at_once((*LARGE, *OTHERS), growth)
    sys.stdout.write(json.dumps(every) + "\n")
    draw(every, Path(sys.argv[1]))
