"""Ladder VAE: layers of codes whose posteriors merge what samples and the prior say.

Sonderby, Raiko, Maaloe, Sonderby and Winther, "Ladder variational autoencoders", NeurIPS 2016,
arXiv:1602.02282.

Where it differs from the paper: there is no batch normalisation, whose statistics would make the
score of a sample depend on its company; variances are exponentials between e^-10 and e^10, not
softplus; a layer of the upward pass is one dense layer instead of two; the divergence of a layer
has its closed form, given the codes above, where the paper has draws.

Reference: [sonderby2016ladder]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.networks import images
from detectors.networks.dense import SLOPE, Dense, code_size, hidden_sizes, mlp
from detectors.networks.likelihoods import SharedVariance, bounded
from detectors.networks.posteriors.distances import Moments
from detectors.training.base import ReadOuts
from detectors.training.localisation import DeepLocalizer, gradient
from detectors.training.phases import Objective, Phase, mean_of, trimmed_mean_of
from detectors.training.trainable import Singles

ACTIVE = 0.01  # nats of mean divergence from which on a unit is active, as in the paper


def moments(outputs: Tensor) -> Moments:
    """Return mu and log sigma^2 (..., k) of outputs (..., 2 k) of a layer."""
    mean, log_variance = outputs.chunk(2, dim=-1)
    return mean, bounded(log_variance)


def merge(one: Moments, other: Moments) -> Moments:
    """Return the precision-weighted merge of two Gaussians, mu and log sigma^2 (..., k).

    As the paper's q(z_i|z_(i+1), x) of the data's Gaussian (^) and the prior's (p):
    sigma_q^2 = 1 / (sigma^^-2 + sigma_p^-2) and
    mu_q = (mu^ sigma^^-2 + mu_p sigma_p^-2) / (sigma^^-2 + sigma_p^-2).
    """
    (mean, log), (means, logs) = one, other
    share = (logs - log).sigmoid()  # of the first in the sum of the precisions
    return share * mean + (1 - share) * means, log + nn.functional.logsigmoid(logs - log)


def divergence(one: Moments, other: Moments) -> Tensor:
    """Return the terms (..., k) of KL(one || other) of diagonal Gaussians, in nats."""
    (mean, log), (means, logs) = one, other
    ratio = log - logs
    return 0.5 * ((mean - means).square() * (-logs).exp() + ratio.exp() - 1 - ratio)


class Descent(NamedTuple):
    """A downward pass: what it drew, and what that cost. Layers count from the bottom.

    Attributes:
        z: codes (n, k_1) of the bottom layer.
        means: mu (n, k_i) of q(z_i|z_(i+1), x), of each layer.
        terms: divergences (n, k_i) of its units from p(z_i|z_(i+1)), in nats, of each layer.
    """

    z: Tensor
    means: list[Tensor]
    terms: list[Tensor]

    @property
    def kl(self) -> Tensor:
        """The sum (n,) over the units of all layers."""
        return torch.cat(self.terms, dim=-1).sum(-1)


class LadderNet(nn.Module):
    """A deterministic upward pass, a downward pass of prior and posterior, and a decoder.

    `encoder` and `ups` are d_i = MLP(d_(i-1)) of the paper with d_0 = x, `heads` give mu^ and
    sigma^ of each layer, `downs` mu_p and sigma_p of each but the top, whose prior is N(0, I).
    `beta`, the weight of the divergence in the training loss, is set by the training.

    Args:
        shape: of a sample, (d,) or (c, h, w).
        hidden: widths of the dense layers between samples and d_1.
        latent_dims: numbers of units, from the bottom layer to the top.
    """

    beta: Tensor

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...], latent_dims: Sequence[int]
    ) -> None:
        super().__init__()
        d = math.prod(shape)
        width = hidden_sizes(d)[1]
        self.latent_dims = tuple(latent_dims)
        self.encoder = nn.Sequential(*images.encoder(shape, hidden, width), nn.LeakyReLU(SLOPE))
        self.ups = nn.ModuleList(
            nn.Sequential(Dense(width, width), nn.LeakyReLU(SLOPE)) for _ in latent_dims[1:]
        )
        self.heads = nn.ModuleList(Dense(width, 2 * k) for k in latent_dims)
        self.downs = nn.ModuleList(mlp([above, width, 2 * k]) for k, above in pairwise(latent_dims))
        self.decoder = images.decoder(latent_dims[0], (*hidden, width), shape)
        self.likelihood = SharedVariance(d)
        self.register_buffer("beta", torch.ones(()))

    def climb(self, x: Tensor) -> list[Moments]:
        """Return mu^ and log sigma^^2 (n, k_i) of each layer, for samples (n, *shape)."""
        features = [self.encoder(x)]
        for up in self.ups:
            features.append(up(features[-1]))
        return [moments(head(each)) for head, each in zip(self.heads, features, strict=True)]

    def descend(self, found: Sequence[Moments], noise: Tensor) -> Descent:
        """Draw the codes of each layer, given those above it, from the top to the bottom.

        Args:
            found: of `climb`.
            noise: (n, K) or (1, K) normal numbers for the K units, the bottom layer first.
        """
        means, terms = [], []
        parts = torch.split(noise, list(self.latent_dims), dim=-1)
        zero = torch.zeros_like(found[-1][0])
        prior, posterior = (zero, zero), found[-1]
        for layer in reversed(range(len(found))):
            z = posterior[0] + (0.5 * posterior[1]).exp() * parts[layer]
            means.append(posterior[0])
            terms.append(divergence(posterior, prior))
            if layer:
                prior = moments(self.downs[layer - 1](z.float()).to(noise.dtype))
                posterior = merge(found[layer - 1], prior)
        return Descent(z, means[::-1], terms[::-1])

    def decode(self, z: Tensor) -> Tensor:
        """Return the means (n, d) of p(x|z_1) for codes (n, k_1) of the bottom layer."""
        outputs: Tensor = self.decoder(z).flatten(1)
        return outputs


@dataclass(kw_only=True)
class LadderVAE(DeepLocalizer[LadderNet]):
    """The bound of a VAE with layers of codes, its error, and the divergence of its layers.

    In the read-outs, codes are drawn by the same L normal draws for every sample. All but
    `reconstruction` are in nats. Codes for a head are the means of all layers, the bottom one
    first, each given the means above it.

    The epoch that is kept has the lowest mean bound of held-out samples without the highest tenth,
    with the whole divergence also while the warm-up lasts.

    Attributes:
        layers: number of layers of codes; with 1 the model is a VAE.
        hidden: widths of the dense layers between samples and the first features of the upward
            pass, mirrored in the decoder; by default one for vectors (of `hidden_sizes`) and none
            after the convolutions of images.
        latent_dim: number of units of the bottom layer; by default 1 + sqrt(d) (`code_size`). Each
            layer above has half of those below it, but one at least.
        warm_up: share of the epochs in which the weight of the divergence rises from 0 to 1, in
            equal steps after each epoch; the paper's 200 of 2,000 epochs.
        n_draws: L, for scoring; training takes one draw per sample and step.

    After `fit`: `active_units_`, for each layer from the bottom, the number of units whose mean
    divergence over the training samples is above 0.01 nats, given the means above them.
    """

    encodes: ClassVar[bool] = True

    layers: Annotated[int, Ge(1)] = 2
    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    warm_up: Annotated[float, Ge(0), Le(1)] = 0.1
    n_draws: Annotated[int, Ge(1)] = 32

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As those of every deep detector, and the numbers of active and of all units."""
        units = {
            "active_units": sum(self.active_units_),
            "active_units_top": self.active_units_[-1],
            "latent_units": sum(self.net_.latent_dims),
        }
        return {**super().diagnostics_, **units}

    def _network(self, shape: tuple[int, ...]) -> LadderNet:
        d = math.prod(shape)
        hidden = self.hidden
        if hidden is None:
            hidden = hidden_sizes(d)[:1] if len(shape) == 1 else ()
        bottom = self.latent_dim or code_size(d)
        return LadderNet(shape, hidden, [max(1, bottom >> i) for i in range(self.layers)])

    def _noise(self, net: LadderNet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, sum(net.latent_dims)), dtype=np.float32)

    def _phases(self) -> tuple[Phase, ...]:
        warmed = Objective(mean_of(self._losses))
        return (Phase((warmed,), self.epochs, judge=trimmed_mean_of(self._bounds)),)

    def _renew(self, net: LadderNet, x: Tensor, phase: Phase, epoch: int) -> None:
        span = self.warm_up * phase.epochs
        net.beta.fill_(min(1.0, epoch / span) if span else 1.0)

    def _losses(self, net: LadderNet, x: Tensor, noise: Tensor) -> Tensor:
        """-E log p(x|z_1) + beta KL(q(z|x) || p(z)), the warm-up's bound of the paper."""
        nll, kl = self._costs(net, x, net.climb(x), noise)
        return nll + net.beta * kl

    def _bounds(self, net: LadderNet, x: Tensor, noise: Tensor) -> Tensor:
        return torch.add(*self._costs(net, x, net.climb(x), noise))

    def _costs(
        self, net: LadderNet, x: Tensor, found: Sequence[Moments], noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return -log p(x|z_1) and the divergence of all layers (n,), in nats."""
        descent = net.descend(found, noise)
        outputs = net.decode(descent.z.float()).to(x.dtype)
        return net.likelihood.nll(x.flatten(1), outputs), descent.kl

    def _conclude(self, x: Floats) -> None:
        terms = self._read(lambda rows: torch.cat(self._at_means(rows).terms, dim=-1), x)
        layers = np.split(terms.mean(axis=0) > ACTIVE, np.cumsum(self.net_.latent_dims)[:-1])
        self.active_units_ = tuple(int(layer.sum()) for layer in layers)
        if self.epochs_ and not any(self.active_units_):
            self.remark_ = (
                f"none of the {sum(self.net_.latent_dims)} latent units is active (mean divergence "
                f"over the training samples above {ACTIVE:g} nats): the posterior has collapsed "
                "to the prior, and scores measure little more than the distance to the mean"
            )

    def _found(self, rows: Tensor) -> list[Moments]:
        return [(mean.double(), log.double()) for mean, log in self.net_.climb(rows.float())]

    def _noises(self) -> Iterator[Tensor]:
        """Yield the noise (1, K) of each of the L draws, the same for every sample."""
        shape = (self.n_draws, 1, sum(self.net_.latent_dims))
        yield from torch.from_numpy(self.stream("read-outs").standard_normal(shape))

    def _at_means(self, rows: Tensor) -> Descent:
        found = self._found(rows)
        return self.net_.descend(found, rows.new_zeros(1, sum(self.net_.latent_dims)))

    def _mean_bound(self, noises: Iterable[Tensor], rows: Tensor) -> Tensor:
        found = self._found(rows)
        bounds = [torch.add(*self._costs(self.net_, rows, found, noise)) for noise in noises]
        return torch.stack(bounds).mean(0)

    def _elbo(self, rows: Tensor) -> Tensor:
        """Negative evidence lower bound with L draws.

        Mean over l of -log p(x|z_1) plus the divergence of each layer, in closed form given the
        codes drawn above it.
        """
        return self._mean_bound(self._noises(), rows)

    def _elbo_gradient(self, rows: Tensor) -> Tensor:
        """Absolute gradient of `elbo`, whose draws are read one by one to save memory."""
        noises = list(self._noises())
        total = torch.zeros_like(rows)
        for noise in noises:
            total += gradient(partial(self._mean_bound, [noise]), rows)
        return (total / len(noises)).abs()

    def _restored(self, rows: Tensor) -> Tensor:
        return self.net_.decode(self._at_means(rows).z.float()).double().reshape(rows.shape)

    def _errors(self, rows: Tensor) -> Tensor:
        return (rows - self._restored(rows)).square()

    def _reconstruction(self, rows: Tensor) -> Tensor:
        """Mean squared error over the features of the mean of p(x|z_1), at the means of codes."""
        return self._errors(rows).flatten(1).mean(-1)

    def _descents(self, rows: Tensor) -> Iterator[Descent]:
        found = self._found(rows)
        return (self.net_.descend(found, noise) for noise in self._noises())

    def _kl(self, rows: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)): the sum over the layers, each a mean over the draws above it."""
        return torch.stack([descent.kl for descent in self._descents(rows)]).mean(0)

    def _kl_top(self, rows: Tensor) -> Tensor:
        """KL(q(z|x) || N(0, I)) of the top layer, in closed form."""
        return self._at_means(rows).terms[-1].sum(-1)

    def _kl_bottom(self, rows: Tensor) -> Tensor:
        """KL(q(z_1|z_2, x) || p(z_1|z_2)) of the bottom layer, as a mean over the draws of z_2."""
        terms = [descent.terms[0].sum(-1) for descent in self._descents(rows)]
        return torch.stack(terms).mean(0)

    readouts: ClassVar[ReadOuts] = {
        "elbo": _elbo,
        "reconstruction": _reconstruction,
        "kl": _kl,
        "kl-top": _kl_top,
        "kl-bottom": _kl_bottom,
    }
    localizes: ClassVar[Mapping[str, str]] = {"elbo": "", "reconstruction": "mean", "kl-top": ""}
    maps: ClassVar[ReadOuts] = {"elbo": _elbo_gradient, "reconstruction": _errors}

    def reconstruct(self, x: ArrayLike) -> Floats:
        """Return the means of p(x|z_1) at the means of codes, for samples (n, *shape)."""
        return self._read(self._restored, self._like_training(x)).reshape(np.shape(x))

    def _embed(self, rows: Tensor) -> Tensor:
        return torch.cat(self._at_means(rows).means, dim=-1)
