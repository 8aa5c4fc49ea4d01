"""VQ-VAE: an autoencoder whose codes are entries of a learned codebook.

van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017,
arXiv:1711.00937. Its likelihood of codes as an anomaly score: Marimont and Tarroni, "Anomaly
detection through latent space restoration using vector-quantized variational autoencoders", ISBI
2021, arXiv:2012.06765.

Where the paper leaves something open: a vector has as many codes as other autoencoders have latent
units, an image one for each cell of its last convolution. Errors are means, as in the authors'
example, so that the commitment weighs the same for every number of features. The exponential
averages are updated after each epoch with the decay of all its steps, from all training samples,
and the codebook starts at encoded training samples. The prior is smaller than the paper's PixelCNN.

Reference: [oord2017vqvae], [marimont2021vq]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from detectors.contract import Floats, Unsupported
from detectors.networks import images
from detectors.networks.dense import code_size, mlp, rowwise_product, squared_error
from detectors.training.base import ReadOuts
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.pretraining import in_chunks
from detectors.training.reconstruction import Reconstruction

PRIOR = "prior"
PRIOR_WIDTH = 64  # of the hidden layer of the prior


class Codebook(nn.Module):
    """K entries (K, D), and how often and by which outputs of the encoder they are taken."""

    entries: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, n_codes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("entries", torch.zeros(n_codes, width))
        self.register_buffer("counts", torch.zeros(n_codes))
        self.register_buffer("sums", torch.zeros(n_codes, width))

    def nearest(self, z: Tensor) -> Tensor:
        """Return the index of the nearest entry, equation 1 of the paper, (..., D) -> (...)."""
        products = rowwise_product(z, self.entries.T)
        return (self.entries.square().sum(-1) - 2 * products).argmin(-1)

    def follow(self, z: Tensor, decay: float) -> None:
        """Update the entries by outputs z (n, D), equations 6 to 8; one never taken stays."""
        taken = in_chunks(lambda part: self._taken(part)[None], z).sum(0)
        self.counts.lerp_(taken[:, 0], 1 - decay)
        self.sums.lerp_(taken[:, 1:], 1 - decay)
        found = self.counts > torch.finfo(torch.float32).tiny
        means = self.sums / self.counts.where(found, 1.0)[:, None]
        self.entries.copy_(means.where(found[:, None], self.entries))

    def _taken(self, z: Tensor) -> Tensor:
        """Return the number and the sum (K, 1 + D) of the outputs (n, D) that take each entry."""
        chosen = nn.functional.one_hot(self.nearest(z), len(self.entries)).to(z.dtype)
        return chosen.T @ nn.functional.pad(z, (1, 0), value=1.0)


class CodePrior(nn.Module):
    """p(k) = prod_i p(k_i | k_1, ..., k_(i-1)) of m codes, in the order of the rows of an image.

    What a code depends on is a weighted sum, by unit, of the entries before it.
    """

    def __init__(self, m: int, width: int, n_codes: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(m)
        self.mixing = nn.Parameter(torch.empty(m, m, width).uniform_(-bound, bound))
        self.place = nn.Parameter(torch.empty(m, width).uniform_(-1, 1))
        self.network = mlp([width, PRIOR_WIDTH, n_codes])

    def forward(self, entries: Tensor) -> Tensor:
        """Return the logits (n, m, K) of each code, given the entries (n, m, D) of all."""
        before = self.mixing.new_ones(self.mixing.shape[:2]).tril(-1)[..., None]
        context = (before * self.mixing * entries[:, None]).sum(2) + self.place
        logits: Tensor = self.network(context)
        return logits


class Transposed(nn.Module):
    """The last two dimensions change places."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, b, a) for x (n, a, b)."""
        return x.mT


