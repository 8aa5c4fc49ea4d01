"""Rows as a table of detectors by cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.stats import averages
from bench.stats.averages import Floats


class Grid:
    """Detectors times cells: where each row of the frame belongs."""

    def __init__(self, rows: pd.DataFrame) -> None:
        keys = ["dataset", "seed"]
        cells = rows[["dataset_family", *keys]].drop_duplicates().sort_values(keys)
        self.labels = np.unique(rows["label"].to_numpy(str))
        self.datasets = np.unique(cells["dataset"].to_numpy(str))
        self.cells = averages.Cells.of(list(cells["dataset_family"]), list(cells["dataset"]))
        self.detector = np.searchsorted(self.labels, rows["label"].to_numpy(str))
        self.cell = pd.MultiIndex.from_frame(cells[keys]).get_indexer(
            pd.MultiIndex.from_frame(rows[keys])
        )

    def table(self, column: pd.Series) -> Floats:
        """(detectors, cells) of a column of rows; nan where there is no row."""
        values = np.full((len(self.labels), len(self.cells)), np.nan)
        values[self.detector, self.cell] = column.to_numpy(float)
        return values
