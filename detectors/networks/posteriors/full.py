"""The Gaussian with any covariance, given by its Cholesky factor: what a diagonal one leaves out.

Kingma and Welling, "An introduction to variational autoencoders", Foundations and Trends in
Machine Learning 2019, arXiv:1906.02691, section 2.5.1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from detectors.networks.likelihoods import bounded
from detectors.networks.posteriors.base import Gaussian, Parameters


class Full(Gaussian):
    """N(mu, C C^T) with a lower triangular C (n, k, k), for time and outputs quadratic in k.

    Its parameters are mu (n, k), log c^2 (n, k) of the diagonal c of C, and the entries below it.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__(latent_dim)
        n_below = latent_dim * (latent_dim - 1) // 2
        # Where each entry of C stands among those below the diagonal; others are the 0 behind them.
        self.places = torch.full((latent_dim, latent_dim), n_below)
        self.places[*torch.tril_indices(latent_dim, latent_dim, -1)] = torch.arange(n_below)

    @property
    def n_outputs(self) -> int:
        """Mean, and the lower triangle with its diagonal."""
        return self.latent_dim * (self.latent_dim + 3) // 2

    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return mu, log c^2 and the entries of C below its diagonal, (n, k (k - 1) / 2)."""
        k = self.latent_dim
        return outputs[..., :k], bounded(outputs[..., k : 2 * k]), outputs[..., 2 * k :]

    def codes_of(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Return mu + C noise."""
        mean, log_squares, _ = parameters
        mixed = (self._below(parameters) * noise[..., None, :]).sum(-1)
        return mean + (0.5 * log_squares).exp() * noise + mixed

    def noise_of(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Solve C noise = z - mu."""
        mean, log_squares, _ = parameters
        factor = self._below(parameters) + (0.5 * log_squares).exp().diag_embed()
        solved: Tensor = torch.linalg.solve_triangular(factor, (z - mean)[..., None], upper=False)
        return solved.squeeze(-1)

    def log_volume(self, parameters: Parameters) -> Tensor:
        """Return the sum of log c."""
        return 0.5 * parameters[1].sum(-1)

    def log_variances(self, parameters: Parameters) -> Tensor:
        """Return the logarithm of the squared length of each row of C."""
        return (parameters[1].exp() + self._below(parameters).square().sum(-1)).log()

    def _below(self, parameters: Parameters) -> Tensor:
        """Return C without its diagonal, (n, k, k)."""
        return functional.pad(parameters[2], (0, 1))[..., self.places]
