"""What directions of a latent space carry: spectra and planes of principal components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spectrum(codes: Floats) -> Floats:
    """Return the variances (k,) of the principal components of codes (n, k), descending."""
    covariance = np.cov(codes.T, ddof=0).reshape(codes.shape[1], -1)
    variances: Floats = np.maximum(np.linalg.eigvalsh(covariance), 0)[::-1]
    return variances


def plane(codes: Floats, others: Floats) -> tuple[Floats, float]:
    """Return other codes (m, k) in the plane (m, 2) of the first two principal components of codes.

    And the share of the variance of codes (n, k) in that plane. The second coordinate of a single
    unit is 0.
    """
    centre = codes.mean(axis=0)
    _, sizes, directions = np.linalg.svd(codes - centre, full_matrices=False)
    shown = np.zeros((len(others), 2))
    axes = directions[:2]
    shown[:, : len(axes)] = (others - centre) @ axes.T
    return shown, float((sizes[:2] ** 2).sum() / max((sizes**2).sum(), 1e-300))
