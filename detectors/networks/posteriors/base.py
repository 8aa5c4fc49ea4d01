"""What an approximate posterior q(z|x) is: a map of normal noise, given the encoder's outputs."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

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


def normal_log_density(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) in nats, (..., k) -> (...)."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
