"""The detector that is checked, and the samples for its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from detectors.conformance.companions import TOLERANCE
from detectors.contract import Detector, Floats
from detectors.factory import make, make_model
from detectors.grouped import Groups
from detectors.spec import Spec, parse
from detectors.streams import stream

N_TRAIN, N_TEST, N_FAR = 64, 24, 6
N_MEMBERS = 6  # rows of the groups for a detector of groups
SIDE = 8  # pixels, of the images for a detector that takes only images


@dataclass(frozen=True)
class Subject:
    """The detector under check.

    Attributes:
        text: its spec.
        settings: settings other than the defaults, for instance fewer epochs; those of a head
            under "head".
        n_features: number of features of the samples.
    """

    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    n_features: int = 5

    @property
    def spec(self) -> Spec:
        """The parsed spec."""
        return parse(self.text)

    @property
    def tolerance(self) -> float:
        """Largest change of a score, as `largest_move`, when other test samples change.

        Outside this package as in a run, since an author may use float32 without saying so. In
        it, 0 for models that score in padded batches, float32 rounding for other deep ones, float64
        rounding of matrix products for the rest.
        """
        if not self.spec.is_own:
            return TOLERANCE
        if self.spec.entry.family != "deep":
            return 1e-9
        padded = self.spec.entry.target.startswith("detectors.deep.")
        return 1e-5 if not padded else 1e-9 if self.spec.head else 0.0

    def make(self, **settings: Any) -> Detector:
        """Return a new detector; it maps its samples to its bounds first, if it has any."""
        detector = self._of_samples(make(self.text, **{**self.settings, **settings}))
        return detector if self.bounds is None else _Within(model=detector, limits=self.bounds)

    def make_model(self) -> Detector:
        """Return the model, without read-out or head."""
        return self._of_samples(make_model(self.spec, **self.settings))

    def _of_samples(self, detector: Detector) -> Detector:
        return _OfGroups(model=detector) if self.spec.entry.takes_groups else detector

    @property
    def bounds(self) -> tuple[float, float] | None:
        """As `Detector.bounds`."""
        return make(self.text, **self.settings).bounds

    def fitted(self) -> Detector:
        """Return a detector fitted on the training samples."""
        return self.make().fit(self.samples[0])

    @property
    def samples(self) -> tuple[Floats, Floats]:
        """New training and test samples (n, *shape); the last `N_FAR` test samples are far."""
        if not self.spec.entry.images_only:
            return _samples(self.n_features)
        x, z = _samples(SIDE * SIDE)
        return x.reshape(-1, 1, SIDE, SIDE), z.reshape(-1, 1, SIDE, SIDE)


@dataclass(kw_only=True)
class _Within(Detector):
    """A detector of bounded values, with each value mapped between its bounds."""

    takes_images: ClassVar[bool] = True  # the model decides

    model: Detector
    limits: tuple[float, float]

    def _fit(self, x: Floats) -> None:
        self.model.fit(brought_within(x, self.limits))

    def _score(self, x: Floats, readout: str) -> Floats:
        return self.model.score(brought_within(x, self.limits))


@dataclass(kw_only=True)
class _OfGroups(Detector):
    """A detector of groups, for which a sample stands for the group of its translates."""

    model: Any

    def _fit(self, x: Floats) -> None:
        self.model.fit(_translates(x))

    def _score(self, x: Floats, readout: str) -> Floats:
        scores: Floats = self.model.score(_translates(x))
        return scores

    def _encode(self, x: Floats) -> Floats:
        codes: Floats = self.model.encode(_translates(x))
        return codes


def _translates(x: Floats) -> Groups:
    """Return a group of N_MEMBERS rows around each sample (n, d)."""
    offsets = stream(0, "members").normal(size=(N_MEMBERS, x.shape[1]))
    rows = (x[:, None] + offsets).reshape(-1, x.shape[1])
    return Groups(rows, np.full(len(x), N_MEMBERS))


def _samples(d: int) -> tuple[Floats, Floats]:
    """Return two clouds of correlated vectors; the last test samples are far from both."""
    rng = stream(0, "samples")
    mixing = np.eye(d) + 0.3 * rng.normal(size=(d, d))
    clouds = np.array([[-2.0], [2.0]])[rng.integers(2, size=N_TRAIN + N_TEST)]
    x = rng.normal(size=(N_TRAIN + N_TEST, d)) @ mixing + clouds
    x[-N_FAR:] += 30 * np.sign(x[-N_FAR:])
    return x[:N_TRAIN], x[N_TRAIN:]


def brought_within(x: Floats, bounds: tuple[float, float] | None) -> Floats:
    """Return x with each value mapped between the bounds by a rising curve; x without bounds."""
    if bounds is None:
        return x
    low, high = bounds
    return low + (high - low) * (1 + np.tanh(x / 8)) / 2
