"""Columns of text: kept as codes in a record, and encoded as numbers after the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Codes:
    """Which columns of vectors hold codes of texts.

    Attributes:
        rule: "one-hot", a column for each text, or "ordinal", ranks in alphabetical order.
        texts: the text of each code 0, 1, ..., by column; a missing value has the code NaN.
    """

    rule: str
    texts: Mapping[int, tuple[str, ...]]

    def encode(self, x_train: Array, x_test: Array) -> tuple[Array, Array]:
        """Return both parts with codes encoded as numbers, fitted on the training rows.

        One-hot columns are at the end, by column, then by text. A text that is in no training
        row becomes zeros in one-hot columns, and the rank -1; a missing value, zeros or NaN.

        Args:
            x_train: (n, d).
            x_test: (m, d).

        Returns:
            (n, e) and (m, e) float64; e = d for ranks.
        """
        known = {column: self._known(column, x_train) for column in self.texts}
        return self._apply(known, x_train), self._apply(known, x_test)

    def _known(self, column: int, x_train: Array) -> Array:
        """Return the codes of a column that train, in the alphabetical order of their texts."""
        values = x_train[:, column]
        found = np.unique(values[np.isfinite(values)]).astype(int)
        return np.array(sorted(found, key=self.texts[column].__getitem__), dtype=int)

    def _apply(self, known: Mapping[int, Array], x: Array) -> Array:
        x = x.astype(np.float64)
        if self.rule == "one-hot":
            plain = np.delete(x, list(known), axis=1)
            return np.hstack([plain, *(x[:, [j]] == codes for j, codes in known.items())])
        for j, codes in known.items():
            ranks = np.full(len(self.texts[j]), -1.0)
            ranks[codes] = np.arange(len(codes))
            there = np.isfinite(x[:, j])
            x[there, j] = ranks[x[there, j].astype(int)]
        return x
