"""Samples from the prior, and holes: codes of the prior that no training sample leads to.

A draw z from the prior lies in a hole if its decoding is encoded far from z: farther than 95 % of
the codes of training samples (of draws from their posteriors, where there are any) are from the
codes of their own decodings. Were the codes of the training samples distributed as the prior, 5 %
would be in holes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.training.latent import Decoded, Posteriors

Floats = NDArray[np.float64]

N_DRAWS = 500
N_SHOWN = 8
QUANTILE = 0.95


@dataclass(frozen=True)
class Prior:
    """Draws from N(0, I).

    Attributes:
        samples: (N_SHOWN, *shape) decodings of the first draws.
        holes: (N_SHOWN, *shape) decodings of those that are encoded farthest, the farthest first.
        limit: of the distance, above which a draw lies in a hole.
        n_holes: number of draws in holes, of N_DRAWS.
    """

    samples: Floats
    holes: Floats
    limit: float
    n_holes: int


def prior(space: Decoded, x: Floats, back: Callable[[Floats], Floats]) -> Prior:
    """Return draws from the prior of a latent space, judged by training samples (n, *shape).

    Their decodings are returned in the units that `back` leads to.
    """
    draws = space.model.stream("draws of the prior")
    codes = space.codes(x)
    if isinstance(space, Posteriors):
        codes = space.draws(x, draws.standard_normal(codes.shape))
    z = draws.standard_normal((N_DRAWS, codes.shape[1]))
    limit = float(np.quantile(_gaps(space, codes)[1], QUANTILE))
    samples, gaps = _gaps(space, z)
    farthest = np.argsort(-gaps, kind="stable")[:N_SHOWN]
    return Prior(back(samples[:N_SHOWN]), back(samples[farthest]), limit, int((gaps > limit).sum()))


def _gaps(space: Decoded, z: Floats) -> tuple[Floats, Floats]:
    """Return the decodings (n, *shape) of codes (n, k), and the distances of their codes to these.

    As root mean squares over the units.
    """
    samples = space.decode(z)
    gaps: Floats = np.sqrt(((space.codes(samples) - z) ** 2).mean(axis=1))
    return samples, gaps
