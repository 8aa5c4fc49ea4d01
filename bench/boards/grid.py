"""Rows as a table of detectors by data sets and seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.stats.averages import Floats, Nesting


class Grid:
    """Detectors times columns, of a data set and seed each: where each row of a frame belongs."""

    def __init__(self, rows: pd.DataFrame) -> None:
        keys = ["dataset", "seed"]
        columns = rows[["dataset_family", *keys]].drop_duplicates().sort_values(keys)
        self.labels = np.unique(rows["label"].to_numpy(str))
        self.datasets = np.unique(columns["dataset"].to_numpy(str))
        self.nesting = Nesting.of(list(columns["dataset_family"]), list(columns["dataset"]))
        self.detector = np.searchsorted(self.labels, rows["label"].to_numpy(str))
        self.column = pd.MultiIndex.from_frame(columns[keys]).get_indexer(
            pd.MultiIndex.from_frame(rows[keys])
        )

    def table(self, column: pd.Series) -> Floats:
        """(detectors, columns) of a column of rows; nan where there is no row."""
        values = np.full((len(self.labels), len(self.nesting)), np.nan)
        values[self.detector, self.column] = column.to_numpy(float)
        return values
