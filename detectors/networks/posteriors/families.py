"""The families of posteriors by name."""

from __future__ import annotations

from collections.abc import Callable

from detectors.networks.posteriors.autoregressive import InverseAutoregressive
from detectors.networks.posteriors.base import Posterior
from detectors.networks.posteriors.chain import Chain
from detectors.networks.posteriors.diagonal import Diagonal
from detectors.networks.posteriors.flows import Planar, Radial
from detectors.networks.posteriors.full import Full

GAUSSIAN = ("diagonal", "chain", "full")
FAMILIES: dict[str, Callable[[int, int], Posterior]] = {
    "diagonal": lambda n_flows, latent_dim: Diagonal(latent_dim),
    "chain": lambda n_flows, latent_dim: Chain(latent_dim),
    "full": lambda n_flows, latent_dim: Full(latent_dim),
    "planar": Planar,
    "radial": Radial,
    "iaf": InverseAutoregressive,
}
"""Number of maps, for flows, and of latent units -> the family."""
