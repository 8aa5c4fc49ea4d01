"""What an approximate posterior q(z|x) is: a map of normal noise, given the encoder's outputs."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

Parameters = tuple[Tensor, ...]
"""What determines q(z|x) of samples, (n, ...) each; the centre first."""


class Posterior(nn.Module):
    """A family of distributions of codes (k,), drawn as z = f(noise) with noise from N(0, I).

    Parameters are (n, ...) and noise is (..., n, k): several draws share the parameters. Whatever
    is random is in the noise, so that the caller's streams decide it. All operations are of rows,
    and `vmap` can map them.

    Args:
        latent_dim: k.
    """

    closed_form: ClassVar[bool] = False  # whether the family has a `kl`

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number of outputs of the encoder per sample."""

    @abstractmethod
    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return the parameters, given the encoder's outputs (n, n_outputs)."""

    @abstractmethod
    def draw(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes z (..., n, k) of draws from N(0, I), and log q(z|x) (..., n) in nats."""

    def weigh(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes z as `draw`, and log q(z|x) - log p(z) for p(z) = N(0, I), in nats."""
        z, log_density = self.draw(parameters, noise)
        return z, log_density - normal_log_density(z)

    def centre(self, parameters: Parameters) -> Tensor:
        """Return the code (n, k) of noise 0: the mean of a Gaussian posterior."""
        return self.draw(parameters, parameters[0].new_zeros(parameters[0].shape))[0]

    def kl(self, parameters: Parameters) -> Tensor:
        """Return KL(q(z|x) || N(0, I)) (n,) in nats, of a family with a `closed_form`."""
        raise NotImplementedError


class Gaussian(Posterior):
    """A Gaussian: the map of the noise is affine, so that it has an inverse and moments."""

    closed_form: ClassVar[bool] = True

    @abstractmethod
    def codes_of(self, parameters: Parameters, noise: Tensor) -> Tensor:
        """Return the codes (..., n, k) of noise (..., n, k)."""

    @abstractmethod
    def noise_of(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return the noise (..., n, k) of codes (..., n, k)."""

    @abstractmethod
    def log_volume(self, parameters: Parameters) -> Tensor:
        """Return the log determinant (n,) of the map: half that of the covariance."""

    @abstractmethod
    def log_variances(self, parameters: Parameters) -> Tensor:
        """Return the logarithm of the variance (n, k) of each unit by itself."""

    def draw(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `Posterior.draw`."""
        log_density = normal_log_density(noise) - self.log_volume(parameters)
        return self.codes_of(parameters, noise), log_density

    def log_density(self, parameters: Parameters, z: Tensor) -> Tensor:
        """Return log q(z|x) (..., n) in nats of codes (..., n, k)."""
        return normal_log_density(self.noise_of(parameters, z)) - self.log_volume(parameters)

    def centre(self, parameters: Parameters) -> Tensor:
        """Return the mean."""
        return parameters[0]

    def kl(self, parameters: Parameters) -> Tensor:
        """As `Posterior.kl`: 1/2 (tr S + |mu|^2 - k - log det S) for a covariance S."""
        mean, variances = parameters[0], self.log_variances(parameters).exp()
        return 0.5 * (mean.square() + variances - 1).sum(-1) - self.log_volume(parameters)

    def factors(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Return A and its inverse, (n, k, k) each, of the map mu + A noise: S = A A^T."""
        mean = parameters[0]
        units = torch.eye(self.latent_dim, dtype=mean.dtype)[:, None]
        forward = self.codes_of(parameters, units) - mean
        backward = self.noise_of(parameters, units + mean)
        return forward.movedim(0, -1), backward.movedim(0, -1)


def normal_log_density(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) in nats, (..., k) -> (...)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
