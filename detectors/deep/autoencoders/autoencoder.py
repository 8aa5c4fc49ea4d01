"""Autoencoder: a network that compresses samples to a narrow code and reconstructs them.

Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science
2006, doi:10.1126/science.1127647; as an anomaly detector Hawkins et al., "Outlier detection using
replicator neural networks", DaWaK 2002, doi:10.1007/3-540-46145-0_17.

Reference: [hinton2006autoencoder], [hawkins2002replicator]
"""

from __future__ import annotations

from dataclasses import dataclass

from detectors.training.reconstruction import CodeReconstruction


@dataclass(kw_only=True)
class Autoencoder(CodeReconstruction):
    """Squared error of a network's reconstruction of a sample from a narrow code."""
