"""Rows that are judged by pixels, which many data sets and detectors are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.metrics.scored import OF_PIXELS

if TYPE_CHECKING:
    import pandas as pd


def judged(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows that a board by a metric ranks.

    For a metric of pixels they are those of the data sets that have masks of anomalies and of the
    detectors that give errors by pixel: of all that have a value in any row. Where there is none,
    and for other metrics, all rows are returned.
    """
    if metric not in OF_PIXELS or not frame[metric].notna().any():
        return frame
    there = frame[frame[metric].notna()]
    return frame[frame["label"].isin(there["label"]) & frame["dataset"].isin(there["dataset"])]
