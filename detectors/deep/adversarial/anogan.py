"""AnoGAN: the distance of a sample to the nearest sample that a GAN can generate.

Schlegl, Seeboeck, Waldstein, Schmidt-Erfurth and Langs, "Unsupervised anomaly detection with
generative adversarial networks to guide marker discovery", IPMI 2017, arXiv:1703.05921. Unlike the
authors', networks for images have no batch normalisation.

Reference: [schlegl2017anogan]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn
from torch.func import grad

from detectors.contract import Floats
from detectors.networks.adversarial_losses import fake_loss, real_loss
from detectors.networks.dense import Dense, code_size, rowwise_product
from detectors.networks.images import decoder, encoder
from detectors.training.adversarial import GAN
from detectors.training.base import ReadOuts
from detectors.training.recording import recorded


class RowwiseProduct(torch.autograd.Function):
    """x @ w for constant w; no row of the product and the gradient depends on its place."""

    @staticmethod
    def forward(x: Tensor, w: Tensor) -> Tensor:
        """Return (n, m) of x (n, k) and w (k, m)."""
        return rowwise_product(x, w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Keep w."""
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient by x (n, k); a transposed view of w would use another kernel."""
        (w,) = ctx.saved_tensors
        return rowwise_product(gradient, w.T.contiguous()), None


class SearchableDense(Dense):
    """A dense layer for the search for latent vectors, in which gradients do not mix rows."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, n_out) of x (n, n_in)."""
        if self.training:
            return super().forward(x)
        product: Tensor = RowwiseProduct.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias


class GANNet(nn.Module):
    """Generator (n, k) -> (n, *shape) and discriminator (n, *shape) -> (n, 1) logits."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim or code_size(math.prod(shape))
        self.generator = decoder(self.latent_dim, hidden, shape)
        self.discriminator = encoder(shape, hidden, 1)
        for layer in self.modules():
            if isinstance(layer, Dense):
                layer.__class__ = SearchableDense

    def features(self, x: Tensor) -> Tensor:
        """Return the inputs (n, h) of the discriminator's last layer for samples (n, *shape)."""
        features: Tensor = self.discriminator[:-1](x)
        return features


@dataclass(kw_only=True)
class AnoGAN(GAN[GANNet]):
    """Scores at the end of a search for the latent vector z whose G(z) is nearest to a sample.

    The search minimises (1 - lambda) R + lambda D by Adam, for a fixed number of steps from one
    draw of the prior, the same for all samples. R is the sum over features of |x - G(z)|; D is the
    sum of |f(x) - f(G(z))| over the inputs f of the discriminator's last layer. Codes are the final
    vectors of the search.

    Attributes:
        feature_weight: lambda.
        search_steps: number of steps of Adam. The time of scoring is proportional to it; the paper
            takes 500.
        search_rate: learning rate of the search.
    """

    feature_weight: Annotated[float, Ge(0), Le(1)] = 0.1
    search_steps: Annotated[int, Ge(1)] = 100
    search_rate: Annotated[float, Gt(0)] = 0.1

    def _network(self, shape: tuple[int, ...]) -> GANNet:
        return GANNet(shape, self.hidden, self.latent_dim)

    def _discriminating(self, net: GANNet, x: Tensor, noise: Tensor) -> Tensor:
        made = net.discriminator(net.generator(noise))
        return real_loss(net.discriminator(x)) + fake_loss(made)

    def _generating(self, net: GANNet, x: Tensor, noise: Tensor) -> Tensor:
        return real_loss(net.discriminator(net.generator(noise)))

    def _score(self, x: Floats, readout: str) -> Floats:
        search = self._searcher()

        def read(rows: Tensor) -> Tensor:
            x = rows.float()
            distances = self._distances(search(x), x, self.net_.features(x))
            return self.readouts[readout](self, *distances)

        return self._read(read, x)

    def _encode(self, x: Floats) -> Floats:
        search = self._searcher()
        return self._read(lambda rows: search(rows.float()), x)

    def _searcher(self) -> Callable[[Tensor], Tensor]:
        """Return the search (n, *shape) -> (n, k); a sum of losses keeps the rows apart."""

        def loss(z: Tensor, x: Tensor, seen: Tensor) -> Tensor:
            return self._anomaly(*self._distances(z, x, seen)).sum()

        gradient = recorded(grad(loss))
        start = self.stream("read-outs").standard_normal((1, self.net_.latent_dim))

        def search(x: Tensor) -> Tensor:
            z = torch.tensor(start, dtype=torch.float32).repeat(len(x), 1)
            seen = self.net_.features(x)
            optimizer = torch.optim.Adam([z], lr=self.search_rate)
            for _ in range(self.search_steps):
                z.grad = gradient(z, x, seen)
                optimizer.step()
            return z

        return search

    def _distances(self, z: Tensor, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return R and D, (n,) each, of latent vectors (n, k), samples (n, *shape) and their f."""
        made = self.net_.generator(z)
        residual = (x - made).abs().flatten(1).sum(-1)
        feature = (seen - self.net_.features(made)).abs().sum(-1)
        return residual, feature

    def _anomaly(self, residual: Tensor, feature: Tensor) -> Tensor:
        """(1 - lambda) R + lambda D."""
        return (1 - self.feature_weight) * residual + self.feature_weight * feature

    def _residual(self, residual: Tensor, feature: Tensor) -> Tensor:
        """R, the distance of the features."""
        return residual

    def _feature(self, residual: Tensor, feature: Tensor) -> Tensor:
        """D, the distance of the inputs of the discriminator's last layer."""
        return feature

    readouts: ClassVar[ReadOuts] = {
        "anomaly": _anomaly,
        "residual": _residual,
        "feature": _feature,
    }
