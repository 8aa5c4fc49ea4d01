"""The Gaussian with a diagonal covariance: Kingma and Welling, ICLR 2014, arXiv:1312.6114."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from detectors.networks.likelihoods import bounded
from detectors.networks.posteriors.base import Parameters, Posterior, normal_log_density
from detectors.networks.posteriors.distances import kl_to_prior


class Diagonal(Posterior):
    """N(mu, diag sigma^2); its parameters are mu and log sigma^2, (n, k) each."""

    closed_form: ClassVar[bool] = True

    @property
    def n_outputs(self) -> int:
        """Mean and log variance of each unit."""
        return 2 * self.latent_dim

    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return mu and log sigma^2."""
        mean, log_variance = outputs.chunk(2, dim=-1)
        return mean, bounded(log_variance)

    def draw(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `Posterior.draw`: z = mu + sigma noise, equation 4 of Kingma and Welling."""
        mean, log_variance = parameters
        z = mean + (0.5 * log_variance).exp() * noise
        return z, normal_log_density(noise) - 0.5 * log_variance.sum(-1)

    def weigh(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `Posterior.weigh`, in one sum: the constants of both densities cancel."""
        z, _ = self.draw(parameters, noise)
        _, log_variance = parameters
        return z, 0.5 * (z.square() - noise.square() - log_variance).sum(-1)

    def centre(self, parameters: Parameters) -> Tensor:
        """Return mu."""
        return parameters[0]

    def kl(self, parameters: Parameters) -> Tensor:
        """As `kl_to_prior`."""
        mean, log_variance = parameters
        return kl_to_prior(mean, log_variance)
