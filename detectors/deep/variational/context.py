"""Context-encoding VAE: it also restores samples of which a part is hidden.

Zimmerer, Kohl, Petersen, Isensee and Maier-Hein, "Context-encoding variational autoencoder for
unsupervised anomaly detection", 2018, arXiv:1812.05941; the context encoder: Pathak,
Krahenbuhl, Donahue, Darrell and Efros, "Context encoders: feature learning by inpainting", CVPR
2016, arXiv:1604.07379.

Where the paper leaves something open: hidden values are 0, the mean of standardised features. The
paper hides squares of images; of vectors, each feature is hidden with the same chance. The error
of a restored sample is -log p(x|z), as in the bound, over all features and not the hidden ones
alone.

Reference: [zimmerer2018cevae]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from detectors.deep.variational.vae import VAE
from detectors.networks.variational import VAENet
from detectors.training.trainable import Singles

N_SQUARES = 3  # most squares that are hidden in an image


@dataclass(kw_only=True)
class ContextEncodingVAE(VAE):
    """Scores of a VAE that also learns to restore samples of which a part is hidden.

    The paper scores samples by `elbo`, and pixels by the map of `reconstruction-kl`, which combines
    its other two, those of `reconstruction` and `kl`. In scoring nothing is hidden.

    Attributes:
        context_weight: weight of the error of restored samples beside the bound; 1 in the paper.
        hidden_share: share of the features of a vector that are hidden. Of an image, one to three
            squares are, with sides of up to half of the image's.
    """

    context_weight: Annotated[float, Ge(0)] = 1.0
    hidden_share: Annotated[float, Gt(0), Lt(1)] = 0.3

    def _noise(self, net: VAENet, draws: np.random.Generator, n: int) -> Singles:
        chances = draws.random((n, _n_chances(net.shape)), dtype=np.float32)
        return np.concatenate([chances, super()._noise(net, draws, n)], axis=1)

    def _losses(self, net: VAENet, x: Tensor, noise: Tensor) -> Tensor:
        """Return L_KL + L_rec(x, g(z)) + L_rec(x, g(mu(x'))), for x' of which a part is hidden."""
        n_chances = _n_chances(net.shape)
        bound = super()._losses(net, x, noise[:, n_chances:])
        seen = torch.where(self._hidden(x, noise[:, :n_chances]), 0.0, x)
        code = net.family.centre(net.posterior(seen))
        error = self._nll(net, x, code[None])[0]
        return bound + self.context_weight * error

    def _hidden(self, x: Tensor, chances: Tensor) -> Tensor:
        """Return which values of samples (n, *shape) are hidden, (n, *shape) or (n, 1, h, w)."""
        if x.ndim == 2:
            return chances < self.hidden_share
        n_squares = 1 + (N_SQUARES * chances[:, :1]).floor()
        sides, *corners = chances[:, 1:].chunk(3, dim=1)
        sides = 1 + (sides * (min(x.shape[2:]) // 2)).floor()
        within = []
        for size, corner in zip(x.shape[2:], corners, strict=True):
            start = (corner * (size - sides + 1)).floor()[..., None]
            place = torch.arange(size, device=x.device)
            within.append((place >= start) & (place < start + sides[..., None]))
        there = torch.arange(N_SQUARES, device=x.device) < n_squares
        squares = within[0][..., None] & within[1][..., None, :] & there[..., None, None]
        return squares.any(1, keepdim=True)


def _n_chances(shape: tuple[int, ...]) -> int:
    """Return how many uniform numbers decide what is hidden in a sample of this shape."""
    return shape[0] if len(shape) == 1 else 1 + 3 * N_SQUARES
