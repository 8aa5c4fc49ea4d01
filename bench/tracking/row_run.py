"""What the run of a row holds: pure functions from a record to MLflow's params, metrics and tags.

Params are what was wanted (settings one by one as `setting.NAME`), metrics are the finite numbers
that were measured, tags are the rest. What a fit reports of itself is `fit/NAME`, a curve with a
step an epoch, thinned to MOST_STEPS [0.08 ms a step; whole in the store]. MLflow refuses some
characters in names: `@` becomes `_at_`, any other becomes `_`, so `recall@fpr=0.05` is
`recall_at_fpr_0.05` there.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.boards.words import TYPES
from bench.store.records import Wanted, canonical

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Param

MOST_STEPS = 50  # of a curve
LONGEST = 5000  # characters of a param or tag; servers refuse more than 6000 and 8000
LONGEST_DIGEST, LONGEST_NAME = 36, 500  # characters that servers take of a data set's
WANTED = frozenset(Wanted.__dataclass_fields__)
SIZES = ("n_train", "n_test", "n_anomalies")
PARAMS = ("spec", "model", "label", "dataset", "protocol", "scaler", "seed", "device")
TAGS = (
    "status", "reason", "dataset", "dataset_family", "data_sha256", "protocol", "seed",
    "code_id",
)  # fmt: skip


def title(record: Mapping[str, Any]) -> str:
    """Return the name of a row's run."""
    return f"{record['label']} · {record['dataset']} · seed {record['seed']}"


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
    for name, value in record["settings"].items():
        if name == "head":
            found |= {f"setting.head.{k}": str(v) for k, v in value.items()}
        else:
            found[f"setting.{name}"] = str(value)
    return [Param(accepted(k), v[:LONGEST]) for k, v in found.items()]


def tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Return how a row ended and where it comes from."""
    kind = {"type": TYPES[record["family"]]}
    found = {name: record[name] for name in TAGS} | kind | dict(record["provenance"])
    return texts(found) | {"fathom.key": record["key"]}


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as tags; those that are empty are left out."""
    texts = {k: v if isinstance(v, str) else canonical(v) for k, v in values.items()}
    return {accepted(k): v[:LONGEST] for k, v in texts.items() if v}


def metrics(record: Mapping[str, Any], moment: int) -> list[Metric]:
    """Return the numbers measured; the sizes last, for MLflow's pages show the first ones first."""
    numbers = {
        name: value
        for name, value in record.items()
        if name not in WANTED and isinstance(value, int | float)
    }
    return of_numbers(dict(sorted(numbers.items(), key=lambda item: item[0] in SIZES)), moment)


def of_numbers(numbers: Mapping[str, float], moment: int) -> list[Metric]:
    """Return the finite ones of numbers by name, as of a time since 1970 in ms."""
    from mlflow.entities import Metric

    return [
        Metric(accepted(name), float(value), moment, 0)
        for name, value in numbers.items()
        if math.isfinite(value)
    ]


def fit_curves(diagnostics: Mapping[str, Any], moment: int) -> list[Metric]:
    """Return what a fit reports of itself; a curve starts at step 1, the first epoch."""
    from mlflow.entities import Metric

    found = []
    for name, values in diagnostics.items():
        points = values if isinstance(values, list) else [values]
        for i in np.unique(np.linspace(0, len(points) - 1, MOST_STEPS).astype(int)):
            step = int(i) + 1 if isinstance(values, list) else 0
            if points and math.isfinite(points[i]):
                found.append(Metric(accepted(f"fit/{name}"), points[i], moment, step))
    return found


def data_set(record: Mapping[str, Any]) -> DatasetInput:
    """Return the data set as an input of the run, with the protocol as its context."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, content = record["dataset"], record["data_sha256"]
    source = canonical({"name": name, "sha256": content})
    data = Dataset(
        name[:LONGEST_NAME], content[:LONGEST_DIGEST], source_type="fathom", source=source
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", record["protocol"])])


def accepted(name: str) -> str:
    """Return a name of a metric, param or tag that MLflow accepts."""
    return re.sub(r"[^\w.\- /:]", "_", name.replace("@", "_at_"))
