"""Masked autoencoder: it predicts the hidden part of a sample from the visible part.

He, Chen, Xie, Li, Dollar and Girshick, "Masked autoencoders are scalable vision learners", CVPR
2022, arXiv:2111.06377. Errors of hidden features as anomaly scores: Yin et al., "MCM: masked cell
modeling for anomaly detection in tabular data", ICLR 2024,
https://openreview.net/forum?id=lNZJyEDxy4.

Reference: [he2022mae], [yin2024mcm]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, cast

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.images import encoder
from detectors.training.reconstruction import CodeReconstruction
from detectors.training.trainable import Singles

PATCH = 4  # pixels: the side of a hidden patch; the neighbours of a single pixel reveal it


class MaskedNet(AutoencoderNet):
    """An autoencoder whose encoder takes the visible values and the mask of the hidden ones."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__(shape, hidden, latent_dim)
        self.encoder = encoder((2 * shape[0], *shape[1:]), hidden, self.latent_dim)
        self.cells = shape if len(shape) == 1 else (1, *(-(-side // PATCH) for side in shape[1:]))

    def mask(self, hidden: Tensor) -> Tensor:
        """Return the mask (n, *shape) that hides cells (n, *cells): features, or patches."""
        if len(self.shape) == 1:
            return hidden
        return nn.functional.interpolate(hidden, size=self.shape[1:]).expand(-1, *self.shape)

    def codes(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the codes (n, k) of samples (n, *shape), hidden where the mask is 1."""
        codes: Tensor = self.encoder(torch.cat([x * (1 - mask), mask], 1))
        return codes

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction (n, *shape) of samples; without a mask nothing is hidden."""
        restored: Tensor = self.decoder(
            self.codes(x, torch.zeros_like(x) if mask is None else mask)
        )
        return restored


@dataclass(kw_only=True)
class MaskedAutoencoder(CodeReconstruction):
    """Squared error of a network's predictions of hidden features of a sample from the others.

    In training a random share of the features, at least one, is hidden, with a new draw for each
    sample and epoch; the loss counts hidden features only. In scoring, the features are divided
    into ceil(1 / share) groups of nearly equal sizes, at least two, in `rounds` random ways, with
    the same draws for all samples. Each group is hidden in turn, and the error of a feature is the
    mean over the `rounds` masks that hide it. In images, patches of 4 x 4 pixels are hidden. Codes
    are those of completely visible samples.

    Attributes:
        share: share of the features, or of the patches, that a mask hides.
        rounds: number of masks that hide a feature in scoring.
    """

    share: Annotated[float, Gt(0), Lt(1)] = 0.25
    rounds: Annotated[int, Ge(1)] = 4

    def _network(self, shape: tuple[int, ...]) -> MaskedNet:
        return MaskedNet(shape, self.hidden, self.latent_dim)

    def _noise(self, net: AutoencoderNet, draws: np.random.Generator, n: int) -> Singles:
        cells = cast("MaskedNet", net).cells
        n_hidden = max(1, round(self.share * math.prod(cells)))
        order = draws.random((n, math.prod(cells))).argsort(axis=1)
        return (order < n_hidden).astype(np.float32).reshape(n, *cells)

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        mask = cast("MaskedNet", net).mask(noise)
        errors: Tensor = (mask * (net(x, mask) - x).square()).flatten(1).sum(-1)
        return errors / mask.flatten(1).sum(-1)

    def _masks(self) -> Tensor:
        """Return the masks of scoring, (masks, *shape); `rounds` of them hide a feature."""
        net, draws = cast("MaskedNet", self.net_), self.stream("read-outs")
        groups = np.arange(math.prod(net.cells)) % math.ceil(1 / self.share)
        dealt = [draws.permutation(groups).reshape(net.cells) for _ in range(self.rounds)]
        hidden = [each == group for each in dealt for group in np.unique(groups)]
        return net.mask(torch.from_numpy(np.stack(hidden)).float())

    def _errors(self, rows: Tensor) -> Tensor:
        errors = torch.zeros_like(rows)
        for mask in self._masks():
            restored = self.net_(rows.float(), mask.expand(rows.shape))
            errors += mask * self._residuals(rows, restored)
        return errors / self.rounds

    def _embed(self, rows: Tensor) -> Tensor:
        return cast("MaskedNet", self.net_).codes(rows.float(), torch.zeros(rows.shape))
