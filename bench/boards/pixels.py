"""Rows that are judged by pixels, which many data sets and detectors are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.metrics.scored import OF_PIXELS

if TYPE_CHECKING:
    import pandas as pd


def judged(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the rows that a board by a metric ranks.

    For a metric of pixels they are those of the data sets with masks of anomalies: where any row
    has a value. A detector without errors by pixel, or whose rows failed, is there and incomplete.
    For other metrics, and where no row has a value, all rows are returned.
    """
    if metric not in OF_PIXELS or not frame[metric].notna().any():
        return frame
    masked = frame.loc[frame[metric].notna(), "dataset"]
    return frame[frame["dataset"].isin(masked)]
