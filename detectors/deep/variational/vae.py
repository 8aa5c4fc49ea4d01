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

Reference: [kingma2014vae], [an2015vae], [higgins2017betavae], [pereira2019healthcare],
[burda2016iwae], [li2016renyi], [tucker2019dreg], [rezende2015flows], [kingma2016iaf],
[chalapathy2018groups]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from numpy.typing import ArrayLike
from torch import Tensor

from detectors.contract import Floats, Unsupported
from detectors.networks.bounds import renyi
from detectors.networks.likelihoods import (
    Bernoulli,
    FixedVariance,
    Likelihood,
    SampleVariance,
    SharedVariance,
)
from detectors.networks.posteriors.base import Gaussian, normal_log_density
from detectors.networks.posteriors.families import FAMILIES, GAUSSIAN
from detectors.networks.variational import VAENet
from detectors.training.base import ReadOuts
from detectors.training.likelihood_scores import LikelihoodScores
from detectors.training.localisation import gradient
from detectors.training.phases import Objective, Phase, mean_of, trimmed_mean_of
from detectors.training.reference import N_DECODED, Referring
from detectors.training.signal import signal_to_noise
from detectors.training.trainable import Singles
from detectors.training.variational import VariationalDetector

ROUNDING = 1e-6  # by which scaled values may exceed [0, 1]


