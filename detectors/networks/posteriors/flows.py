"""Posteriors of normalising flows: a diagonal Gaussian, then invertible maps of its draws.

Planar and radial flows: Rezende and Mohamed, "Variational inference with normalizing flows", ICML
2015, arXiv:1505.05770. The encoder gives the parameters of every map for each sample.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from detectors.networks.posteriors.base import Parameters, Posterior
from detectors.networks.posteriors.diagonal import Diagonal

IDENTITY = math.log(math.e - 1)  # softplus of it is 1
TINY = 1e-8  # added to a squared length


class FlowPosterior(Posterior):
    """Base: parameters are those of the diagonal Gaussian, then what the maps need.

    Args:
        n_flows: number of maps.
        latent_dim: k.
    """

    def __init__(self, n_flows: int, latent_dim: int) -> None:
        super().__init__(latent_dim)
        self.first = Diagonal(latent_dim)
        self.n_flows = n_flows

    @property
    @abstractmethod
    def n_flow_outputs(self) -> int:
        """Number of outputs of the encoder for the maps."""

    @abstractmethod
    def flow(self, further: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Map codes z (..., n, k), and return the log determinant (..., n) of all maps.

        Args:
            further: outputs of the encoder, (n, n_flow_outputs).
            z: codes.
        """

    @property
    def n_outputs(self) -> int:
        """Those of the diagonal Gaussian, and those for the maps."""
        return self.first.n_outputs + self.n_flow_outputs

    def parameters_of(self, outputs: Tensor) -> Parameters:
        """Return mu and log sigma^2 of the Gaussian, and the outputs for the maps."""
        gaussian, further = torch.split(
            outputs, [self.first.n_outputs, self.n_flow_outputs], dim=-1
        )
        return *self.first.parameters_of(gaussian), further

    def draw(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `Posterior.draw`."""
        z, log_density = self.first.draw(parameters[:2], noise)
        z, log_det = self.flow(parameters[2], z)
        return z, log_density - log_det


class Planar(FlowPosterior):
    """Maps f(z) = z + u tanh(w z + b), equation 10.

    u is moved along w so that w u > -1, which makes f invertible (appendix A.1). Here the moved
    product is log(1 + (e - 1) exp(w u)) - 1, which is 0 where w u is: maps begin near the identity.
    """

    @property
    def n_flow_outputs(self) -> int:
        """u, w and b of each map."""
        return self.n_flows * (2 * self.latent_dim + 1)

    def flow(self, further: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """As `FlowPosterior.flow`, equation 12."""
        k = self.latent_dim
        each = further.reshape(len(further), self.n_flows, -1)
        u, w, b = torch.split(each, [k, k, 1], dim=-1)
        product = (w * u).sum(-1, keepdim=True)
        moved = functional.softplus(product + IDENTITY) - 1
        u = u + (moved - product) * w / (w.square().sum(-1, keepdim=True) + TINY)
        product, log_dets = (w * u).sum(-1), []
        for t in range(self.n_flows):
            h = ((w[..., t, :] * z).sum(-1) + b[..., t, 0]).tanh()
            log_dets.append((product[..., t] * (1 - h.square())).log1p())
            z = z + u[..., t, :] * h[..., None]
        return z, torch.stack(log_dets).sum(0)


class Radial(FlowPosterior):
    """Maps f(z) = z + b h (z - c) with h = 1 / (a + |z - c|), equation 14.

    a = softplus(a') and b = softplus(b') - a, so that a > 0 and b > -a, which makes f invertible
    (appendix A.2).
    """

    @property
    def n_flow_outputs(self) -> int:
        """c, a' and b' of each map."""
        return self.n_flows * (self.latent_dim + 2)

    def flow(self, further: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """As `FlowPosterior.flow`: the determinant is (1 + b h)^(k - 1) (1 + b h + b h' r)."""
        k = self.latent_dim
        each = further.reshape(len(further), self.n_flows, -1)
        c, free = torch.split(each, [k, 2], dim=-1)
        a, rest = functional.softplus(free).unbind(-1)
        b, log_dets = rest - a, []
        for t in range(self.n_flows):
            offset = z - c[..., t, :]
            h = (a[..., t] + _length(offset)).reciprocal()
            pull = b[..., t] * h
            log_dets.append((k - 1) * pull.log1p() + (pull * a[..., t] * h).log1p())
            z = z + pull[..., None] * offset
        return z, torch.stack(log_dets).sum(0)


def _length(offset: Tensor) -> Tensor:
    """Return |offset|, with a gradient also at 0."""
    return (offset.square().sum(-1) + TINY**2).sqrt()