class VQVAENet(nn.Module):
    """Encoder (n, *shape) -> (n, m, D), codebook, decoder back, and the prior of codes."""

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] | None,
        latent_dim: int | None,
        width: int,
        n_codes: int,
    ) -> None:
        super().__init__()
        if len(shape) == 1:
            m = latent_dim or code_size(shape[0])
            dense = images.encoder(shape, hidden, m * width)
            self.encoder = nn.Sequential(*dense, nn.Unflatten(1, (m, width)))
            self.decoder = nn.Sequential(nn.Flatten(), *images.decoder(m * width, hidden, shape))
        else:
            down, up = [*images.encoder(shape, None, 1)], [*images.decoder(1, None, shape)]
            flat = next(i for i, layer in enumerate(down) if isinstance(layer, nn.Flatten))
            start = next(i for i, layer in enumerate(up) if isinstance(layer, nn.Unflatten))
            channels, *sides = up[start].unflattened_size
            m = math.prod(sides)
            to_code, from_code = nn.Conv2d(channels, width, 1), nn.Conv2d(width, channels, 1)
            self.encoder = nn.Sequential(*down[:flat], to_code, nn.Flatten(2), Transposed())
            unfolded = (Transposed(), nn.Unflatten(2, tuple(sides)))
            self.decoder = nn.Sequential(*unfolded, from_code, *up[start + 1 :])
        self.codebook = Codebook(n_codes, width)
        self.prior = CodePrior(m, width, n_codes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (n, *shape) of samples (n, *shape)."""
        restored: Tensor = self.decoder(self.quantised(x)[2])
        return restored

    def quantised(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the outputs (n, m, D) of the encoder, their codes (n, m) and entries (n, m, D)."""
        z: Tensor = self.encoder(x)
        codes = self.codebook.nearest(z)
        return z, codes, self.codebook.entries[codes]

    def code_nll(self, codes: Tensor, entries: Tensor) -> Tensor:
        """Return -log p(k) in nats, (n,), of codes (n, m) with their entries (n, m, D)."""
        log_p = self.prior(entries).log_softmax(-1)
        nll: Tensor = -log_p.gather(-1, codes[..., None]).flatten(1).sum(-1)
        return nll


@dataclass(kw_only=True)
class VQVAE(Reconstruction[VQVAENet]):
    """Errors, distances to the codebook and likelihoods of codes that are entries of a codebook.

    Training has two phases, as in the paper: encoder, decoder and codebook, then the prior of the
    codes. The gradient of the decoder's input passes to the encoder's output as it is. Codes for a
    head are the encoder's outputs.

    Attributes:
        hidden: widths of the encoder's dense hidden layers for vectors, mirrored in the decoder; by
            default two (`hidden_sizes`). Images have convolutions alone.
        latent_dim: number m of codes of a vector; by default 1 + sqrt(d) for d features. An image
            has one code for each cell of its last convolution.
        n_codes: number K of entries of the codebook; 512 in the paper, for images.
        code_width: size D of an entry.
        commitment: beta, the weight of the squared distance of the encoder's output to its entry.
        decay: gamma, of the exponential averages that the entries are, by step.

    After `fit`: `perplexity_` of the codes of the training samples, from 1 (one entry is used) to
    K (all are, alike).
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    n_codes: Annotated[int, Ge(2)] = 64
    code_width: Annotated[int, Ge(1)] = 8
    commitment: Annotated[float, Gt(0)] = 0.25
    decay: Annotated[float, Ge(0), Lt(1)] = 0.99

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As those of every deep detector, and the perplexity and the number of entries."""
        codes = {"perplexity": self.perplexity_, "codes": self.n_codes}
        return {**super().diagnostics_, **codes}

    def _network(self, shape: tuple[int, ...]) -> VQVAENet:
        if self.latent_dim and len(shape) > 1:
            msg = (
                "latent_dim is for vectors, images have one code for each cell of their last "
                "convolution; leave it out, or set flatten"
            )
            raise Unsupported(msg)
        return VQVAENet(shape, self.hidden, self.latent_dim, self.code_width, self.n_codes)

    def _phases(self) -> tuple[Phase, ...]:
        restore = Objective(mean_of(self._losses), ("encoder", "decoder"))
        predict = Objective(mean_of(self._code_losses), ("prior",))
        return Phase((restore,), self.epochs), Phase((predict,), self.epochs, PRIOR)

    def _losses(self, net: VQVAENet, x: Tensor, noise: Tensor) -> Tensor:
        """Equation 3, whose second term the exponential averages replace."""
        z, _, entries = net.quantised(x)
        through = z + (entries - z).detach()
        commitment = (z - entries).square().flatten(1).mean(-1)
        return squared_error(x, net.decoder(through)) + self.commitment * commitment

    def _code_losses(self, net: VQVAENet, x: Tensor, noise: Tensor) -> Tensor:
        return net.code_nll(*net.quantised(x)[1:])

    def _renew(self, net: VQVAENet, x: Tensor, phase: Phase, epoch: int) -> None:
        if phase.name == PRIOR:
            return
        z, decay = in_chunks(net.encoder, x).flatten(0, 1), 0.0
        if epoch == 0:
            chosen = self.stream("codebook").permutation(len(z))
            net.codebook.entries.copy_(z[np.resize(chosen, self.n_codes)])
        else:
            decay = self.decay ** -(-len(x) // self.batch_size)
        net.codebook.follow(z, decay)

    def _conclude(self, x: Floats) -> None:
        codes = self._read(lambda rows: self.net_.quantised(rows.float())[1], x).astype(int)
        shares = np.bincount(codes.ravel()) / codes.size
        self.perplexity_ = float(np.exp(-(shares * np.log(np.maximum(shares, 1e-300))).sum()))

    def _codebook_distance(self, rows: Tensor) -> Tensor:
        """Mean over the codes of |z - e|^2, for the encoder's output z and its nearest entry e."""
        z, _, entries = self.net_.quantised(rows.float())
        return (z - entries).double().square().sum(-1).mean(-1)

    def _code_likelihood(self, rows: Tensor) -> Tensor:
        """-log p(k) of the codes in nats, under the prior."""
        return self.net_.code_nll(*self.net_.quantised(rows.float())[1:])

    readouts: ClassVar[ReadOuts] = {
        "reconstruction": Reconstruction._mean_error,
        "codebook-distance": _codebook_distance,
        "code-likelihood": _code_likelihood,
    }
    localizes: ClassVar[Mapping[str, str]] = {"reconstruction": "mean", "codebook-distance": ""}

    def _embed(self, rows: Tensor) -> Tensor:
        codes: Tensor = self.net_.encoder(rows.float()).flatten(1)
        return codes
