"""The network of variational autoencoders: encoder, decoder and likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from detectors.networks import images
from detectors.networks.dense import code_size, hidden_sizes
from detectors.networks.likelihoods import Likelihood
from detectors.networks.posteriors.base import Parameters, Posterior


class VAENet(nn.Module):
    """Encoder, family of posteriors q(z|x), decoder and likelihood p(x|z).

    Args:
        shape: of a sample, (d,) or (c, h, w).
        hidden: as the setting of `VAE`.
        latent_dim: as the setting of `VAE`.
        likelihood: returns the likelihood of d features.
        posterior: returns the family of posteriors over k latent units.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] | None,
        latent_dim: int | None,
        likelihood: Callable[[int], Likelihood],
        posterior: Callable[[int], Posterior],
    ) -> None:
        super().__init__()
        d = math.prod(shape)
        observed = likelihood(d)
        if hidden is None and len(shape) == 1:
            hidden = hidden_sizes(d)
        self.shape = shape
        self.latent_dim = latent_dim or code_size(d)
        family = posterior(self.latent_dim)
        self.encoder = images.encoder(shape, hidden, family.n_outputs)
        outputs = (observed.width * shape[0], *shape[1:])
        self.decoder = images.decoder(self.latent_dim, hidden, outputs)
        self.likelihood = observed
        self.family = family

    def posterior(self, x: Tensor) -> Parameters:
        """Return the parameters of q(z|x), (n, ...) each, for samples (n, *shape)."""
        return self.family.parameters_of(self.encoder(x))

    def decode(self, z: Tensor) -> Tensor:
        """Return the outputs (n, width * d) of the decoder for codes (n, k)."""
        outputs: Tensor = self.decoder(z).flatten(1)
        return outputs

    def restore(self, z: Tensor) -> Tensor:
        """Return the means (n, d) of p(x|z) for codes (n, k)."""
        mean: Tensor = self.likelihood.parameters_of(self.decode(z))[0]
        return mean
