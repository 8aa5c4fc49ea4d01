"""The Gaussian with a diagonal covariance: Kingma and Welling, ICLR 2014, arXiv:1312.6114."""

from __future__ import annotations

from torch import Tensor

from detectors.networks.likelihoods import bounded
from detectors.networks.posteriors.base import Gaussian, Parameters
from detectors.networks.posteriors.distances import kl_to_prior


class Diagonal(Gaussian):
    """N(mu, diag sigma^2); its parameters are mu and log sigma^2, (n, k) each."""

    @property
    def n_outputs(self) -> int:
        """Mean and log variance of each unit."""
        return 2 * self.latent_dim

    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return mu and log sigma^2."""
        mean, log_variance = outputs.chunk(2, dim=-1)
        return mean, bounded(log_variance)

    def codes_of(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Return mu + sigma noise, equation 4 of Kingma and Welling."""
        mean, log_variance = parameters
        return mean + (0.5 * log_variance).exp() * noise

    def noise_of(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return (z - mu) / sigma."""
        mean, log_variance = parameters
        return (z - mean) * (-0.5 * log_variance).exp()

    def log_volume(self, parameters: Parameters) -> Tensor:
        """Return the sum of log sigma."""
        return 0.5 * parameters[1].sum(-1)

    def log_variances(self, parameters: Parameters) -> Tensor:
        """Return log sigma^2."""
        return parameters[1]

    def weigh(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `Posterior.weigh`, in one sum: the constants of both densities cancel."""
        z, log_variance = self.codes_of(parameters, noise), parameters[1]
        return z, 0.5 * (z.square() - noise.square() - log_variance).sum(-1)

    def kl(self, parameters: Parameters) -> Tensor:
        """As `kl_to_prior`."""
        mean, log_variance = parameters
        return kl_to_prior(mean, log_variance)
