"""The columns of the rows that a board is built from, and what is derived from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.metrics import scored
from bench.metrics.scored import METRICS, OF_ALARMS, OF_PIXELS
from bench.store.records import IMPORTED

TEXT_COLUMNS = (
    "label", "spec", "family", "dataset", "dataset_family", "dataset_kind", "official_split",
    "protocol", "scaler", "seed", "device", "status", "reason", "transductive",
)  # fmt: skip
NUMBER_COLUMNS = (
    *(name for name in METRICS if name != "lifted_average_precision"),
    *(f"{name}_{limit}" for name in OF_PIXELS for limit in ("low", "high")),
    "n_train", "n_test", "n_anomalies", "n_held", "fit_wall_seconds", "model_rows",
)  # fmt: skip
SOMETIMES = (*OF_PIXELS, *OF_ALARMS)
"""Metrics that boards leave out where no row has a value."""
_QUALITY = (m.name for m in METRICS.values() if m.larger_is_better)
AVERAGED = tuple(
    dict.fromkeys(
        (
            "auroc",
            "lifted_average_precision",
            "average_precision",
            "prevalence",
            *_QUALITY,
            "alarm_rate@0.05",
        )
    )
)
_COSTS = (m.name for m in METRICS.values() if m.larger_is_better is False)
COSTS = tuple(dict.fromkeys(("fit_seconds", "fit_wall_seconds", *_COSTS)))


def check(frame: pd.DataFrame) -> None:
    """Refuse rows that make no board.

    Raises:
        ValueError: columns are missing, there is no row, a row is given twice, or a data set has
            more than one scaler or family.
    """
    absent = [c for c in (*TEXT_COLUMNS, *NUMBER_COLUMNS) if c not in frame.columns]
    if absent:
        msg = f"the columns {', '.join(absent)} are missing from the rows of the board"
        raise ValueError(msg)
    if frame.empty:
        msg = "no rows for a board: the suite has none; give it detectors and data sets"
        raise ValueError(msg)
    twice = frame[frame.duplicated(["label", "dataset", "protocol", "seed"])]
    if len(twice):
        label, dataset, seed = twice.iloc[0][["label", "dataset", "seed"]]
        msg = (
            f"{label!r} on {dataset!r} with seed {seed} has {len(twice) + 1} rows or more; "
            "a board takes one: give two settings of a detector two labels"
        )
        raise ValueError(msg)
    for column in ("scaler", "dataset_family"):
        counts = frame.groupby("dataset")[column].nunique(dropna=False)
        if (counts > 1).any():
            name = counts.index[counts > 1][0]
            found = sorted(frame.loc[frame["dataset"] == name, column].astype(str).unique())
            msg = f"{name!r} has more than one {column} ({', '.join(found)}); a board takes one"
            raise ValueError(msg)


def ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a board ranks by: of each data set those of its first protocol."""
    return frame[frame["protocol"] == frame.groupby("dataset")["protocol"].transform("first")]


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with plain floats and chance-adjusted AP; only sizes where a row failed.

    Imported rows count as all others, under names that say what they are. What rows store as
    `family` of a detector is its `type` on boards, where families are those of data sets.
    """
    rows = frame[list(TEXT_COLUMNS)].reset_index(drop=True).rename(columns={"family": "type"})
    rows["status"] = rows["status"].replace(IMPORTED, "ok")
    ok = rows["status"].to_numpy(str) == "ok"
    for column in NUMBER_COLUMNS:
        values = pd.to_numeric(frame[column]).to_numpy(float, na_value=np.nan)
        rows[column] = values if column.startswith("n_") else np.where(ok, values, np.nan)
    rows["lifted_average_precision"] = scored.lifted_average_precision(
        rows["average_precision"].to_numpy(float), rows["prevalence"].to_numpy(float)
    )
    return rows
