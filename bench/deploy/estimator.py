"""A detector as an estimator of scikit-learn, with calibrated alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from bench.deploy.model import Model, fit
from datasets.samples import Samples, Schema
from detectors.contract import Floats


class FathomDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Any detector of Fathom for a pipeline, `clone` and `GridSearchCV`.

    As in scikit-learn, and unlike elsewhere in Fathom, larger scores are more normal. `fit` takes
    normal samples, or mostly normal ones. A fifth of them is held out and calibrates the threshold:
    a normal has an alarm with a probability of at most `alarm_rate`.

    Args:
        detector: a name, as of `bench run --detectors`.
        settings: of the detector.
        alarm_rate: of normals.
        scaler: one of `bench list scalers`; "median+..." replaces missing values.
        seed: of all random streams.

    After `fit`: `model_`, which `bench.deploy.saving.save` writes to a file; `offset_`, the
    score_samples at the threshold.
    """

    def __init__(
        self,
        detector: str = "knn",
        settings: Mapping[str, Any] | None = None,
        alarm_rate: float = 0.05,
        scaler: str = "median+standard",
        seed: int = 0,
    ) -> None:
        self.detector = detector
        self.settings = settings
        self.alarm_rate = alarm_rate
        self.scaler = scaler
        self.seed = seed

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit on samples (n, d); labels are not used.

        Raises:
            ValueError: too few samples for the alarm rate, or a setting that is not accepted.
        """
        x = self._checked(X, reset=True)
        columns = tuple((str(j), "number", 1, ()) for j in range(x.shape[1]))
        samples = Samples(x, None, Schema("", x.shape[1:], columns), [])
        rest = {key: getattr(self, key) for key in ("alarm_rate", "scaler", "seed", "settings")}
        self.model_: Model = fit(self.detector, samples, folds=1, **rest)
        self.offset_ = -(self.model_.threshold or 0.0)
        return self

    def score_samples(self, X: ArrayLike) -> Floats:
        """Return (n,) scores; larger is more normal."""
        check_is_fitted(self)
        return -self.model_.score(self._checked(X, reset=False))[0]

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return (n,) `score_samples` less the threshold's; negative for an alarm."""
        scores: Floats = self.score_samples(X) - self.offset_
        return scores

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return (n,) -1 for an alarm and +1 otherwise."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _checked(self, x: ArrayLike, *, reset: bool) -> Floats:
        accepted = {"ensure_all_finite": "allow-nan", "ensure_min_samples": 1 + reset}
        found: Floats = validate_data(self, x, reset=reset, dtype=float, **accepted)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
