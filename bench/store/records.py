"""What a row is: the row that is wanted, and the row with its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal[
    "ok",
    "imported",
    "error",
    "timeout",
    "memory",
    "crashed",
    "non-finite",
    "constant",
    "unsupported",
]
STATUSES: tuple[Status, ...] = Status.__args__  # type: ignore[attr-defined]
IMPORTED: Status = "imported"  # scores that were computed elsewhere, see `bench.store.imported`
FAILURES = STATUSES[2:]
SCORED = ("ok", IMPORTED, "constant")  # statuses of rows that have metrics


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> str:
    """Return the one JSON text of a value, the same for equal values."""
    return _CANONICAL.encode(value)


def digest(value: object) -> str:
    """Return the sha256 (hex) of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Wanted:
    """One row that a suite wants: a detector on a data set, under a protocol, for a seed.

    Attributes:
        spec: canonical detector name, "vae:elbo" or "ae+lof".
        model: the fitted model's name, "vae"; rows of one model share its fit.
        settings: explicit settings; those of a head under "head".
        label: the detector's name on boards.
        family: the detector's type: deep, shallow, hybrid or control (a baseline).
        transductive: whether scores depend on the other test rows.
        dataset: name of the data set.
        dataset_family: data sets of one family count as one in averages.
        data_sha256: digest of the data set's content.
        protocol: name of the protocol, with parameters.
        scaler: name of the scaler.
        seed: the seed of split, model and read-outs.
        device: "cpu" or "cuda".
        code_id: digest of the code that makes the scores.
        pixels_id: digest of the code that evaluates scores of pixels; empty where none are
            evaluated.
        volumes_id: digest of the code that measures volumes of level sets; empty where none are
            measured.
    """

    spec: str
    model: str
    settings: Mapping[str, Any]
    label: str
    family: str
    transductive: bool
    dataset: str
    dataset_family: str
    data_sha256: str
    protocol: str
    scaler: str
    seed: int
    device: str
    code_id: str
    pixels_id: str = ""
    volumes_id: str = ""

    @cached_property
    def key(self) -> str:
        """The sha256 that names the row: of all that its scores depend on."""
        return digest(
            {
                "spec": self.spec,
                "settings": self.settings,
                "data": self.data_sha256,
                "protocol": self.protocol,
                "scaler": self.scaler,
                "seed": self.seed,
                "device": self.device,
                "code": self.code_id,
            }
            | ({"pixels": self.pixels_id} if self.pixels_id else {})
            | ({"volumes": self.volumes_id} if self.volumes_id else {})
        )

    @property
    def model_settings(self) -> dict[str, Any]:
        """The settings without those of the head."""
        return {k: v for k, v in self.settings.items() if k != "head"}


@dataclass(frozen=True)
class Row:
    """One row with its result.

    Attributes:
        wanted: the row.
        status: "ok", "imported" or the kind of failure.
        reason: one sentence for a failure, else "".
        sizes: n_train, n_test and n_anomalies (in the test set).
        metrics: by name; empty unless the status is one of `SCORED`.
        costs: fit_seconds (CPU, model and head), model_fit_seconds (CPU, the model alone),
            fit_wall_seconds (a failure has this alone: all that it took), model_rows (rows that
            share the model's fit), score_us (CPU microseconds a sample), peak_mib (above the
            start), parameters.
        provenance: commit, versions, machine, date, run and suite of the row.
        effective_settings: all settings of the detector, the explicit ones and the defaults, those
            of a head under "head"; without seed and device. Rows of earlier versions have none.
        details: traceback, output and warnings; diagnostics of the fit, numbers by name and
            curves with one number an epoch; code, the parts of the code id.
        scores: (n_test,) float64 in the order of the split's test indices, or None.
        truth: (n_test,) int8 labels in the same order, or None.
    """

    wanted: Wanted
    status: Status
    reason: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float | None] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    effective_settings: Mapping[str, Any] = field(default_factory=dict)
    scores: NDArray[np.float64] | None = None
    truth: NDArray[np.int8] | None = None

    def record(self) -> dict[str, Any]:
        """Return what the store keeps as one flat JSON object, without arrays and details."""
        wanted = {k: getattr(self.wanted, k) for k in self.wanted.__dataclass_fields__}
        return {
            "key": self.wanted.key,
            **wanted,
            "status": self.status,
            "reason": self.reason,
            **self.sizes,
            **self.metrics,
            **self.costs,
            "effective_settings": self.effective_settings,
            "provenance": self.provenance,
        }


# What every stored record has.
RECORD = {field.name for field in fields(Wanted) if field.default is MISSING} | {
    "key", "status", "reason", "provenance",
}  # fmt: skip


def as_wanted(record: Mapping[str, Any]) -> Wanted:
    """Return the wanted row that a stored record is of."""
    return Wanted(**{name: record[name] for name in Wanted.__dataclass_fields__ if name in record})


def made_for(record: Mapping[str, Any]) -> str | None:
    """Return the name of the suite whose run made a row."""
    suite: str | None = record["provenance"].get("suite")
    return suite
