"""Autoencoder: a network that squeezes samples through a narrow code and restores them.

Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science
2006, doi:10.1126/science.1127647; as an anomaly detector Hawkins et al., "Outlier detection using
replicator neural networks", DaWaK 2002, doi:10.1007/3-540-46145-0_17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor, nn

from detectors.contract import Floats
from detectors.deep.base import DeepDetector
from detectors.deep.networks import code_size, hidden_sizes, mlp, squared_error


class AutoencoderNet(nn.Module):
    """d -> hidden -> code -> hidden reversed -> d; linear at the code and at the output."""

    def __init__(self, d: int, hidden: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.encoder = mlp([d, *hidden, latent_dim])
        self.decoder = mlp([latent_dim, *reversed(hidden), d])

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (n, d) of samples (n, d)."""
        restored: Tensor = self.decoder(self.encoder(x))
        return restored


@dataclass(kw_only=True)
class Autoencoder(DeepDetector[AutoencoderNet]):
    """Mean squared error per feature with which the network restores a sample.

    Attributes:
        hidden: widths of the encoder's hidden layers, mirrored in the decoder; by default two
            chosen from the number of features (`hidden_sizes`). Empty: a linear autoencoder.
        latent_dim: size of the code; by default 1 + sqrt(d) (`code_size`).
    """

    encodes: ClassVar[bool] = True

    hidden: tuple[Annotated[int, Ge(1)], ...] | None = None
    latent_dim: Annotated[int, Ge(1)] | None = None

    def _network(self, shape: tuple[int, ...]) -> AutoencoderNet:
        (d,) = shape
        hidden = hidden_sizes(d) if self.hidden is None else self.hidden
        return AutoencoderNet(d, hidden, self.latent_dim or code_size(d))

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return squared_error(x, net(x))

    def _score(self, x: Floats, readout: str) -> Floats:
        return self._read(lambda rows: squared_error(rows, self.net_(rows.float())), x)

    def _encode(self, x: Floats) -> Floats:
        return self._read(lambda rows: self.net_.encoder(rows.float()), x)
