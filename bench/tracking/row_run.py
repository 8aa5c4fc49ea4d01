"""What the run of a row holds: pure functions from a record to MLflow's params, metrics and tags.

Params are what was wanted (all settings in effect, one by one as `setting.NAME`), metrics are the
finite numbers that were measured, tags are the rest. What a fit reports of itself is `fit/NAME`, a
curve with a step an epoch, thinned to MOST_STEPS [0.08 ms a step; whole in the store].

MLflow does not take everything. In names `@` becomes `_at_`, and any other character that it
refuses `_`, so `recall@fpr=0.05` is `recall_at_fpr_0.05` there; of two names that become equal the
second gets a number. Long texts end in dots. What has numbers that are not finite is named by the
tag `fathom.not_finite`, and these numbers are left out.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.boards.words import TYPES
from bench.metrics import curves
from bench.render.printable import printable
from bench.store.records import Wanted, canonical

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param

T = TypeVar("T")
Numbers = Mapping[str, float | Sequence[float]]  # single ones, and curves
NOT_FINITE = "fathom.not_finite"
MOST_STEPS = 50  # of a curve
LONGEST_TEXT = 5000  # characters of a param or tag; servers refuse more than 6000 and 8000
LONGEST_NAME = 250  # characters that servers take of a name
LONGEST_DIGEST, LONGEST_CONTEXT = 36, 500  # and of a data set's
WANTED = frozenset(Wanted.__dataclass_fields__)
SIZES = ("n_train", "n_test", "n_anomalies", "n_held")
PARAMS = ("spec", "model", "label", "dataset", "protocol", "scaler", "seed", "device")
TAGS = (
    "status", "reason", "dataset", "dataset_family", "data_sha256", "protocol", "seed",
    "code_id",
)  # fmt: skip


@dataclass(frozen=True)
class RowRun:
    """The finished run of a row.

    Attributes:
        title: its name.
        start: when the fit began, in ms since 1970.
        end: when the row was done, likewise.
        status: FINISHED or FAILED.
        tags: how the row ended and where it comes from, and what links it.
        params: what was wanted.
        metrics: the finite numbers that were measured.
        data_set: an input of the run.
        picture: of the curves of its scores, an SVG; "" if it has none.
    """

    title: str
    start: int
    end: int
    status: str
    tags: dict[str, str]
    params: list[Param]
    metrics: list[Metric]
    data_set: DatasetInput
    picture: str


def of_row(
    record: Mapping[str, Any],
    measured: Numbers,
    links: dict[str, str],
    scored: tuple[NDArray[np.int8], NDArray[np.float64]] | None,
) -> RowRun:
    """Return the run of a record.

    Args:
        record: of the row.
        measured: its `numbers`.
        links: tags beside those of the row.
        scored: its labels and scores, if it has any.
    """
    (start, end), is_ok = start_and_end(record), record["status"] == "ok"
    return RowRun(
        title(record),
        start,
        end,
        "FINISHED" if is_ok else "FAILED",
        tags(record, measured) | links,
        params(record),
        metrics(measured, end),
        data_set(record),
        curves.picture(*scored) if is_ok and scored else "",
    )


def title(record: Mapping[str, Any]) -> str:
    """Return the name of a row's run."""
    name = f"{record['label']} · {record['dataset']} · seed {record['seed']}"
    return shortened(name, LONGEST_NAME)


def start_and_end(record: Mapping[str, Any]) -> tuple[int, int]:
    """Return when a row's fit began and the row was done, in ms since 1970; now if not known."""
    date = record["provenance"].get("date")
    end = int(1000 * (datetime.fromisoformat(date).timestamp() if date else time.time()))
    return end - int(1000 * (record.get("fit_wall_seconds") or 0.0)), end


def params(record: Mapping[str, Any]) -> list[Param]:
    """Return what was wanted."""
    from mlflow.entities import Param

    found = {name: str(record[name]) for name in PARAMS}
    found["settings"] = canonical(record["settings"])
    for given in (record.get("effective_settings") or {}, record["settings"]):
        for name, value in given.items():
            if name == "head":
                found |= {f"setting.head.{k}": str(v) for k, v in value.items()}
            else:
                found[f"setting.{name}"] = str(value)
    return [Param(k, shortened(v)) for k, v in accepted(found).items()]


