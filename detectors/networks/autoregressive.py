"""Masked networks of zuko, in which an output depends on some inputs only, for scores of rows.

zuko: Rozet et al., doi:10.5281/zenodo.7625672. Masks: Germain et al., "MADE", ICML 2015,
arXiv:1502.03509.
"""

from __future__ import annotations

import zuko
from torch import Tensor, nn

from detectors.networks.dense import rowwise_product


class RowwiseLinear(zuko.nn.MaskedLinear):  # type: ignore[misc]  # it has no types
    """A layer of zuko in which a row of the product does not depend on its place in x.

    A transposed view would use another kernel, in which it does depend on its place. The product
    has the precision of x.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., n_out) of x (..., n_in)."""
        product = rowwise_product(x, (self.mask * self.weight).T.contiguous().to(x.dtype))
        shifted: Tensor = product + self.bias.to(x.dtype)
        return shifted


class MaskedDense(RowwiseLinear):
    """As `RowwiseLinear` for scores; in training a plain product, which takes less time."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., n_out) of x (..., n_in)."""
        return x @ (self.mask * self.weight).T + self.bias if self.training else super().forward(x)


def make_rowwise(net: nn.Module) -> None:
    """Turn the masked layers of a network of zuko into such."""
    for layer in net.modules():
        if isinstance(layer, zuko.nn.MaskedLinear):
            layer.__class__ = RowwiseLinear
