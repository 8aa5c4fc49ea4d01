"""The contract of a detector: settings, `fit(x)` and `score(x)`.

A detector is a dataclass whose fields are its settings. `fit` never changes them; learned
attributes end in an underscore. Larger scores mean more anomalous. There are no labels and no
thresholds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from annotated_types import Ge
from numpy.typing import ArrayLike, NDArray

from detectors.settings import check_settings
from detectors.streams import stream

Family = Literal["deep", "shallow", "hybrid", "control"]
Floats = NDArray[np.float64]


class Unsupported(ValueError):
    """Raised by `fit` or `score` when the data do not suit this detector or these settings."""


class Diverged(RuntimeError):
    """Raised by `fit` when a loss is not finite; the message says where and what to change."""


class Collapsed(RuntimeError):
    """Raised by `fit` when the trained model gives every sample the same score."""


@dataclass(kw_only=True)
class Detector(ABC):
    """Base of all detectors.

    A subclass writes `_fit` and `_score`. A model with several anomaly scores names them in
    `readouts` (the first is the default) and takes the name in `_score`; a model that maps
    samples to codes sets `encodes` and writes `_encode`. One that takes more than vectors sets
    `takes_images`. One whose scores depend on the other test rows sets `transductive`. Planning
    reads these declarations from the source, so each is a literal.

    A model whose score is composed of errors by feature may return them by a method
    `feature_errors(x)`: (n, *shape) for samples (n, *shape), finite and larger for more anomalous.
    The metrics of pixels use those of images.

    Attributes:
        seed: entropy of the detector's random streams (`self.stream(name)`); equal seeds give
            equal scores.
    """

    family: ClassVar[Family] = "shallow"
    readouts: ClassVar[Collection[str]] = ()
    encodes: ClassVar[bool] = False
    takes_images: ClassVar[bool] = False
    transductive: ClassVar[bool] = False

    seed: Annotated[int, Ge(0)] = 0

    def fit(self, x: ArrayLike) -> Self:
        """Learn from training samples.

        Args:
            x: (n, d) vectors or (n, c, h, w) images, all finite.

        Raises:
            Unsupported: x is not finite, is empty, or does not suit the settings.
        """
        vars(self).pop("_shape_", None)  # unfitted, unless this fit succeeds
        samples = as_samples(x)
        self._fit(self._suited(samples))
        self._shape_ = samples.shape[1:]
        return self

    def score(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """Return (n,) float64 anomaly scores of samples (n, *shape); larger is more anomalous.

        Args:
            x: samples of the shape that was fitted.
            readout: one of `readouts`; the first by default.

        Raises:
            Unsupported: x is not finite or has another shape than the training samples.
            ValueError: unknown read-out, `fit` has not been called, or scores are not numbers.
        """
        if readout is not None and readout not in self.readouts:
            msg = (
                f"unknown read-out {readout!r}; {type(self).__name__} has {self._named_readouts()}"
            )
            raise ValueError(msg)
        samples = self._like_training(x)
        default = next(iter(self.readouts), "")
        scores = np.asarray(self._score(samples, readout or default))
        if scores.dtype.kind not in "biuf":
            msg = f"{type(self).__name__} scored {scores.dtype}; expected real numbers"
            raise ValueError(msg)
        return np.ascontiguousarray(scores, dtype=np.float64)

    def encode(self, x: ArrayLike) -> Floats:
        """Return the (n, k) float64 codes of samples (n, *shape), for a head.

        Raises:
            ValueError: the detector has no codes.
        """
        return np.ascontiguousarray(self._encode(self._like_training(x)), dtype=np.float64)

    @classmethod
    def from_settings(
        cls, name: str, preset: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> Self:
        """Return a detector with checked settings on top of the registry's preset.

        Raises:
            ValueError: unknown setting, or one out of range.
        """
        return cls(**{**preset, **check_settings(cls, settings, name)})

    def stream(self, name: str) -> np.random.Generator:
        """Return the detector's random stream of that name, from its start."""
        return stream(self.seed, name)

    @property
    def n_parameters_(self) -> int | None:
        """Number of trained parameters; None for a detector without any."""
        return None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and the largest value that a feature may have; None for no limit."""
        return None

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """Diagnostics of `fit` by name: numbers, and curves with one number per epoch."""
        return {}

    @abstractmethod
    def _fit(self, x: Floats) -> None: ...

    @abstractmethod
    def _score(self, x: Floats, readout: str) -> Floats: ...

    def _encode(self, x: Floats) -> Floats:
        msg = f"{type(self).__name__} has no codes; use a model that encodes, such as 'ae'"
        raise ValueError(msg)

    def _suited(self, samples: Floats) -> Floats:
        """Return samples in the shape that the detector takes; images are flattened by default."""
        if samples.ndim == 2 or self.takes_images:
            return samples
        return samples.reshape(len(samples), -1).astype(np.float64)

    def _named_readouts(self) -> str:
        return ", ".join(self.readouts) if self.readouts else "no named read-outs"

    def _like_training(self, x: ArrayLike) -> Floats:
        shape = getattr(self, "_shape_", None)
        if shape is None:
            msg = f"{type(self).__name__} is not fitted; call fit(x) first"
            raise ValueError(msg)
        samples = as_samples(x)
        if samples.shape[1:] != shape:
            msg = f"samples have shape {samples.shape[1:]}, training samples had {shape}"
            raise Unsupported(msg)
        return self._suited(samples)


def require_rows(x: Floats, least: int, what: str) -> None:
    """Check that x (n, d) has enough training samples for `what`.

    Raises:
        Unsupported: there are fewer than `least`.
    """
    if len(x) < least:
        msg = f"{what} needs at least {least} training samples, there are {len(x)}"
        raise Unsupported(msg)


def as_samples(x: ArrayLike) -> Floats:
    """Return x as a C-ordered array: vectors (n, d) as float64, images (n, ...) as float32.

    Raises:
        Unsupported: x has fewer than two dimensions, no samples, or values that are not finite.
    """
    samples = np.asarray(x)
    if samples.ndim < 2 or samples.size == 0:
        msg = f"x has shape {samples.shape}; expected (n, d) or (n, c, h, w) with n, d >= 1"
        raise Unsupported(msg)
    if not np.issubdtype(samples.dtype, np.number) and samples.dtype != np.bool_:
        msg = f"x has dtype {samples.dtype}; expected numbers"
        raise Unsupported(msg)
    dtype = np.float64 if samples.ndim == 2 else np.float32
    samples = np.ascontiguousarray(samples, dtype=dtype)
    if not np.isfinite(samples).all():
        n_bad = int((~np.isfinite(samples)).sum())
        msg = f"x has {n_bad} values that are NaN or infinite; impute or drop them first"
        raise Unsupported(msg)
    return samples
