"""Windows of the time series of the Numenta Anomaly Benchmark, as vectors.

Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly
Benchmark", ICMLA 2015, arXiv 1510.03336. A series is a csv of timestamp and value; windows that
hold anomalies are in labels/combined_windows.json.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from datasets.entry import Entry, File
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


_NAB = "https://raw.githubusercontent.com/numenta/NAB/master"
_CLOUDWATCH = ("24ae8d", "53ea38", "5f5533", "77c1ca", "825cc2", "ac20cd", "fe7f93")
_NAB_SERIES = (
    *(f"artificialWithAnomaly/art_daily_{kind}" for kind in ("flatmiddle", "jumpsdown")),
    *(f"artificialWithAnomaly/art_daily_{kind}" for kind in ("jumpsup", "nojump")),
    "artificialWithAnomaly/art_increase_spike_density",
    "artificialWithAnomaly/art_load_balancer_spikes",
    *(f"realAWSCloudwatch/ec2_cpu_utilization_{key}" for key in _CLOUDWATCH),
    "realAWSCloudwatch/ec2_disk_write_bytes_1ef3de",
    "realAWSCloudwatch/ec2_network_in_257a54",
    "realAWSCloudwatch/ec2_network_in_5abac7",
    "realAWSCloudwatch/elb_request_count_8c0756",
    "realAWSCloudwatch/grok_asg_anomaly",
    "realAWSCloudwatch/iio_us-east-1_i-a2eb1cd9_NetworkIn",
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53",
    "realAWSCloudwatch/rds_cpu_utilization_e47b3b",
    "realAdExchange/exchange-2_cpc_results",
    "realAdExchange/exchange-2_cpm_results",
    "realAdExchange/exchange-3_cpc_results",
    "realAdExchange/exchange-3_cpm_results",
    "realAdExchange/exchange-4_cpc_results",
    "realAdExchange/exchange-4_cpm_results",
    "realKnownCause/ambient_temperature_system_failure",
    "realKnownCause/cpu_utilization_asg_misconfiguration",
    "realKnownCause/ec2_request_latency_system_failure",
    "realKnownCause/machine_temperature_system_failure",
    "realKnownCause/nyc_taxi",
    "realKnownCause/rogue_agent_key_hold",
    "realKnownCause/rogue_agent_key_updown",
    *(f"realTraffic/TravelTime_{key}" for key in ("387", "451")),
    *(f"realTraffic/occupancy_{key}" for key in ("6005", "t4013")),
    *(f"realTraffic/speed_{key}" for key in ("6005", "7578", "t4013")),
    *(f"realTweets/Twitter_volume_{key}" for key in ("AAPL", "AMZN", "CRM", "CVS", "FB")),
    *(f"realTweets/Twitter_volume_{key}" for key in ("GOOG", "IBM", "KO", "PFE", "UPS")),
)
"""The series that have anomalies."""


def _nab(series: str) -> Entry:
    folder, _, name = series.partition("/")
    paths = (f"data/{series}.csv", "labels/combined_windows.json")
    return Entry(
        name=f"nab/{name}",
        kind="tabular",
        family=f"nab/{folder}",
        source=f"Numenta Anomaly Benchmark, https://github.com/numenta/NAB, {paths[0]}",
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
        files=tuple(File(f"nab/{path}", (f"{_NAB}/{path}",)) for path in paths),
        options={"series": f"{series}.csv", "width": 32},
        settable=("width",),
    )


ENTRIES = tuple(_nab(series) for series in _NAB_SERIES)
