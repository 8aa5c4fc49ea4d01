"""Detectors that are composed of others: a read-out of a model, and a head on its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from detectors.contract import Detector, Family, Floats
from detectors.localisation import Localizer
from detectors.standardise import location_and_scale

STEP = 1e-3  # of a difference, in standard deviations of a code unit


@runtime_checkable
class Differentiable(Protocol):
    """An encoder that knows the derivatives of its codes."""

    def pulled_back(self, x: ArrayLike, slopes: Floats) -> Floats:
        """Return derivatives with respect to samples (n, *shape), given those by code (n, k)."""


@dataclass(kw_only=True)
class ReadOut(Detector):
    """One named score of a model: the model's `score` with that read-out.

    Attributes:
        model: the model that `fit` fits.
        readout: the name of one of the model's read-outs.
    """

    takes_images: ClassVar[bool] = True  # the model decides

    model: Detector
    readout: str

    def _fit(self, x: Floats) -> None:
        self.model.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        return self.model.score(x, self.readout)

    def localize(self, x: ArrayLike) -> Floats:
        """Return the maps of samples for the read-out, as `Localizer.localize`."""
        if not isinstance(self.model, Localizer):
            msg = f"{type(self.model).__name__} has no maps"
            raise ValueError(msg)
        return self.model.localize(x, self.readout)

    @property
    def bounds(self) -> tuple[float, float] | None:
        return self.model.bounds

    @property
    def n_parameters_(self) -> int | None:
        return self.model.n_parameters_

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        return self.model.diagnostics_


@dataclass(kw_only=True)
class Hybrid(Localizer):
    """The score of another detector on the standardised codes of a model.

    Codes are standardised with the mean and standard deviation of the training codes. A code
    unit that is constant in training is only centred.

    A map is the absolute gradient of the score with respect to the sample: the way towards
    normality, through an encoder that knows its derivatives (`DeepLocalizer`). Those of the head
    are central differences, since most heads have no others.

    Attributes:
        encoder: a model with codes.
        head: a detector for vectors.
    """

    family: ClassVar[Family] = "hybrid"
    localizes: ClassVar[Mapping[str, str]] = {"": ""}
    takes_images: ClassVar[bool] = True  # the encoder decides

    encoder: Detector
    head: Detector

    def _fit(self, x: Floats) -> None:
        self.encoder.fit(x)
        self.fit_head(x)

    def fit_head(self, x: ArrayLike) -> Self:
        """Fit the head on the codes of training samples (n, *shape); the encoder is fitted."""
        self._fitted_on(x)
        codes = self.encoder.encode(x)
        self.mean_, self.scale_ = location_and_scale(codes)
        self.head.fit((codes - self.mean_) / self.scale_)
        return self

    def _score(self, x: Floats, readout: str) -> Floats:
        return self.head.score(self._standardised(x))

    def _standardised(self, x: ArrayLike) -> Floats:
        codes: Floats = (self.encoder.encode(x) - self.mean_) / self.scale_
        return codes

    def _localize(self, x: Floats, readout: str) -> Floats:
        if not isinstance(self.encoder, Differentiable):
            msg = f"{type(self.encoder).__name__} does not know the derivatives of its codes"
            raise ValueError(msg)
        codes = self._standardised(x)
        rises = [
            self.head.score(codes + step) - self.head.score(codes - step)
            for step in STEP * np.eye(codes.shape[1])
        ]
        slopes = np.stack(rises, axis=1) / (2 * STEP)
        return np.abs(self.encoder.pulled_back(x, slopes / self.scale_))

    @property
    def bounds(self) -> tuple[float, float] | None:
        return self.encoder.bounds

    @property
    def n_parameters_(self) -> int | None:
        return self.encoder.n_parameters_

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        return self.encoder.diagnostics_
