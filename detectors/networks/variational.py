"""The network of variational autoencoders: encoder, decoder and likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from detectors.networks import images
from detectors.networks.dense import code_size, hidden_sizes
from detectors.networks.likelihoods import Likelihood, bounded
from detectors.networks.posteriors import Posterior


class VAENet(nn.Module):
    """Encoder q(z|x) = N(mu(x), diag sigma(x)^2), decoder and likelihood p(x|z).

    Args:
        shape: of a sample, (d,) or (c, h, w).
        hidden: as the setting of `VAE`.
        latent_dim: as the setting of `VAE`.
        likelihood: returns the likelihood of d features.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] | None,
        latent_dim: int | None,
        likelihood: Callable[[int], Likelihood],
    ) -> None:
        super().__init__()
        d = math.prod(shape)
        family = likelihood(d)
        if hidden is None and len(shape) == 1:
            hidden = hidden_sizes(d)
        self.latent_dim = latent_dim or code_size(d)
        self.encoder = images.encoder(shape, hidden, 2 * self.latent_dim)
        outputs = (family.width * shape[0], *shape[1:])
        self.decoder = images.decoder(self.latent_dim, hidden, outputs)
        self.likelihood = family

    def posterior(self, x: Tensor) -> Posterior:
        """Return mu and log sigma^2, (n, k) each, of q(z|x) for samples (n, *shape)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=-1)
        return mean, bounded(log_variance)

    def decode(self, z: Tensor) -> Tensor:
        """Return the outputs (n, width * d) of the decoder for codes (n, k)."""
        outputs: Tensor = self.decoder(z).flatten(1)
        return outputs

    def restore(self, z: Tensor) -> Tensor:
        """Return the means (n, d) of p(x|z) for codes (n, k)."""
        mean: Tensor = self.likelihood.parameters_of(self.decode(z))[0]
        return mean
