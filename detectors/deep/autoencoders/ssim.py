"""Autoencoder of images that compares the structure of windows instead of single pixels.

Bergmann, Löwe, Fauser, Sattlegger and Steger, "Improving unsupervised defect segmentation by
applying structural similarity to autoencoders", VISAPP 2019, arXiv:1807.02011. The measure is that
of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE Transactions on Image Processing 2004, doi:10.1109/TIP.2003.819861.

Reference: [bergmann2019ssim], [wang2004ssim]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, cast

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from detectors.contract import Floats
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.structure import WINDOW, check_windows, similarity
from detectors.training.phases import Phase
from detectors.training.reconstruction import CodeReconstruction, Residual

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
        residual: as of `ae`; by default what training minimises.
        window: height and width of the window in pixels, odd; Bergmann et al. try 5 to 15 and
            take 11. The weights are a normal density with a standard deviation of 1.5 pixels, as in
            Wang et al.
        learning_rate: lower than for other methods. A reconstruction far from the image has no
            structure in common with it, and the gradient does not lead back. Of 0.0005, 0.001 and
            0.003, this value gives the lowest loss of held-out images on two data sets.
    """

    images_only: ClassVar[bool] = True

    residual: Residual = "structural"
    window: Annotated[int, Ge(3)] = WINDOW
    learning_rate: Annotated[float, Gt(0)] = 1e-3

    def _suited(self, samples: Floats) -> Floats:
        suited = super()._suited(samples)
        check_windows(suited, self.window, self.patch)
        return suited

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
        shared = 1 - self._read(self._unlike, x).mean()
        if shared < LEAST_SHARED:
            self.remark_ = (
                f"reconstructed images have a structural similarity of {shared:.2g} with the "
                "training images: training failed or there is nothing to learn; lower learning_rate"
            )

    def _unlike(self, rows: Tensor) -> Tensor:
        restored = cast("Tensor", self.net_(rows.float()))
        return self._unlikeness(self.net_, rows, restored.double())

    def _windows(self) -> tuple[int, Tensor]:
        return self.window, cast("SSIMNet", self.net_).extent

    def _unlikeness(self, net: AutoencoderNet, x: Tensor, y: Tensor) -> Tensor:
        return 1 - similarity(x, y, self.window, cast("SSIMNet", net).extent)
