"""Read-outs of variational autoencoders that rest on the likelihood p(x|z) of a sample.

mu and sigma are those of q(z|x), and z_1 ... z_L are drawn from q(z|x). All are in nats but
`reconstruction`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from detectors.contract import Unsupported
from detectors.networks.bounds import log_mean
from detectors.networks.dense import squared_error
from detectors.networks.likelihoods import VARIANCE_FLOOR, gaussian_nll, sample_gaussian_nll
from detectors.training.variational import CHUNK, VariationalDetector


@dataclass(kw_only=True)
class LikelihoodScores(VariationalDetector):
    """A variational autoencoder with the scores that its decoder gives.

    Attributes:
        n_prior_draws: number of draws from p(z), for `prior-likelihood`.
    """

    n_prior_draws: Annotated[int, Ge(1)] = 1000

    def _nlls(self, rows: Tensor) -> Tensor:
        """Return -log p(x|z_l), (L, n)."""
        x, likelihood = rows.flatten(1), self.net_.likelihood
        return torch.stack([likelihood.nll(x, self._decode(z)) for z, _ in self._draws(rows)])

    def _elbo(self, rows: Tensor) -> Tensor:
        """Negative evidence lower bound with L draws, equation 10 of Kingma and Welling.

        Mean over l of -log p(x|z_l), plus `kl` (where it has no closed form, `kl-monte-carlo`),
        for any `beta`, `averaged` and `bound`.
        """
        return self._nlls(rows).mean(0) + self._divergence(rows)

    def _reconstruction(self, rows: Tensor) -> Tensor:
        """Mean squared error per feature of the mean of p(x|z) at z = mu."""
        return squared_error(rows, self._restored(rows))

    def _reconstruction_probability(self, rows: Tensor) -> Tensor:
        """Mean over l of -log p(x|z_l), algorithm 4 of An and Cho: the mean of logarithms."""
        return self._nlls(rows).mean(0)

    def _log_mean_probability(self, rows: Tensor) -> Tensor:
        """Variant of `reconstruction-probability`: -log of the mean over l of p(x|z_l)."""
        return -log_mean(-self._nlls(rows))

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
        return -log_mean(-nlls.T)

    def _importance_weighted(self, rows: Tensor) -> Tensor:
        """-log of the mean over l of p(x|z_l) p(z_l) / q(z_l|x).

        The bound of Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders", ICLR
        2016, arXiv:1509.00519, equation 8; with more draws it is closer to -log p(x) on average.
        """
        x, likelihood = rows.flatten(1), self.net_.likelihood
        log_weights = [-likelihood.nll(x, self._decode(z)) - log for z, log in self._draws(rows)]
        return -log_mean(torch.stack(log_weights))
