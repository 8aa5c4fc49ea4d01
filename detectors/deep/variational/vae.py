"""Variational autoencoder, with the decoders and the anomaly scores of the literature.

Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114. Its use as an
anomaly detector by reconstruction probability: An and Cho, "Variational autoencoder based anomaly
detection using reconstruction probability", SNU Data Mining Center, SNUDM-TR-2015-03, 2015.
The weight on the divergence: Higgins et al., "beta-VAE", ICLR 2017,
https://openreview.net/forum?id=Sy2fzU9gl.

Both terms of the bound are sums, over features and over latent units, in nats.

A known failure mode is to average the reconstruction loss over the features and sum the divergence
(`averaged`, and the preset `vae-averaged`), as many tutorials do. That is a Gaussian decoder with a
variance of half the number of features: units that explain less cost more than they gain, the
posterior collapses to the prior, and the model becomes the mean of the training samples. On MNIST
no unit stays active. It is included for comparison only.

Reference: [kingma2014vae], [an2015vae], [higgins2017betavae], [pereira2019healthcare]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt
from numpy.typing import ArrayLike
from torch import Tensor

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import squared_error
from detectors.networks.likelihoods import (
    VARIANCE_FLOOR,
    Bernoulli,
    FixedVariance,
    Likelihood,
    SampleVariance,
    SharedVariance,
    gaussian_nll,
    sample_gaussian_nll,
)
from detectors.networks.posteriors.diagonal import Diagonal
from detectors.networks.variational import VAENet
from detectors.training.base import ReadOuts
from detectors.training.localisation import gradient
from detectors.training.phases import Objective, Phase, mean_of, trimmed_mean_of
from detectors.training.trainable import Singles
from detectors.training.variational import CHUNK, VariationalDetector

ROUNDING = 1e-6  # by which scaled values may exceed [0, 1]


@dataclass(kw_only=True)
class VAE(VariationalDetector):
    """Scores of a VAE.

    In the read-outs, mu and sigma are those of q(z|x), p(z) = N(0, I), and z_1 ... z_L are drawn
    from q(z|x) by the same L normal draws for every sample. All are in nats but `reconstruction`,
    `mahalanobis`, `fisher-rao` and `wasserstein`. To add one, write its function and add a line to
    `readouts`.

    The epoch that is kept has the lowest mean loss of held-out samples without the highest tenth:
    one distant sample would outweigh all others.

    A unit is active if the variance of its mu over the training samples is above 0.01 (Burda et
    al.). `diagnostics_` has their number; a trained model without any warns with every score.

    Attributes:
        hidden: widths of the encoder's dense hidden layers, mirrored in the decoder; by default
            two for vectors, chosen from the number of features (`hidden_sizes`), and none after
            the convolutions of images.
        latent_dim: number k of latent units; by default 1 + sqrt(d) (`code_size`).
        decoder: p(x|z). "gaussian" has one learned variance per feature, "gaussian-fixed" the
            variance `fixed_variance`, "gaussian-sample" a variance per feature that depends on z;
            "bernoulli" takes values in [0, 1].
        fixed_variance: variance of every feature, in squared units of the input, for
            "gaussian-fixed".
        beta: weight of the divergence in the loss; 1 gives the bound.
        averaged: whether the loss averages -log p(x|z) over the features: a known failure mode,
            see above.
        n_prior_draws: number of draws from p(z), for `prior-likelihood`.
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    decoder: Literal["gaussian", "gaussian-fixed", "gaussian-sample", "bernoulli"] = "gaussian"
    fixed_variance: Annotated[float, Gt(0)] = 1.0
    beta: Annotated[float, Ge(0)] = 1.0
    averaged: bool = False
    n_prior_draws: Annotated[int, Ge(1)] = 1000

    @property
    def bounds(self) -> tuple[float, float] | None:
        """[0, 1] for a Bernoulli decoder."""
        return (0.0, 1.0) if self.decoder == "bernoulli" else None

    def _network(self, shape: tuple[int, ...]) -> VAENet:
        likelihoods: dict[str, Callable[[int], Likelihood]] = {
            "gaussian": SharedVariance,
            "gaussian-fixed": lambda d: FixedVariance(self.fixed_variance),
            "gaussian-sample": lambda d: SampleVariance(),
            "bernoulli": lambda d: Bernoulli(),
        }
        return VAENet(shape, self.hidden, self.latent_dim, likelihoods[self.decoder], Diagonal)

    def _noise(self, net: VAENet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, net.latent_dim), dtype=np.float32)

    def _phases(self) -> tuple[Phase, ...]:
        bound = Objective(mean_of(self._losses))
        return (Phase((bound,), self.epochs, judge=trimmed_mean_of(self._losses)),)

    def _losses(self, net: VAENet, x: Tensor, noise: Tensor) -> Tensor:
        parameters = net.posterior(x)
        z, _ = net.family.weigh(parameters, noise)
        features = x.flatten(1)
        nll = net.likelihood.nll(features, net.decode(z))
        if self.averaged:
            nll = nll / features.shape[1]
        return nll + self.beta * net.family.kl(parameters)

    def _suited(self, samples: Floats) -> Floats:
        low, high = samples.min(), samples.max()
        if self.bounds and (low < -ROUNDING or high > 1 + ROUNDING):
            msg = (
                f"a Bernoulli decoder takes values in [0, 1], these are in [{low:g}, {high:g}]; "
                "divide them by their largest possible value, or use a Gaussian decoder"
            )
            raise Unsupported(msg)
        return super()._suited(samples)

    def _nlls(self, rows: Tensor) -> Tensor:
        """Return -log p(x|z_l), (L, n)."""
        x, likelihood = rows.flatten(1), self.net_.likelihood
        return torch.stack([likelihood.nll(x, self._decode(z)) for z, _ in self._draws(rows)])

    def _elbo(self, rows: Tensor) -> Tensor:
        """Negative evidence lower bound with L draws, equation 10 of Kingma and Welling.

        Mean over l of -log p(x|z_l), plus `kl`, for any `beta` and `averaged`.
        """
        return self._nlls(rows).mean(0) + self._kl(rows)

    def _reconstruction(self, rows: Tensor) -> Tensor:
        """Mean squared error per feature of the mean of p(x|z) at z = mu."""
        return squared_error(rows, self._restored(rows))

    def _reconstruction_probability(self, rows: Tensor) -> Tensor:
        """Mean over l of -log p(x|z_l), algorithm 4 of An and Cho: the mean of logarithms."""
        return self._nlls(rows).mean(0)

    def _log_mean_probability(self, rows: Tensor) -> Tensor:
        """Variant of `reconstruction-probability`: -log of the mean over l of p(x|z_l)."""
        return -_log_mean(-self._nlls(rows))

    def _mean_decoding(self, rows: Tensor) -> Tensor:
        """Variant with one density, whose parameters are those of p(x|z_l) averaged over l."""
        likelihood = self.net_.likelihood
        decodings = (likelihood.parameters_of(self._decode(z)) for z, _ in self._draws(rows))
        mean, other = next(decodings)
        for next_mean, next_other in decodings:
            mean, other = mean + next_mean, other + next_other
        return likelihood.nll_at(rows.flatten(1), mean / self.n_draws, other / self.n_draws)

    def _decodings(self, rows: Tensor) -> Tensor:
        """Return the means of p(x|z_l), (L, n, d), in float32."""
        return torch.stack([self.net_.restore(z.float()) for z, _ in self._draws(rows)])

    def _unit_variance(self, rows: Tensor) -> Tensor:
        """Variant of tutorials: one density of variance 1 at the mean m of L decodings.

        -log N(x; m, I) = |x - m|^2 / 2 + d / 2 log(2 pi) is a rising function of the squared error
        of m, so it orders samples as that error does: the draws make it no probability of its own.
        """
        mean = self._decodings(rows).double().mean(0)
        return gaussian_nll(rows.flatten(1), mean, torch.ones_like(mean))

    def _sample_covariance(self, rows: Tensor) -> Tensor:
        """Variant of tutorials: one density with mean and sample covariance of L decodings.

        The covariance is that of the decoder's mean under q(z|x), without the noise of p(x|z), and
        its rank is below L: 0.001, the floor of variances, is added to that of each feature.
        """
        if self.n_draws < 2:
            msg = "a sample covariance needs an n_draws of at least 2"
            raise Unsupported(msg)
        draws, x = self._decodings(rows), rows.flatten(1)
        size = max(1, CHUNK // draws[:, 0].numel())
        parts = zip(torch.split(x, size), torch.split(draws, size, dim=1), strict=True)
        return torch.cat(
            [sample_gaussian_nll(x, each.double(), VARIANCE_FLOOR) for x, each in parts]
        )

    def _prior_likelihood(self, rows: Tensor) -> Tensor:
        """-log p(x) by `n_prior_draws` draws from p(z), the same for every sample.

        It is -log of the mean of p(x|z); the nearest decoded draws dominate it.
        """
        shape = (self.n_prior_draws, self.net_.latent_dim)
        draws = torch.from_numpy(self.stream("prior draws").standard_normal(shape))
        nlls = self.net_.likelihood.nll_of_pairs(rows.flatten(1), self._decode(draws))
        return -_log_mean(-nlls.T)

    def _importance_weighted(self, rows: Tensor) -> Tensor:
        """-log of the mean over l of p(x|z_l) p(z_l) / q(z_l|x).

        The bound of Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", ICLR
        2016, arXiv:1509.00519, equation 8; with more draws it is closer to -log p(x) on average.
        """
        x, likelihood = rows.flatten(1), self.net_.likelihood
        log_weights = [-likelihood.nll(x, self._decode(z)) - log for z, log in self._draws(rows)]
        return -_log_mean(torch.stack(log_weights))

    def _errors_by_kl(self, rows: Tensor) -> Tensor:
        return (rows - self._restored(rows)).abs() * gradient(self._kl, rows).abs()

    def _reconstruction_kl(self, rows: Tensor) -> Tensor:
        """Mean over the features of |x - x'| |d kl / d x|, for the mean x' of p(x|z) at z = mu.

        Zimmerer, Isensee, Petersen, Kohl and Maier-Hein, "Unsupervised anomaly localization using
        variational auto-encoders", MICCAI 2019, arXiv:1907.02796.
        """
        return self._errors_by_kl(rows).flatten(1).mean(-1)

    def _elbo_gradient(self, rows: Tensor) -> Tensor:
        """Absolute gradient of `elbo`, whose draws are read one by one to save memory."""

        def nll(noise: Tensor, part: Tensor) -> Tensor:
            z, _ = self.net_.family.weigh(self._posterior(part), noise)
            return self.net_.likelihood.nll(part.flatten(1), self._decode(z)) / self.n_draws

        total = gradient(self._kl, rows)
        for noise in self._noises():
            total += gradient(partial(nll, noise), rows)
        return total.abs()

    readouts: ClassVar[ReadOuts] = {
        "elbo": _elbo,
        "reconstruction": _reconstruction,
        "reconstruction-probability": _reconstruction_probability,
        "log-mean-probability": _log_mean_probability,
        "mean-decoding-probability": _mean_decoding,
        "unit-variance-probability": _unit_variance,
        "sample-covariance-probability": _sample_covariance,
        "jacodeco": VariationalDetector._jacodeco,
        "prior-likelihood": _prior_likelihood,
        "importance-weighted": _importance_weighted,
        "kl": VariationalDetector._kl,
        "mahalanobis": VariationalDetector._mahalanobis,
        "symmetric-kl": VariationalDetector._symmetric_kl,
        "fisher-rao": VariationalDetector._fisher_rao,
        "wasserstein": VariationalDetector._wasserstein,
        "reconstruction-kl": _reconstruction_kl,
    }
    localizes: ClassVar[Mapping[str, str]] = {
        "elbo": "",
        "reconstruction": "mean",
        "kl": "",
        "mahalanobis": "",
        "symmetric-kl": "",
        "wasserstein": "",
        "reconstruction-kl": "mean",
    }

    def reconstruct(self, x: ArrayLike) -> Floats:
        """Return the means (n, *shape) of p(x|z) at z = mu of samples (n, *shape)."""
        return self._read(self._restored, self._like_training(x)).reshape(np.shape(x))

    def _errors(self, rows: Tensor) -> Tensor:
        return (rows - self._restored(rows)).square()

    maps: ClassVar[ReadOuts] = {
        "elbo": _elbo_gradient,
        "reconstruction": _errors,
        "reconstruction-kl": _errors_by_kl,
    }


def _log_mean(logs: Tensor) -> Tensor:
    """Return the logarithm of the mean of exp(logs) over the first dimension, (L, n) -> (n,)."""
    return logs.logsumexp(0) - math.log(len(logs))
