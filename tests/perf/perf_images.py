"""A category of 400 photographs: how fast it is decoded, and what detectors take to train on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import bench
from bench.history.perf import Measure
from datasets import load

N_TRAIN, N_TEST, SIDE = 400, 10, 700
SIZE = 256
MOST_MIB = 2048
DETECTORS = ("knn", "padim")


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
    """Return the seconds to decode the category, and the peak memory of fits and scores."""
    category(folder / "photos")
    name = f"folder:{folder / 'photos'}?size={SIZE}&masks=no"
    wall, cpu = time.perf_counter(), time.process_time()
    load(name)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    command = (
        sys.executable, "-m", "bench", "run", "--detectors", ",".join(DETECTORS), "--datasets",
        name, "--protocol", "official", "--scaler", "none", "--seeds", "1", "--results",
        str(folder / "results"),
    )  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peaks = bench.rows(folder / "results").set_index("label")["peak_mib"]
    photos = f"{N_TRAIN + 2 * N_TEST} photographs of {SIDE} pixels"
    return [
        Measure(f"{photos} decoded, CPU", cpu, "s", 15),
        Measure(f"{photos} decoded, on {os.cpu_count()} cores, over CPU", wall / cpu, "", 0.7),
        *(
            Measure(f"{label} on {N_TRAIN} images of {SIZE} pixels", peaks[label], "MiB", MOST_MIB)
            for label in DETECTORS
        ),
    ]
