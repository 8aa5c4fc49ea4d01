"""The inverse autoregressive flow: Kingma et al., NeurIPS 2016, arXiv:1606.04934."""

from __future__ import annotations

import torch
import zuko
from torch import Tensor, nn
from torch.nn import functional

from detectors.networks.autoregressive import MaskedDense
from detectors.networks.posteriors.flows import FlowPosterior

OPEN = 1.5  # added to a gate's logit: maps begin near the identity, as the paper asks for


class InverseAutoregressive(FlowPosterior):
    """Maps z -> s z + (1 - s) m, s a sigmoid; m and s of a unit depend on those before it.

    Equations 13 and 14 of the paper, by a masked network with one hidden layer for each map, and
    with the units in reverse order from map to map. The encoder gives k outputs as context.
    """

    def __init__(self, n_flows: int, latent_dim: int) -> None:
        super().__init__(n_flows, latent_dim)
        before = torch.ones(latent_dim, latent_dim, dtype=torch.bool).tril(-1)
        context = torch.ones(latent_dim, latent_dim, dtype=torch.bool)
        sees = torch.cat([before, context], dim=1).repeat(2, 1)
        width = 4 * latent_dim
        self.maps = nn.ModuleList(
            zuko.nn.MaskedMLP(sees, hidden_features=(width,), activation=nn.LeakyReLU)
            for _ in range(n_flows)
        )
        for layer in self.maps.modules():
            if isinstance(layer, zuko.nn.MaskedLinear):
                layer.__class__ = MaskedDense

    @property
    def n_flow_outputs(self) -> int:
        """The context."""
        return self.latent_dim

    def flow(self, further: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """As `FlowPosterior.flow`: the determinant of a map is the product of its gates."""
        context, log_dets = further.expand(z.shape), []
        for network in self.maps:
            shift, logit = network(torch.cat([z, context], dim=-1)).chunk(2, dim=-1)
            log_gate = functional.logsigmoid(logit + OPEN)
            z = torch.lerp(shift, z, log_gate.exp()).flip(-1)
            log_dets.append(log_gate.sum(-1))
        return z, sum(log_dets, torch.zeros(()))
