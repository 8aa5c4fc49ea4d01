"""Autoencoder of images that compares the structure of windows instead of single pixels.

Bergmann, Löwe, Fauser, Sattlegger and Steger, "Improving unsupervised defect segmentation by
applying structural similarity to autoencoders", VISAPP 2019, arXiv:1807.02011. The measure is that
of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE Transactions on Image Processing 2004, doi:10.1109/TIP.2003.819861.

Reference: [bergmann2019ssim], [wang2004ssim]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, cast

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from detectors.contract import Floats, Unsupported
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import rowwise_product
from detectors.training.phases import Phase
from detectors.training.reconstruction import CodeReconstruction

# From section III-B of Wang et al.: the standard deviation of the weights, in pixels, and constants
# that keep quotients finite for windows without contrast, in units of the range of the pixels.
SPREAD = 1.5
LUMINANCE, CONTRAST = 0.01, 0.03
LEAST_SHARED = 0.01  # similarity with the training images below which training has failed


class SSIMNet(AutoencoderNet):
    """An autoencoder with the range of the training pixels."""

    extent: Tensor

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__(shape, hidden, latent_dim)
        self.register_buffer("extent", torch.ones(()))


@dataclass(kw_only=True)
class SSIMAutoencoder(CodeReconstruction):
    """Structural dissimilarity of an image and its reconstruction from a narrow code.

    Around every pixel of every channel, the means, variances and covariance of the two images in a
    window give their similarity, equation 13 of Wang et al. Training minimises 1 - similarity, in
    [0, 2], and scoring takes it as the error by feature, in place of the squared error. Windows at
    the edge see the image mirrored. Only images are accepted: vectors and flattened images are
    `Unsupported`.

    Attributes:
        window: height and width of the window in pixels, odd; Bergmann et al. try 5 to 15 and
            take 11. The weights are a normal density with a standard deviation of 1.5 pixels, as in
            Wang et al.
        learning_rate: lower than for other methods. A reconstruction far from the image has no
            structure in common with it, and the gradient does not lead back. Of 0.0005, 0.001 and
            0.003, this value gives the lowest loss of held-out images on two data sets.
    """

    images_only: ClassVar[bool] = True

    window: Annotated[int, Ge(3)] = 11
    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _suited(self, samples: Floats) -> Floats:
        if samples.ndim != 4 or self.flatten:
            msg = (
                f"structural similarity needs images (n, c, h, w), these are "
                f"{'flattened' if samples.ndim == 4 else samples.shape}; use `ae` for vectors"
            )
            raise Unsupported(msg)
        if self.window % 2 == 0 or self.window // 2 >= min(samples.shape[2:]):
            msg = (
                f"a window of {self.window} pixels does not suit images of "
                f"{samples.shape[2]} x {samples.shape[3]}; use an odd number of at most "
                f"{2 * min(samples.shape[2:]) - 1}"
            )
            raise Unsupported(msg)
        return super()._suited(samples)

    def _network(self, shape: tuple[int, ...]) -> SSIMNet:
        return SSIMNet(shape, self.hidden, self.latent_dim)

    def _renew(self, net: AutoencoderNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if epoch == 0:
            extent = x.amax() - x.amin()
            cast("SSIMNet", net).extent.copy_(torch.where(extent > 0, extent, 1.0))

    def _losses(self, net: AutoencoderNet, x: Tensor, noise: Tensor) -> Tensor:
        return self._unlikeness(net, x, net(x)).flatten(1).mean(-1)

    def _conclude(self, x: Floats) -> None:
        if not self.epochs_:
            return
        shared = 1 - self._read(self._errors, x).mean()
        if shared < LEAST_SHARED:
            self.remark_ = (
                f"reconstructed images have a structural similarity of {shared:.2g} with the "
                "training images: training failed or there is nothing to learn; lower learning_rate"
            )

    def _errors(self, rows: Tensor) -> Tensor:
        restored = cast("Tensor", self.net_(rows.float()))
        return self._unlikeness(self.net_, rows, restored.double())

    def _unlikeness(self, net: AutoencoderNet, x: Tensor, y: Tensor) -> Tensor:
        return 1 - similarity(x, y, self.window, cast("SSIMNet", net).extent)


def similarity(x: Tensor, y: Tensor, window: int, extent: Tensor) -> Tensor:
    """Return the structural similarity (n, c, h, w), in [-1, 1], of images x and y (n, c, h, w).

    Args:
        x: images.
        y: images of the same dtype.
        window: height and width of the window, odd.
        extent: () range of the pixels.
    """
    moments = _smooth(torch.stack([x, y, x * x, y * y, x * y]), window)
    mean_x, mean_y, square_x, square_y, product = moments.unbind()
    steady = [(share * extent.to(x.dtype)).square() for share in (LUMINANCE, CONTRAST)]
    variances = square_x - mean_x.square() + square_y - mean_y.square()
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + steady[0]) / (mean_x.square() + mean_y.square() + steady[0])
    return luminance * (2 * covariance + steady[1]) / (variances + steady[1])


def _smooth(x: Tensor, window: int) -> Tensor:
    """Return the weighted means (..., h, w) of the windows around each pixel of x (..., h, w)."""
    along_rows, along_columns = (_means(side, window, x.dtype, x.device) for side in x.shape[-2:])
    smooth = rowwise_product(x, along_columns.T)
    return rowwise_product(smooth.mT, along_rows.T).mT


@cache
def _means(side: int, window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix (side, side) that computes weighted means of windows along a side.

    Its product is several times as fast as a convolution of one channel.
    """
    half = window // 2
    places = torch.arange(-half, half + 1)
    weights = torch.exp(-(places.double() / SPREAD).square() / 2)
    centres = torch.arange(side)[:, None]
    seen = (centres + places).abs()
    seen = torch.where(seen < side, seen, 2 * (side - 1) - seen)  # mirrored at the last pixel
    means = torch.zeros(side, side, dtype=torch.float64)
    means.scatter_add_(1, seen, (weights / weights.sum()).expand(side, -1))
    return means.to(device, dtype)