def tags(record: Mapping[str, Any], numbers: Numbers) -> dict[str, str]:
    """Return how a row ended, where it comes from and which of its numbers are not finite."""
    kind = {"type": TYPES[record["family"]]}
    found = {name: record[name] for name in TAGS} | kind | dict(record["provenance"])
    found |= {NOT_FINITE: ", ".join(not_finite(numbers))}
    return texts(found) | {"fathom.key": record["key"]}


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as tags; those that are empty are left out."""
    texts = {k: v if isinstance(v, str) else canonical(v) for k, v in values.items()}
    return {k: shortened(v) for k, v in accepted(texts).items() if v}


def numbers(record: Mapping[str, Any], diagnostics: Numbers) -> dict[str, float | Sequence[float]]:
    """Return what was measured and, as `fit/NAME`, what a fit reports of itself.

    The sizes are the last ones measured, for MLflow's pages show the first ones first.
    """
    measured = {
        name: value
        for name, value in record.items()
        if name not in WANTED and isinstance(value, int | float)
    }
    measured = dict(sorted(measured.items(), key=lambda item: item[0] in SIZES))
    return measured | {f"fit/{name}": value for name, value in diagnostics.items()}


def metrics(numbers: Numbers, moment: int, step: int = 0) -> list[Metric]:
    """Return the finite ones of numbers by name, as of a time since 1970 in ms.

    A curve is thinned; it starts at step 1, the first epoch. A single number is at `step`.
    """
    from mlflow.entities import Metric

    found = []
    for name, value in accepted(numbers).items():
        points, first = points_of(value), 1 if isinstance(value, Sequence) else step
        steps: Sequence[int] = range(len(points))
        if len(points) > MOST_STEPS:
            steps = np.unique(np.linspace(0, len(points) - 1, MOST_STEPS).astype(int)).tolist()
        for i in steps:
            if is_finite(points[i]):
                found.append(Metric(name, float(points[i]), moment, i + first))
    return found


def not_finite(numbers: Numbers) -> list[str]:
    """Return the names of numbers, and of curves with points, that MLflow cannot hold."""
    return [name for name, value in numbers.items() if not all(map(is_finite, points_of(value)))]


def points_of(value: float | Sequence[float]) -> Sequence[float]:
    """Return the numbers of a curve, or a single one as a curve."""
    return value if isinstance(value, Sequence) else [value]


def is_finite(number: float) -> bool:
    """Return whether a number is finite as a float, which a large integer is not."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def data_set(record: Mapping[str, Any]) -> DatasetInput:
    """Return the data set as an input of the run, with the protocol as its context."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, content = shortened(record["dataset"], LONGEST_CONTEXT), record["data_sha256"]
    source = canonical({"name": name, "sha256": content})
    data = Dataset(name, content[:LONGEST_DIGEST], source_type="fathom", source=source)
    context = shortened(record["protocol"], LONGEST_CONTEXT)
    return DatasetInput(data, [InputTag("mlflow.data.context", context)])


def accepted(values: Mapping[str, T]) -> dict[str, T]:
    """Return values under names that MLflow accepts for metrics, params and tags."""
    found: dict[str, T] = {}
    kept = {name for name in values if _accepted(name) == name}
    for name, value in values.items():
        new, count = _accepted(name), 1
        while new in found or (new in kept and new != name):
            count += 1
            new = f"{_accepted(name)[: LONGEST_NAME - 4]}_{count}"
        found[new] = value
    return found


@lru_cache(maxsize=10_000)
def _accepted(name: str) -> str:
    signs = re.sub(r"[^\w.\- /:]", "_", name.replace("@", "_at_"))
    folders = ["_" if part in {"", ".", ".."} else part for part in signs.split("/")]
    return "/".join(folders)[:LONGEST_NAME].rstrip("/")


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text of at most so many characters; one that was longer ends in dots."""
    text = printable(text, keep="\n")
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
