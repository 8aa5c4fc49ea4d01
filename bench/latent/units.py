"""Which latent units of a posterior are used: variance of the mean, and divergence, by unit.

Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519,
section 5: a unit is active if the variance of its posterior mean over the samples exceeds 0.01.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.training.variational import ACTIVE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """The latent units of a diagonal posterior, those with the largest divergence first.

    Attributes:
        kl: (k,) mean over the samples of the terms of KL(q(z|x) || p(z)), in nats.
        variances: (k,) of the posterior mean over the samples.
    """

    kl: Floats
    variances: Floats

    @property
    def n_active(self) -> int:
        return int((self.variances > ACTIVE).sum())


def units(kl: Floats, mean: Floats) -> Units:
    """Return the units, given the terms of the divergence and the means (n, k) of samples."""
    order = np.argsort(-kl.mean(axis=0), kind="stable")
    return Units(kl.mean(axis=0)[order], mean.var(axis=0)[order])
