"""The contract of a detector: settings, `fit(x)` and `score(x)`.

A detector is a dataclass whose fields are its settings. `fit` never changes them; learned
attributes end in an underscore. Larger scores mean more anomalous. There are no labels and no
thresholds.
"""

from __future__ import annotations

import sys
import warnings
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


class Unavailable(RuntimeError):
    """Raised by `fit` when what the detector needs is not installed, missing or broken."""


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

    One that says which pixels or features are anomalous derives from `detectors.Localizer`.

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
            x: (n, d) vectors or (n, c, h, w) images, all finite: an array, or a table of numbers,
                whose columns `score` then expects.

        Raises:
            Unsupported: x is not finite, is empty, or does not suit the settings.
        """
        vars(self).pop("_shape_", None)  # unfitted, unless this fit succeeds
        self._fit(self._suited(as_samples(x)))
        self._fitted_on(x)
        return self

    def score(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """Return (n,) float64 anomaly scores of samples (n, *shape); larger is more anomalous.

        Args:
            x: samples of the shape that was fitted.
            readout: one of `readouts`; the first by default.

        Raises:
            Unsupported: x is not finite, or has another shape or other columns than the training
                samples.
            ValueError: unknown read-out, `fit` has not been called, or scores are not numbers.
        """
        if readout is not None and readout not in self.readouts:
            msg = (
                f"unknown read-out {readout!r}; {type(self).__name__} has {self._named_readouts()}"
            )
            raise ValueError(msg)
        samples = self._like_training(x)
        default = next(iter(self.readouts), "")
        return as_numbers(self._score(samples, readout or default), f"{type(self).__name__} scored")

    def encode(self, x: ArrayLike) -> Floats:
        """Return the (n, k) float64 codes of samples (n, *shape), for a head.

        Raises:
            ValueError: the detector has no codes, or they are not numbers.
        """
        codes = self._encode(self._like_training(x))
        return as_numbers(codes, f"{type(self).__name__} encoded as")

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

    def _fitted_on(self, x: ArrayLike) -> None:
        """Record that `fit` succeeded on x (n, *shape), so that other samples must be like it."""
        self._shape_, self._columns_ = np.shape(x)[1:], columns(x)

    def _like_training(self, x: ArrayLike) -> Floats:
        shape = getattr(self, "_shape_", None)
        if shape is None:
            msg = f"{type(self).__name__} is not fitted; call fit(x) first"
            raise ValueError(msg)
        samples = as_samples(x)
        for i, (name, fitted) in enumerate(zip(columns(x), self._columns_, strict=False)):
            if name != fitted:
                msg = (
                    f"column {i} of x is {name!r}, in training it was {fitted!r}; give the same "
                    "columns in the same order"
                )
                raise Unsupported(msg)
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


def warn_of_copies(x: Floats, n_neighbors: int) -> None:
    """Warn of training samples x (n, d) whose density by `n_neighbors` neighbours is infinite."""
    counts = np.unique(x, axis=0, return_counts=True)[1]
    if n_copied := int(counts[counts > n_neighbors].sum()):
        msg = (
            f"{n_copied} of {len(x)} training samples have {n_neighbors} or more copies, so "
            "their density is infinite, and scores near them reach 1e9; leave copies out (the "
            "parameter dedup of protocols), or raise n_neighbors"
        )
        warnings.warn(msg, stacklevel=2)


def columns(x: ArrayLike) -> tuple[Any, ...]:
    """Return the names of the columns of a table; none for an array."""
    return tuple(getattr(x, "column_names", getattr(x, "columns", ())))


def as_numbers(given: ArrayLike, action: str) -> Floats:
    """Return what a method of a detector gave as C-ordered float64.

    Raises:
        ValueError: it is masked, and numpy would drop the mask; or has no real numbers.
    """
    array = np.asarray(given)
    masked = isinstance(given, np.ma.MaskedArray)
    if masked or array.dtype.kind not in "biuf":
        what = "a masked array" if masked else array.dtype
        msg = f"{action} {what}; expected real numbers, and NaN where one is missing"
        raise ValueError(msg)
    return np.ascontiguousarray(array, dtype=np.float64)


def as_samples(x: ArrayLike) -> Floats:
    """Return x as a C-ordered array: vectors (n, d) as float64, images (n, ...) as float32.

    x is an array of real numbers of any layout, byte order and type, or a table (pandas, polars,
    pyarrow) whose columns all are numeric. Masked and missing values count as NaN.

    Raises:
        Unsupported: x has fewer than two dimensions, no samples, or values that are not finite
            real numbers.
    """
    array = _as_array(x)
    if array.dtype.kind not in "biuf":
        msg = f"x has dtype {array.dtype}; expected real numbers"
        raise Unsupported(msg)
    if array.ndim < 2 or array.size == 0:
        msg = f"x has shape {array.shape}; expected (n, d) or (n, c, h, w) with n, d >= 1"
        raise Unsupported(msg)
    dtype = np.float64 if array.ndim == 2 else np.float32
    with np.errstate(over="ignore"):
        samples: Floats = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(samples).all():
        if n_bad := int((~np.isfinite(array)).sum()):
            msg = f"x has {n_bad} values that are missing or infinite; impute or drop them first"
            raise Unsupported(msg)
        n_bad = int((~np.isfinite(samples)).sum())
        msg = f"x has {n_bad} values beyond the range of {samples.dtype}; rescale them first"
        raise Unsupported(msg)
    return samples


def _as_array(x: Any) -> NDArray[Any]:
    """Return x as an array of its own type, and a table as float64.

    Raises:
        Unsupported: x is no array, or a table with a column that has no real numbers.
    """
    if hasattr(x, "to_pandas") and columns(x):
        x = x.to_pandas()
    pandas = sys.modules.get("pandas")
    if pandas and isinstance(x, pandas.DataFrame):
        for name, dtype in x.dtypes.items():
            if dtype.kind not in "biuf":
                msg = (
                    f"column {name!r} of x has dtype {dtype}; expected real numbers: convert the "
                    "column, or drop it"
                )
                raise Unsupported(msg)
        x = x.to_numpy(dtype=np.float64, na_value=np.nan)
    if hasattr(x, "toarray"):
        msg = f"x is a sparse {type(x).__name__}; give x.toarray(), if that fits into memory"
        raise Unsupported(msg)
    try:
        if isinstance(x, np.ma.MaskedArray):
            x = np.ma.filled(x.astype(np.promote_types(x.dtype, np.float32)), np.nan)
        array: NDArray[Any] = np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        msg = (
            f"x, a {type(x).__name__}, cannot be read as an array: {error}"
            f"{'; give x.detach().to_dense().double().cpu()' if hasattr(x, 'detach') else ''}"
        )
        raise Unsupported(msg) from error
    if array.ndim == 0 and array.dtype == object:
        msg = f"x is a {type(x).__name__}; expected an array or a table of numbers"
        raise Unsupported(msg)
    return array