@dataclass(kw_only=True)
class VAE(Referring, LikelihoodScores):
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
        posterior: q(z|x). "diagonal" is N(mu, diag sigma^2); "full" a Gaussian with any covariance;
            "chain" one whose precision is tridiagonal, at linear cost; "planar", "radial" and
            "iaf" (inverse autoregressive) are flows, `n_flows` invertible maps of a diagonal
            Gaussian.
        n_flows: number of maps of a flow; a training step with 4 takes twice that of "diagonal".
        bound: what training maximises. "elbo"; "iwae", the importance-weighted bound of Burda et
            al.; "renyi", the variational Renyi bound of Li and Turner. The last two are closer to
            log p(x), and leave q(z|x) further from p(z|x): scores that come from q change meaning.
        n_bound_draws: K, draws per sample and step of training; by default 1 for "elbo", 8 for
            the others.
        alpha: of the Renyi bound; 0 is "iwae", and towards 1 it approaches "elbo".
        doubly_reparameterised: whether the gradient of "iwae" or "renyi" by the encoder is that of
            Tucker et al., which does not vanish in its noise as K grows; for Gaussian posteriors,
            at the cost of a second pass through the decoder.
        averaged: whether the loss averages -log p(x|z) over the features: a known failure mode,
            see above.
    """

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None
    decoder: Literal["gaussian", "gaussian-fixed", "gaussian-sample", "bernoulli"] = "gaussian"
    fixed_variance: Annotated[float, Gt(0)] = 1.0
    beta: Annotated[float, Ge(0)] = 1.0
    posterior: Literal["diagonal", "planar", "radial", "iaf", "chain", "full"] = "diagonal"
    n_flows: Annotated[int, Ge(1)] = 2
    bound: Literal["elbo", "iwae", "renyi"] = "elbo"
    n_bound_draws: Annotated[int, Ge(1)] | None = None
    alpha: Annotated[float, Ge(0), Lt(1)] = 0.5
    doubly_reparameterised: bool = False
    averaged: bool = False

    def __post_init__(self) -> None:
        """Check settings that depend on each other.

        Raises:
            Unsupported: they exclude each other.
        """
        gaussian = f"a Gaussian posterior ({', '.join(GAUSSIAN)}), not {self.posterior!r}"
        if self.doubly_reparameterised and self.bound == "elbo":
            msg = "doubly_reparameterised is for the bounds 'iwae' and 'renyi', not for 'elbo'"
            raise Unsupported(msg)
        if self.doubly_reparameterised and self.posterior not in GAUSSIAN:
            msg = f"doubly_reparameterised needs the density of any code: {gaussian}"
            raise Unsupported(msg)
        if self.codes == "mean-and-scale" and self.posterior not in GAUSSIAN:
            msg = f"codes = 'mean-and-scale' needs scales in closed form: {gaussian}"
            raise Unsupported(msg)

    def check_readout(self, readout: str) -> None:
        """Check that the posterior has a read-out.

        Raises:
            Unsupported: it has not, for the reason in the message.
        """
        closed = ("kl", "reconstruction-kl", "symmetric-kl")
        if readout in closed and self.posterior not in GAUSSIAN:
            msg = (
                f"{readout} needs a divergence in closed form, which posterior = "
                f"{self.posterior!r} does not have; read kl-monte-carlo, or take one of "
                f"{', '.join(GAUSSIAN)}"
            )
            raise Unsupported(msg)
        if readout in ("fisher-rao", "wasserstein") and self.posterior != "diagonal":
            msg = (
                f"{readout} has a closed form by unit for posterior = 'diagonal' alone, not for "
                f"{self.posterior!r}"
            )
            raise Unsupported(msg)

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As of the base; with several draws in training, `encoder_signal_to_noise` too."""
        return {**super().diagnostics_, **self.signal_}

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
        posterior, likelihood = FAMILIES[self.posterior], likelihoods[self.decoder]
        family = partial(posterior, self.n_flows)
        return VAENet(shape, self.hidden, self.latent_dim, likelihood, family)

    def _noise(self, net: VAENet, draws: np.random.Generator, n: int) -> Singles:
        return draws.standard_normal((n, self._n_training_draws * net.latent_dim), dtype=np.float32)

    @property
    def _n_training_draws(self) -> int:
        return self.n_bound_draws or (1 if self.bound == "elbo" else 8)

    def _phases(self) -> tuple[Phase, ...]:
        bound = Objective(mean_of(self._losses))
        return (Phase((bound,), self.epochs, judge=trimmed_mean_of(self._losses)),)

    def _losses(self, net: VAENet, x: Tensor, noise: Tensor) -> Tensor:
        parameters = net.posterior(x)
        draws = noise.reshape(len(x), -1, net.latent_dim).movedim(1, 0)
        z, log_ratio = net.family.weigh(parameters, draws)  # (K, n, k), (K, n)
        if self.bound == "elbo":
            closed = net.family.closed_form
            divergence = net.family.kl(parameters) if closed else log_ratio.mean(0)
            return self._nll(net, x, z).mean(0) + self.beta * divergence
        alpha = self.alpha if self.bound == "renyi" else 0.0
        if not self.doubly_reparameterised:
            return -renyi(-self._nll(net, x, z) - self.beta * log_ratio, alpha)

        def log_weights(z: Tensor) -> Tensor:
            log_ratio = density.log_density(held, z) - normal_log_density(z)
            return -self._nll(net, x, z) - self.beta * log_ratio

        # Equation 8 of Tucker et al., derived for any alpha and beta: the gradient of a draw by the
        # encoder, through z alone, is its share of the weights times this factor.
        density, held = cast("Gaussian", net.family), tuple(each.detach() for each in parameters)
        shares = ((1 - alpha) * log_weights(z.detach()).detach()).softmax(0)
        factor = 1 - self.beta * (1 - alpha) * (1 - shares)
        return -renyi(log_weights(z.detach() + factor[..., None] * (z - z.detach())), alpha)

    def _nll(self, net: VAENet, x: Tensor, z: Tensor) -> Tensor:
        """Return -log p(x|z) (K, n) of codes (K, n, k), over the features if `averaged`."""
        features = x.flatten(1)
        outputs = net.decode(z.flatten(0, 1)).reshape(*z.shape[:2], -1)
        nll = net.likelihood.nll(features, outputs)
        return nll / features.shape[1] if self.averaged else nll

    def _conclude(self, x: Floats) -> None:
        super()._conclude(x)
        several = self._n_training_draws > 1
        self.signal_ = {"encoder_signal_to_noise": self._signal_to_noise(x)} if several else {}

    def _signal_to_noise(self, x: Floats) -> float:
        draws, net = self.stream("gradients"), self.net_
        rows = torch.tensor(x[: self.batch_size], dtype=torch.float32)

        def loss() -> Tensor:
            noise = torch.from_numpy(self._noise(net, draws, len(rows)))
            return self._losses(net, rows, noise).mean()

        return signal_to_noise(loss, [*net.encoder.parameters()])

    def _score(self, x: Floats, readout: str) -> Floats:
        self.check_readout(readout)
        return super()._score(x, readout)

    def _localize(self, x: Floats, readout: str) -> Floats:
        self.check_readout(readout)
        return super()._localize(x, readout)

    def _suited(self, samples: Floats) -> Floats:
        low, high = samples.min(), samples.max()
        if self.bounds and (low < -ROUNDING or high > 1 + ROUNDING):
            msg = (
                f"a Bernoulli decoder takes values in [0, 1], these are in [{low:g}, {high:g}]; "
                "divide them by their largest possible value, or use a Gaussian decoder"
            )
            raise Unsupported(msg)
        return super()._suited(samples)

    def _decoded(self) -> Tensor:
        outputs = self.references_[:N_DECODED]
        shape = (len(outputs), self.net_.latent_dim)
        noise = torch.from_numpy(self.stream("aggregated posterior").standard_normal(shape))
        z, _ = self.net_.family.draw(self._parameters_of(outputs), noise)
        return self.net_.restore(z.float()).double()

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

        total = gradient(self._divergence, rows)
        for noise in self._noises():
            total += gradient(partial(nll, noise), rows)
        return total.abs()

    readouts: ClassVar[ReadOuts] = {
        "elbo": LikelihoodScores._elbo,
        "reconstruction": LikelihoodScores._reconstruction,
        "reconstruction-probability": LikelihoodScores._reconstruction_probability,
        "log-mean-probability": LikelihoodScores._log_mean_probability,
        "mean-decoding-probability": LikelihoodScores._mean_decoding,
        "unit-variance-probability": LikelihoodScores._unit_variance,
        "sample-covariance-probability": LikelihoodScores._sample_covariance,
        "jacodeco": VariationalDetector._jacodeco,
        "prior-likelihood": LikelihoodScores._prior_likelihood,
        "importance-weighted": LikelihoodScores._importance_weighted,
        "kl": VariationalDetector._kl,
        "kl-monte-carlo": VariationalDetector._kl_monte_carlo,
        "mahalanobis": VariationalDetector._mahalanobis,
        "symmetric-kl": VariationalDetector._symmetric_kl,
        "fisher-rao": VariationalDetector._fisher_rao,
        "wasserstein": VariationalDetector._wasserstein,
        "reconstruction-kl": _reconstruction_kl,
        "reference": Referring._reference,
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
