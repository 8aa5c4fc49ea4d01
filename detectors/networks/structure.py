"""Structural similarity of images: in windows of pixels, and over several scales.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 2004, doi:10.1109/TIP.2003.819861. Maps of
several scales are averaged as by Zavrtanik, Kristan and Skocaj, "Reconstruction by inpainting for
visual anomaly detection", Pattern Recognition 112, 2021, doi:10.1016/j.patcog.2020.107706.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from detectors.contract import Floats, Unsupported
from detectors.networks.dense import rowwise_product

WINDOW = 11  # pixels: of 5 to 15, the window that Bergmann et al., arXiv:1807.02011, take
N_SCALES = 3  # the image, and halves and quarters of its sides
# From section III-B of Wang et al.: the standard deviation of the weights, in pixels, and constants
# that keep quotients finite for windows without contrast, in units of the range of the pixels.
SPREAD = 1.5
LUMINANCE, CONTRAST = 0.01, 0.03


def check_windows(samples: Floats, window: int, patch: int | None) -> None:
    """Check that samples are images, and that a window fits into them, or into their patches.

    Raises:
        Unsupported: they are not, or it does not.
    """
    if samples.ndim != 4:
        msg = (
            f"structural similarity needs images (n, c, h, w), these are {samples.shape}; take "
            "another residual or detector, or images that are not flattened"
        )
        raise Unsupported(msg)
    side = min(patch or samples.shape[2], *samples.shape[2:])
    if window % 2 == 0 or window // 2 >= side:
        msg = (
            f"a window of {window} pixels does not suit a side of {side} pixels; use an odd number "
            f"of at most {2 * side - 1}"
        )
        raise Unsupported(msg)


def over_scales(x: Tensor, y: Tensor, window: int, extent: Tensor) -> Tensor:
    """Return the mean (n, c, h, w) of 1 - `similarity` at three scales, as far as a window fits.

    Each scale halves the sides of the one before, and its map is interpolated to the pixels.
    """
    sides = x.shape[-2:]
    maps: list[Tensor] = []
    while len(maps) < N_SCALES and min(x.shape[-2:]) > window // 2:
        one = 1 - similarity(x, y, window, extent)
        maps.append(functional.interpolate(one, sides, mode="bilinear"))
        x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
    return torch.stack(maps).mean(0)


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
