"""A model in use: what prepares samples, a detector, and the normals that calibrate its alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.plan.entrant import label_of
from bench.protocols.scalers import IMPUTE, Fitted, check_scaler
from bench.stats import conformal
from datasets.samples import Samples, Schema
from detectors.contract import Detector, Floats
from detectors.factory import check, make
from detectors.spec import Spec, parse
from detectors.streams import global_generators, integer_seed, stream

Array = NDArray[Any]
FOLDS = 5  # a fifth is held out, once or five times
ENOUGH = 10  # ranks below the threshold, from which on one held-out fifth is enough
VECTORS, IMAGES = "median+standard", "global-minmax"  # scalers by default


@dataclass
class Part:
    """A fitted detector, what prepares its samples, and its scores of normals held out from it.

    Attributes:
        schema: what samples are like.
        reference: rows with every text of the training rows, on which columns of text are encoded.
        scaler: fitted on the training samples.
        detector: fitted on them.
        medians: (1, *shape) of the prepared training samples.
        held: (n,) scores of the held-out normals.
        seed: of all random streams.
    """

    schema: Schema
    reference: Array
    scaler: Fitted
    detector: Detector
    medians: Array
    held: Floats
    seed: int

    @classmethod
    def fit(
        cls, detector: Detector, x: Array, held: Array, schema: Schema, scaler: str, seed: int
    ) -> Part:
        """Return a detector fitted on samples x (n, *shape), with its scores of others."""
        reference = schema.reference(x)
        scaling = Fitted.on(scaler, schema.encode(reference, x))
        part = cls(schema, reference, scaling, detector, x, np.zeros(0), seed)
        prepared = part.prepare(x)
        part.medians = np.median(prepared, axis=0, keepdims=True)
        with _isolated(seed):
            detector.fit(prepared)
        part.held = part.score(part.prepare(held))
        return part

    @property
    def columns(self) -> list[Array]:
        """The prepared features of each column of a table."""
        return self.schema.features(self.reference)

    def prepare(self, x: Array) -> Array:
        """Return samples (n, *shape) as the detector takes them."""
        x = self.schema.encode(self.reference, x)
        n_bad = int((~np.isfinite(x)).sum())
        if n_bad and not self.scaler.name.startswith(IMPUTE):
            msg = (
                f"{n_bad} values are missing or infinite, and the scaler {self.scaler.name} "
                f"replaces none; fit with --scaler {IMPUTE}{self.scaler.name}"
            )
            raise ValueError(msg)
        return self.scaler.apply(x)

    def score(self, prepared: Array) -> Floats:
        """Return the (n,) scores of samples that are prepared.

        Raises:
            ValueError: a score is not finite.
        """
        with _isolated(self.seed):
            scores = self.detector.score(prepared)
        if n_bad := int((~np.isfinite(scores)).sum()):
            msg = f"{n_bad} of {len(scores)} scores are not finite; use another detector"
            raise ValueError(msg)
        return scores


@dataclass(frozen=True)
class Model:
    """A fitted detector whose alarms have a chosen false-alarm rate.

    Attributes:
        spec: the detector.
        alarm_rate: the largest probability of an alarm for a normal with one part; with folds it is
            about that, and `bench.stats.conformal` has its limit.
        n_trained: number of samples that each part was fitted on, at least.
        parts: one, or one for each fold.
        settings: of the detector, those that were given.
    """

    spec: str
    alarm_rate: float
    n_trained: int
    parts: list[Part]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The detector with its settings, as boards name it."""
        return label_of(self.spec, self.settings)

    @property
    def schema(self) -> Schema:
        """What samples have to be like."""
        return self.parts[0].schema

    @property
    def n_held(self) -> int:
        """Number of normals that calibrate the alarms."""
        return sum(len(part.held) for part in self.parts)

    @property
    def threshold(self) -> float | None:
        """The score above which there is an alarm; None where each fold has its own."""
        if len(self.parts) > 1:
            return None
        return conformal.threshold(self.parts[0].held, self.alarm_rate)

    def score(self, x: Array) -> tuple[Floats, Floats]:
        """Return (n,) scores of samples (n, *shape), the mean over folds, and (n,) p-values."""
        scores = [part.score(part.prepare(x)) for part in self.parts]
        p = conformal.p_values(scores, [part.held for part in self.parts])
        return np.mean(scores, axis=0), p

    def alarms(self, p: Floats, rate: float | None = None, fdr: bool = False) -> NDArray[np.bool_]:
        """Return which p-values (n,) are alarms at a rate, or at a rate of false discoveries.

        Raises:
            ValueError: too few held-out normals for that rate.
        """
        rate = rate or self.alarm_rate
        conformal.check_enough(self.n_held, rate)
        if fdr:
            return conformal.false_discoveries(p, rate)
        return conformal.are_alarms(p, rate, self.n_held)


def accepted(spec: str, settings: Mapping[str, Any]) -> Spec:
    """Return the detector that a name stands for, if it can give alarms and takes the settings.

    Raises:
        ValueError: it is not accepted, or a setting is not.
    """
    parsed = parse(spec)
    if parsed.transductive:
        msg = f"{parsed}: a score depends on the rows that are scored with it, so no alarm rate "
        raise ValueError(msg + "can be given; use another detector")
    if "seed" in settings:
        msg = "seed is not a setting of the detector; it is `seed`, of all random streams"
        raise ValueError(msg)
    check(spec, settings)
    return parsed


def fit(
    spec: str,
    samples: Samples,
    *,
    alarm_rate: float = 0.05,
    folds: int | None = None,
    scaler: str | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Model:
    """Return a model of the normal samples, or of all where there are no labels.

    Args:
        spec: the detector.
        samples: to fit on and to hold out.
        alarm_rate: see `Model`.
        folds: 1 holds a fifth out, once; more fit as many detectors, and every sample is held out
            once. By default 1, or 5 where a fifth is fewer than 10 / alarm_rate samples.
        scaler: one of `bench list scalers`.
        seed: of all random streams.
        settings: of the detector.
        note: is given a line before each fit.

    Raises:
        ValueError: the detector, a setting, the samples or their number are not accepted.
    """
    settings = dict(settings or {})
    parsed = accepted(spec, settings)
    rows = np.arange(len(samples.x)) if samples.y is None else np.flatnonzero(samples.y == 0)
    folds = folds or (1 if len(rows) // FOLDS * alarm_rate >= ENOUGH else FOLDS)
    order = stream(seed, "held out").permutation(rows)
    parts = np.array_split(order, folds) if folds > 1 else [order[: len(order) // FOLDS]]
    conformal.check_enough(sum(map(len, parts)), alarm_rate)
    scaler = check_scaler(scaler or (VECTORS if samples.x.ndim == 2 else IMAGES))
    fitted, label = [], label_of(str(parsed), settings)
    for k, held in enumerate(parts, start=1):
        trains = order[~np.isin(order, held)]
        note(f"fit {k} of {len(parts)}: {label} on {len(trains):,} samples")
        detector = make(str(parsed), seed=seed, **settings)
        x = samples.x
        fitted.append(Part.fit(detector, x[trains], x[held], samples.schema, scaler, seed))
    n_trained = len(order) - max(map(len, parts))
    return Model(str(parsed), alarm_rate, n_trained, fitted, settings)


@contextmanager
def _isolated(seed: int) -> Iterator[None]:
    """Use one thread, as the sandbox does, and generators of our own, so that scores repeat."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), global_generators(integer_seed(seed, "global generators")):
        yield
