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

Reference: [kingma2014vae], [an2015vae], [higgins2017betavae]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt
from numpy.typing import ArrayLike
from torch import Tensor

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import rowwise_product, squared_error
from detectors.networks.likelihoods import (
    Bernoulli,
    FixedVariance,
    Likelihood,
    SampleVariance,
    SharedVariance,
)
from detectors.networks.posteriors import Posterior, fisher_rao, kl_to_prior, nearest, symmetric_kl
from detectors.networks.variational import VAENet
from detectors.training.base import ReadOuts
from detectors.training.localisation import DeepLocalizer, gradient
from detectors.training.phases import Objective, Phase, mean_of, trimmed_mean_of
from detectors.training.trainable import Singles

ACTIVE = 0.01  # variance of the posterior mean over the training samples
N_REFERENCES = 2000
RIDGE = 1e-6  # on the covariance of codes, in units of the prior's variance
SMALLEST_STRETCH = 1e-6  # added to the singular values of the decoder's Jacobian
ROUNDING = 1e-6  # by which scaled values may exceed [0, 1]
CHUNK = 2**22  # numbers in a tensor of intermediate results


@dataclass(kw_only=True)
class VAE(DeepLocalizer[VAENet]):
    """Scores of a VAE.

    In the read-outs, mu and sigma are those of q(z|x), p(z) = N(0, I), and z_1 ... z_L are drawn
    from q(z|x) by the same L normal draws for every sample. All are in nats but `reconstruction`,
    `mahalanobis` and `fisher-rao`. To add one, write its function and add a line to `readouts`.

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
        n_draws: L, for scoring; training takes one draw per sample and step.
        n_prior_draws: number of draws from p(z), for `prior-likelihood`.
        n_neighbors: rank of the nearest training posterior; Vasilev et al. take the first.
        codes: input of a head: "mean" for mu, "mean-and-scale" for mu and log sigma.

    After `fit`: `active_units_`, their number.
    """

    encodes: ClassVar[bool] = True

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    decoder: Literal["gaussian", "gaussian-fixed", "gaussian-sample", "bernoulli"] = "gaussian"
    fixed_variance: Annotated[float, Gt(0)] = 1.0
    beta: Annotated[float, Ge(0)] = 1.0
    averaged: bool = False
    n_draws: Annotated[int, Ge(1)] = 32
    n_prior_draws: Annotated[int, Ge(1)] = 1000
    n_neighbors: Annotated[int, Ge(1)] = 1
    codes: Literal["mean", "mean-and-scale"] = "mean"

    @property
    def bounds(self) -> tuple[float, float] | None:
        """[0, 1] for a Bernoulli decoder."""
        return (0.0, 1.0) if self.decoder == "bernoulli" else None

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As those of every deep detector, and the numbers of active and of all units."""
        units = {"active_units": self.active_units_, "latent_units": self.net_.latent_dim}
        return {**super().diagnostics_, **units}

    def _network(self, shape: tuple[int, ...]) -> VAENet:
        likelihoods: dict[str, Callable[[int], Likelihood]] = {
            "gaussian": SharedVariance,
            "gaussian-fixed": lambda d: FixedVariance(self.fixed_variance),
            "gaussian-sample": lambda d: SampleVariance(),
            "bernoulli": lambda d: Bernoulli(),
        }
        return VAENet(shape, self.hidden, self.latent_dim, likelihoods[self.decoder])

    def _noise(self, net: VAENet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, net.latent_dim), dtype=np.float32)

    def _phases(self) -> tuple[Phase, ...]:
        bound = Objective(mean_of(self._losses))
        return (Phase((bound,), self.epochs, judge=trimmed_mean_of(self._losses)),)

    def _losses(self, net: VAENet, x: Tensor, noise: Tensor) -> Tensor:
        mean, log_variance = net.posterior(x)
        z = mean + (0.5 * log_variance).exp() * noise  # equation 4 of Kingma and Welling
        features = x.flatten(1)
        nll = net.likelihood.nll(features, net.decode(z))
        if self.averaged:
            nll = nll / features.shape[1]
        return nll + self.beta * kl_to_prior(mean, log_variance)

    def _conclude(self, x: Floats) -> None:
        codes = self._read(lambda rows: torch.cat(self._posterior(rows), dim=1), x)
        means, _ = np.hsplit(codes, 2)
        self.active_units_ = int((means.var(axis=0) > ACTIVE).sum())
        if self.epochs_ and self.active_units_ == 0:
            self.remark_ = (
                f"none of the {means.shape[1]} latent units is active (variance of the posterior "
                f"mean over the training samples above {ACTIVE:g}): the posterior has collapsed "
                "to the prior, and scores measure little more than the distance to the mean"
            )
        self.mean_ = means.mean(axis=0)
        covariance = np.cov(means.T, ddof=0).reshape(means.shape[1], -1)
        ridge = RIDGE * np.eye(len(covariance))
        self.whitening_ = np.linalg.inv(np.linalg.cholesky(covariance + ridge)).T
        chosen = self.stream("references").permutation(len(codes))[:N_REFERENCES]
        self.references_ = codes[chosen]

    def _encode(self, x: Floats) -> Floats:
        def read(rows: Tensor) -> Tensor:
            mean, log_variance = self._posterior(rows)
            return mean if self.codes == "mean" else torch.cat([mean, 0.5 * log_variance], dim=1)

        return self._read(read, x)

    def _suited(self, samples: Floats) -> Floats:
        low, high = samples.min(), samples.max()
        if self.bounds and (low < -ROUNDING or high > 1 + ROUNDING):
            msg = (
                f"a Bernoulli decoder takes values in [0, 1], these are in [{low:g}, {high:g}]; "
                "divide them by their largest possible value, or use a Gaussian decoder"
            )
            raise Unsupported(msg)
        return super()._suited(samples)

    def _posterior(self, rows: Tensor) -> Posterior:
        mean, log_variance = self.net_.posterior(rows.float())
        return mean.double(), log_variance.double()

    def _draws(self, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield L draws z (n, k) from q(z|x), each with log q(z|x) - log p(z) (n,) in nats."""
        mean, log_variance = self._posterior(rows)
        shape = (self.n_draws, 1, self.net_.latent_dim)
        for draw in torch.from_numpy(self.stream("read-outs").standard_normal(shape)):
            z = mean + (0.5 * log_variance).exp() * draw
            yield z, 0.5 * (z.square() - draw.square() - log_variance).sum(-1)

    def _decode(self, z: Tensor) -> Tensor:
        return self.net_.decode(z.float()).double()

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
        mean, _ = self._posterior(rows)
        return squared_error(rows.flatten(1), self.net_.restore(mean.float()))

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

    def _jacodeco(self, rows: Tensor) -> Tensor:
        """-log p(x|z) - log p(z) + log det(J^T J) at z = mu.

        J (d, k) is the Jacobian of the mean of p(x|z): Smidl, Bim and Pevny, "Anomaly scores for
        generative models", 2019, arXiv:1905.11890. It splits a sample into its position on the
        manifold and its distance from it. As in the authors' code, the volume counts twice: it
        is twice the sum of the logarithms of the singular values, with 1e-6 added to each; a
        change of variables would count it once.
        """
        mean, _ = self._posterior(rows)
        nll = self.net_.likelihood.nll(rows.flatten(1), self._decode(mean))
        prior = 0.5 * (mean.square() + math.log(2 * math.pi)).sum(-1)
        size = max(1, CHUNK // (rows[0].numel() * self.net_.latent_dim))
        volumes = [self._log_volume(z) for z in torch.split(mean.float(), size)]
        return nll + prior + torch.cat(volumes)

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

    def _kl(self, rows: Tensor) -> Tensor:
        """KL(q(z|x) || p(z))."""
        return kl_to_prior(*self._posterior(rows))

    def _mahalanobis(self, rows: Tensor) -> Tensor:
        """Squared Mahalanobis distance of mu to the training mus.

        With their mean and their covariance plus a millionth of the prior's.
        """
        mean, _ = self._posterior(rows)
        deviations = mean - torch.from_numpy(self.mean_)
        return rowwise_product(deviations, torch.from_numpy(self.whitening_)).square().sum(-1)

    def _symmetric_kl(self, rows: Tensor) -> Tensor:
        """KL(p || q) + KL(q || p) of q(z|x) and its k-th nearest posterior of a training sample.

        k = `n_neighbors`, among at most 2,000 training samples, drawn by the seed.
        """
        return self._nearest(symmetric_kl, rows)

    def _fisher_rao(self, rows: Tensor) -> Tensor:
        """Fisher-Rao distance of q(z|x) to its k-th nearest posterior, as of `symmetric-kl`."""
        return self._nearest(fisher_rao, rows)

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

        def nll(draw: Tensor, part: Tensor) -> Tensor:
            mean, log_variance = self._posterior(part)
            z = mean + (0.5 * log_variance).exp() * draw
            return self.net_.likelihood.nll(part.flatten(1), self._decode(z)) / self.n_draws

        total = gradient(self._kl, rows)
        shape = (self.n_draws, 1, self.net_.latent_dim)
        for draw in torch.from_numpy(self.stream("read-outs").standard_normal(shape)):
            total += gradient(partial(nll, draw), rows)
        return total.abs()

    readouts: ClassVar[ReadOuts] = {
        "elbo": _elbo,
        "reconstruction": _reconstruction,
        "reconstruction-probability": _reconstruction_probability,
        "log-mean-probability": _log_mean_probability,
        "mean-decoding-probability": _mean_decoding,
        "jacodeco": _jacodeco,
        "prior-likelihood": _prior_likelihood,
        "importance-weighted": _importance_weighted,
        "kl": _kl,
        "mahalanobis": _mahalanobis,
        "symmetric-kl": _symmetric_kl,
        "fisher-rao": _fisher_rao,
        "reconstruction-kl": _reconstruction_kl,
    }
    localizes: ClassVar[Mapping[str, str]] = {
        "elbo": "",
        "reconstruction": "mean",
        "kl": "",
        "mahalanobis": "",
        "symmetric-kl": "",
        "reconstruction-kl": "mean",
    }

    def reconstruct(self, x: ArrayLike) -> Floats:
        """Return the means (n, *shape) of p(x|z) at z = mu of samples (n, *shape)."""
        return self._read(self._restored, self._like_training(x)).reshape(np.shape(x))

    def _restored(self, rows: Tensor) -> Tensor:
        mean, _ = self._posterior(rows)
        return self.net_.restore(mean.float()).reshape(rows.shape)

    def _errors(self, rows: Tensor) -> Tensor:
        return (rows - self._restored(rows)).square()

    maps: ClassVar[ReadOuts] = {
        "elbo": _elbo_gradient,
        "reconstruction": _errors,
        "reconstruction-kl": _errors_by_kl,
    }

    def _log_volume(self, z: Tensor) -> Tensor:
        """Return log det(J^T J) (n,) of the decoder's mean at codes (n, k)."""
        with torch.inference_mode(False), torch.enable_grad():
            z = z.clone().requires_grad_()
            mean = self.net_.restore(z)
            # J^T w is linear in w, and its derivative by w is J
            w = torch.zeros_like(mean, requires_grad=True)
            (pulled,) = torch.autograd.grad(mean, z, w, create_graph=True)
            columns = [
                torch.autograd.grad(unit.sum(), w, retain_graph=True)[0]
                for unit in pulled.unbind(1)
            ]
        jacobian = torch.stack(columns, dim=-1).double()  # (n, d, k)
        volume: Tensor = 2 * (torch.linalg.svdvals(jacobian) + SMALLEST_STRETCH).log().sum(-1)
        return volume

    def _nearest(self, distance: Callable[[Posterior, Posterior], Tensor], rows: Tensor) -> Tensor:
        if self.n_neighbors > len(self.references_):
            msg = (
                f"n_neighbors = {self.n_neighbors} needs as many training samples, there are "
                f"{len(self.references_)}"
            )
            raise Unsupported(msg)
        mean, log_variance = torch.from_numpy(self.references_).chunk(2, dim=1)
        return nearest(distance(self._posterior(rows), (mean, log_variance)), self.n_neighbors)


def _log_mean(logs: Tensor) -> Tensor:
    """Return the logarithm of the mean of exp(logs) over the first dimension, (L, n) -> (n,)."""
    return logs.logsumexp(0) - math.log(len(logs))
