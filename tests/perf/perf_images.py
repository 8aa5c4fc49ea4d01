"""A category of 400 photographs: how fast it is loaded, and what detectors take to train on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

import bench
from bench.history.perf import Measure
from datasets import load

N_TRAIN, N_TEST, SIDE = 400, 10, 700
SIZE = 256
MOST_MIB = 2048
DETECTORS = """
    "knn", "padim", "pca", "pca-residual-map",
    { spec = "ae", settings = { epochs = 1 }, label = "ae" },
    { spec = "vae:reconstruction", settings = { epochs = 1 }, label = "vae" },
"""  # memory does not depend on the number of epochs


def category(folder: Path) -> None:
    """Write PNG files with noise, of which PNG makes large files, in the layout of MVTec AD."""
    rng = np.random.default_rng(0)
    parts = {"train/good": N_TRAIN, "test/good": N_TEST, "test/spot": N_TEST}
    for part, count in parts.items():
        (folder / part).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(100, 140, (SIDE, SIDE, 3), np.uint8)
            if part == "test/spot":
                pixels[300:360, 300:360] = 250
            Image.fromarray(pixels).save(folder / part / f"{i}.png", compress_level=1)


def measures(folder: Path) -> list[Measure]:
    """Return the seconds to load the category twice, and the peak memory of fits and scores."""
    category(folder / "photos")
    name = f"folder:{folder / 'photos'}?size={SIZE}&masks=no"
    suite = folder / "memory.toml"
    suite.write_text(
        f"""title = "Memory of detectors on photographs"
datasets = ["{name}"]
protocol = "official"
scaler = "none"
seeds = 1
detectors = [{DETECTORS}]
"""
    )
    with patch.dict(os.environ, XDG_CACHE_HOME=str(folder / "cache")):
        (wall, cpu), (_, again) = (seconds(lambda: load(name)) for _ in range(2))
        command = (sys.executable, "-m", "bench", "run", suite, "--results", folder / "results")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peaks = bench.rows(folder / "results").set_index("label")["peak_mib"]
    photos = f"{N_TRAIN + 2 * N_TEST} photographs of {SIDE} pixels"
    return [
        Measure(f"{photos} decoded, CPU", cpu, "s", 15),
        Measure(f"{photos} decoded, on {os.cpu_count()} cores, over CPU", wall / cpu, "", 0.7),
        Measure(f"{photos} loaded again, CPU", again, "s", 1),
        *(
            Measure(f"{label} on {N_TRAIN} images of {SIZE} pixels", peak, "MiB", MOST_MIB)
            for label, peak in peaks.items()
        ),
    ]


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and the CPU seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu
