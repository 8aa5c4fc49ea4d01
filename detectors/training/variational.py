"""The base of detectors with an approximate posterior q(z|x), and what its codes say by themselves.

Mahalanobis, symmetric and Fisher-Rao distances to the posteriors of the training samples: Vasilev
et al., "q-space novelty detection with variational autoencoders", 2018, arXiv:1806.02997.
Wasserstein distances: Pereira and Silveira, "Learning representations from healthcare time series
data for unsupervised anomaly detection", BigComp 2019, doi:10.1109/BIGCOMP.2019.8679157.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import rowwise_product
from detectors.networks.posteriors.base import Gaussian, Parameters
from detectors.networks.posteriors.diagonal import Diagonal
from detectors.networks.posteriors.distances import (
    fisher_rao,
    nearest,
    squared_wasserstein,
    symmetric_kl,
    symmetric_kl_of_correlated,
)
from detectors.networks.variational import VAENet
from detectors.training.localisation import DeepLocalizer

ACTIVE = 0.01  # variance of the posterior mean over the training samples
N_REFERENCES = 2000
RIDGE = 1e-6  # on the covariance of codes, in units of the prior's variance
SMALLEST_STRETCH = 1e-6  # added to the singular values of the decoder's Jacobian
CHUNK = 2**22  # numbers in a tensor of intermediate results


@dataclass(kw_only=True)
class VariationalDetector(DeepLocalizer[VAENet]):
    """Base of detectors with a `VAENet`: the posterior of a sample, its draws and its codes.

    Attributes:
        n_draws: L, for scoring; training takes one draw per sample and step.
        n_neighbors: rank of the nearest training posterior; Vasilev et al. take the first.
        codes: input of a head: "mean" for mu, "mean-and-scale" for mu and log sigma.

    Posteriors that are not Gaussian have no mean in closed form: mu is then the code of noise 0.

    After `fit`: `active_units_`, the number of units whose mu has a variance above 0.01 over the
    training samples.
    """

    encodes: ClassVar[bool] = True

    n_draws: Annotated[int, Ge(1)] = 32
    n_neighbors: Annotated[int, Ge(1)] = 1
    codes: Literal["mean", "mean-and-scale"] = "mean"

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As those of every deep detector, and the numbers of active and of all units."""
        units = {"active_units": self.active_units_, "latent_units": self.net_.latent_dim}
        return {**super().diagnostics_, **units}

    def _conclude(self, x: Floats) -> None:
        outputs = self._read(lambda rows: self.net_.encoder(rows.float()), x)
        means = self._read(self._code, x)
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
        chosen = self.stream("references").permutation(len(outputs))[:N_REFERENCES]
        self.references_ = outputs[chosen]

    def _embed(self, rows: Tensor) -> Tensor:
        family, parameters = self.net_.family, self._posterior(rows)
        if self.codes == "mean":
            return family.centre(parameters)
        scales = 0.5 * cast("Gaussian", family).log_variances(parameters)
        return torch.cat([family.centre(parameters), scales], dim=1)

    def _posterior(self, rows: Tensor) -> Parameters:
        """Return the parameters of q(z|x), (n, ...) each; of the diagonal mu and log sigma^2."""
        return tuple(each.double() for each in self.net_.posterior(rows.float()))

    def _parameters_of(self, outputs: Floats) -> Parameters:
        with torch.no_grad():
            return self.net_.family.parameters_of(torch.from_numpy(outputs))

    def _code(self, rows: Tensor) -> Tensor:
        """Return mu (n, k)."""
        return self.net_.family.centre(self._posterior(rows))

    def _noises(self) -> Iterator[Tensor]:
        """Yield the noise (1, k) of each of the L draws, the same for every sample."""
        shape = (self.n_draws, 1, self.net_.latent_dim)
        yield from torch.from_numpy(self.stream("read-outs").standard_normal(shape))

    def _draws(self, rows: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield L draws z (n, k) from q(z|x), each with log q(z|x) - log p(z) (n,) in nats."""
        parameters = self._posterior(rows)
        for noise in self._noises():
            yield self.net_.family.weigh(parameters, noise)

    def _decode(self, z: Tensor) -> Tensor:
        return self.net_.decode(z.float()).double()

    def _restored(self, rows: Tensor) -> Tensor:
        return self.net_.restore(self._code(rows).float()).reshape(rows.shape)

    def _kl(self, rows: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)), in closed form."""
        return self.net_.family.kl(self._posterior(rows))

    def _kl_monte_carlo(self, rows: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)) as the mean over l of log q(z_l|x) - log p(z_l)."""
        return torch.stack([log_ratio for _, log_ratio in self._draws(rows)]).mean(0)

    def _divergence(self, rows: Tensor) -> Tensor:
        """Return `kl` (n,), where the posterior has none in closed form `kl-monte-carlo`."""
        return self._kl(rows) if self.net_.family.closed_form else self._kl_monte_carlo(rows)

    def _mahalanobis(self, rows: Tensor) -> Tensor:
        """Squared Mahalanobis distance of mu to the training mus.

        With their mean and their covariance plus a millionth of the prior's.
        """
        deviations = self._code(rows) - torch.from_numpy(self.mean_)
        return rowwise_product(deviations, torch.from_numpy(self.whitening_)).square().sum(-1)

    def _symmetric_kl(self, rows: Tensor) -> Tensor:
        """KL(p || q) + KL(q || p) of q(z|x) and its k-th nearest posterior of a training sample.

        k = `n_neighbors`, among at most 2,000 training samples, drawn by the seed.
        """
        family = cast("Gaussian", self.net_.family)
        if isinstance(family, Diagonal):
            return self._nearest(symmetric_kl, rows, self.n_neighbors)

        def distance(one: Parameters, other: Parameters) -> Tensor:
            factors = family.factors(one), family.factors(other)
            return symmetric_kl_of_correlated((one[0], *factors[0]), (other[0], *factors[1]))

        return self._nearest(distance, rows, self.n_neighbors)

    def _fisher_rao(self, rows: Tensor) -> Tensor:
        """Fisher-Rao distance of q(z|x) to its k-th nearest posterior, as of `symmetric-kl`."""
        return self._nearest(fisher_rao, rows, self.n_neighbors)

    def _wasserstein(self, rows: Tensor) -> Tensor:
        """Median squared Wasserstein distance of q(z|x) to the posteriors of training samples.

        Pereira and Silveira take the median over a set that is scored, here it is over at most
        2,000 training samples, so that a score does not depend on other test samples; of an even
        number, the lower of the middle two.
        """
        return self._nearest(squared_wasserstein, rows, (len(self.references_) + 1) // 2)

    def _nearest(self, distance: Callable[[Any, Any], Tensor], rows: Tensor, k: int) -> Tensor:
        if k > (n := len(self.references_)):
            msg = f"n_neighbors = {k} needs as many training samples, there are {n}"
            raise Unsupported(msg)
        references = self._parameters_of(self.references_)
        return nearest(distance(self._posterior(rows), references), k)

    def _jacodeco(self, rows: Tensor) -> Tensor:
        """-log p(x|z) - log p(z) + log det(J^T J) at z = mu.

        J (d, k) is the Jacobian of the mean of p(x|z): Smidl, Bim and Pevny, "Anomaly scores for
        generative models", 2019, arXiv:1905.11890. It splits a sample into its position on the
        manifold and its distance from it. As in the authors' code, the volume counts twice: it
        is twice the sum of the logarithms of the singular values, with 1e-6 added to each; a
        change of variables would count it once.
        """
        mean = self._code(rows)
        nll = self.net_.likelihood.nll(rows.flatten(1), self._decode(mean))
        prior = 0.5 * (mean.square() + math.log(2 * math.pi)).sum(-1)
        size = max(1, CHUNK // (rows[0].numel() * self.net_.latent_dim))
        volumes = [self._log_volume(z) for z in torch.split(mean.float(), size)]
        return nll + prior + torch.cat(volumes)

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
