"""The column of a table that says which group each row is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.formats.labels import Labels
from datasets.formats.problems import Problem, in_cells
from datasets.record import Array


@dataclass
class Members(Labels):
    """The group column, as known from the pieces read so far; it is read as labels are.

    Attributes, besides those of `Labels`:
        place: of the column in the table.
    """

    place: int = -1

    def gaps(self) -> list[Problem]:
        """Return what is wrong with the whole column."""
        if self.unreadable:
            return [Problem(f"the group column {self.name!r} holds {self.unreadable}", None)]
        if n_empty := int((self.numbers() < 0).sum()):
            first = f", the first in row {self.first[-1]:,}: each row needs its group"
            what = in_cells(self.name, n_empty, ("empty cell", "empty cells"), first, {}).what
            return [Problem(what, None)]
        return []

    def numbers(self) -> Array:
        """Return (n,) int64 places in `texts` of the groups of all rows; -1 for an empty cell."""
        return np.concatenate(self.codes).astype(np.int64)
