"""Excess mass and mass volume: how small the region is that holds most samples, without labels.

The level sets of a score hold a share of the samples that are held out of training, their mass, and
of draws from the uniform distribution on the box around the training samples, their volume; a good
score needs little volume for much mass.

S. Clémençon & J. Jakubowicz, "Scoring anomalies: a M-estimation formulation", AISTATS 2013 (mass
volume); N. Goix, A. Sabourin & S. Clémençon, "On anomaly ranking and excess-mass curves", AISTATS
2015, arXiv:1502.01684. Their areas: N. Goix, "How to evaluate the quality of unsupervised anomaly
detection algorithms?", 2016, arXiv:1607.01152.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.scored import Floats
from detectors.streams import stream

EXCESS, VOLUME = NAMES = ("excess_mass", "mass_volume")
DRAWS = 10_000
FEWEST = 10  # draws in a level set; fewer say its volume with a standard error above a third
MASSES = np.arange(0.9, 0.999, 0.001)
STEPS = 500  # of the area under the curve of excess mass


def draws(x_train: object, seed: int) -> NDArray[Any] | None:
    """Return (DRAWS, d) draws from the box around training samples (n, d), None for others.

    They are from a stream of the seed that nothing else uses, the same for each detector.
    """
    if not isinstance(x_train, np.ndarray) or x_train.ndim != 2:
        return None
    box = x_train.min(axis=0), x_train.max(axis=0)
    return stream(seed, "volumes").uniform(*box, (DRAWS, x_train.shape[1])).astype(x_train.dtype)


def areas(held: Floats, drawn: Floats) -> dict[str, float]:
    """Return the areas under both curves, by `NAMES`, with the volume of the box as the unit.

    Under that of mass volume, for masses of .9 to .999; under that of excess mass, to where it
    falls to .9. Nothing where a score is nan, or where the level set of mass .9 has fewer than
    `FEWEST` draws.

    Args:
        held: (n,) scores of held-out samples, larger for more anomalous.
        drawn: (m,) scores of draws.
    """
    levels, drawn = np.sort(held), np.sort(drawn)
    at = np.quantile(levels, MASSES, method="inverted_cdf")
    volumes = np.searchsorted(drawn, at, side="right") / len(drawn)
    if np.isnan(levels[-1] + drawn[-1]) or volumes[0] * len(drawn) < FEWEST:
        return {}
    mass = np.searchsorted(levels, levels, side="right") / len(levels)
    volume = np.searchsorted(drawn, levels, side="right") / len(drawn)
    large = mass >= MASSES[0]
    prices = np.linspace(0, ((mass - MASSES[0])[large] / volume[large]).max(), STEPS)
    excess = np.array([(mass - price * volume).max() for price in prices])
    return {
        EXCESS: float(np.trapezoid(excess, prices)),
        VOLUME: float(np.trapezoid(volumes, MASSES)),
    }
