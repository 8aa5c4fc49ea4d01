"""Detectors that are composed of others: a read-out of a model, and a head on its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from numpy.typing import ArrayLike

from detectors.contract import Detector, Family, Floats
from detectors.localisation import Localizer
from detectors.standardise import location_and_scale


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
class Hybrid(Detector):
    """The score of another detector on the standardised codes of a model.

    Codes are standardised with the mean and standard deviation of the training codes. A code
    unit that is constant in training is only centred.

    Attributes:
        encoder: a model with codes.
        head: a detector for vectors.
    """

    family: ClassVar[Family] = "hybrid"
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
        return self.head.score((self.encoder.encode(x) - self.mean_) / self.scale_)

    @property
    def bounds(self) -> tuple[float, float] | None:
        return self.encoder.bounds

    @property
    def n_parameters_(self) -> int | None:
        return self.encoder.n_parameters_

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        return self.encoder.diagnostics_
