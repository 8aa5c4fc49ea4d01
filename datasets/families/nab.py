"""Windows of the time series of the Numenta Anomaly Benchmark, as vectors.

Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly
Benchmark", ICMLA 2015, arXiv 1510.03336. A series is a csv of timestamp and value; windows that
hold anomalies are in labels/combined_windows.json. Digests and counts are in nab.csv.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from datasets.entry import Entry, File
from datasets.families.adbench import Line, facts, read_lines
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet


def windows(card: Card, paths: Sequence[Path], series: str, width: int) -> DataSet:
    """Return windows (width,) one after another, anomalous if they touch a labelled window.

    They do not overlap. The rest of the series after the last full window is left out.

    Args:
        card: of the data set.
        paths: the series, and the labels of all series.
        series: key of the series in the labels.
        width: number of values in a window.
    """
    times, values = _read_series(paths[0])
    n_windows = len(values) // width
    if n_windows < 2:
        msg = f"{paths[0]} has {len(values)} values, which is less than two windows of {width}"
        raise WrongData(msg)
    odd = np.zeros(len(values), bool)
    for first, last in _read_labels(paths[1], series):
        odd |= (times >= first) & (times <= last)
    end = n_windows * width
    y = np.asarray(odd[:end].reshape(n_windows, width).any(axis=1))
    return DataSet(card, values[:end].reshape(n_windows, width), y)


def _read_series(path: Path) -> tuple[Array, Array]:
    """Return (n,) times in seconds and (n,) values."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        times = [_seconds(row["timestamp"]) for row in rows]
        return np.array(times), np.array([float(row["value"]) for row in rows])
    except (KeyError, ValueError, TypeError) as error:
        msg = f"{path} is not a csv of timestamp and value: {error}"
        raise WrongData(msg) from error


def _read_labels(path: Path, series: str) -> list[tuple[float, float]]:
    try:
        labelled = json.loads(path.read_text(encoding="utf-8"))[series]
        return [(_seconds(first), _seconds(last)) for first, last in labelled]
    except (KeyError, ValueError, TypeError) as error:
        msg = f"{path} has no windows for {series}: {error}"
        raise WrongData(msg) from error


def _seconds(text: str) -> float:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)).total_seconds()


COMMIT = "ea702d75cc2258d9d7dd35ca8e5e2539d71f3140"
_NAB = f"https://raw.githubusercontent.com/numenta/NAB/{COMMIT}"
_LABELS = File(
    "nab/labels/combined_windows.json",
    (f"{_NAB}/labels/combined_windows.json",),
    sha256="1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
)


def _nab(line: Line) -> Entry:
    series = line["series"]
    folder, _, name = series.partition("/")
    path = f"data/{series}.csv"
    return Entry(
        name=f"nab/{name}",
        kind="tabular",
        family=f"nab/{folder}",
        source=f"Numenta Anomaly Benchmark, https://github.com/numenta/NAB, {path}",
        licence="MIT",
        citation=(
            "Lavin and Ahmad, Evaluating real-time anomaly detection algorithms: the Numenta "
            "Anomaly Benchmark, ICMLA 2015, arXiv:1510.03336 [lavin2015nab]"
        ),
        loader="datasets.families.nab:windows",
        known_issues=(
            "labelled windows are wide and placed manually, and hold usual values too",
            "each window is a row: the order in time, which some methods need, is not used",
            "few windows are anomalous: intervals are wide",
        ),
        files=(File(f"nab/{path}", (f"{_NAB}/{path}",), sha256=line["sha256"]), _LABELS),
        options={"series": f"{series}.csv", "width": 32},
        settable=("width",),
        values_sha256=line["values"],
        facts=facts(line),
    )


ENTRIES = tuple(_nab(line) for line in read_lines("nab.csv"))
"""The series that have anomalies."""
