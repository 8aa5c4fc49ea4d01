"""Residual of a principal component analysis at each pixel, relative to that of normal images.

A baseline of this package, not of a paper. It joins two known parts: the squared residual (Jackson,
Mudholkar, "Control procedures for residuals associated with principal component analysis",
Technometrics 21, 1979, doi:10.1080/00401706.1979.10489779), and a deviation that is judged by its
spread over normal images at the same pixel, as in the variation model that Bergmann et al., "MVTec
AD", CVPR 2019, doi:10.1109/CVPR.2019.00982, compare with.

Reference: [jackson1979pca], [bergmann2019mvtec]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt

from detectors.contract import Floats, Unsupported, require_rows
from detectors.localisation import Localizer
from detectors.shallow.pca import PCA


@dataclass(kw_only=True)
class PCAResidualMap(Localizer):
    """Largest smoothed residual of a pixel, over its mean on held-out training images.

    Images should show their object in one position. The components are those of the images that are
    not held out, since these have smaller residuals than new images.

    Attributes:
        n_components: as of `PCA`: a number of components, or the share of the variance that they
            explain.
        smoothing: standard deviation of the Gaussian that smooths a map, as a share of the longer
            side of the image; 1/64 are the 4 of 256 pixels of PaDiM and PatchCore.
        regularisation: added to each pixel's mean, in units of its average over all pixels, so that
            a background without any noise does not divide by almost nothing.
        held_out: share of the training images, drawn with the seed, that are held out.
    """

    localizes: ClassVar[Mapping[str, str]] = {"": "max"}
    takes_images: ClassVar[bool] = True
    images_only: ClassVar[bool] = True

    n_components: Annotated[int, Ge(1)] | Annotated[float, Gt(0), Lt(1)] = 0.9
    smoothing: Annotated[float, Ge(0), Lt(1)] = 1 / 64
    regularisation: Annotated[float, Gt(0)] = 0.01
    held_out: Annotated[float, Gt(0), Lt(1)] = 0.2

    def _suited(self, samples: Floats) -> Floats:
        if samples.ndim != 4:
            msg = f"a map of pixels needs images (n, c, h, w), these are {samples.shape}; use pca"
            raise Unsupported(msg)
        return samples

    def _fit(self, x: Floats) -> None:
        require_rows(x, 2, "a held-out image")
        order = self.stream("held-out").permutation(len(x))
        n_held_out = max(1, int(self.held_out * len(x)))
        self.pca_ = PCA(n_components=self.n_components).fit(x[order[n_held_out:]])
        usual = self._smoothed(x[order[:n_held_out]]).mean(axis=0)
        self.usual_ = usual + self.regularisation * (usual.mean() or 1.0)

    def _smoothed(self, x: Floats) -> Floats:
        """Return the smoothed squared residuals (n, h, w) of images, averaged over channels."""
        from scipy.ndimage import gaussian_filter

        width = self.smoothing * max(x.shape[2:])
        smooth: Floats = gaussian_filter(self.pca_.localize(x), (0, width, width))
        return smooth

    def _localize(self, x: Floats, readout: str) -> Floats:
        relative: Floats = self._smoothed(x) / self.usual_
        return relative

    def _score(self, x: Floats, readout: str) -> Floats:
        largest: Floats = self._localize(x, readout).max(axis=(1, 2))
        return largest
