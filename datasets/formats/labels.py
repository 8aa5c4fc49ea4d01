"""The label column of a table, read piece by piece: which rows are anomalies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from datasets.formats import cells
from datasets.formats.cells import USUAL, Unreadable
from datasets.formats.columns import joined
from datasets.formats.problems import SHOWN, Problem, listed, nearest
from datasets.formats.settings import Settings
from datasets.record import Array

_NORMAL = ("normal", "benign", "inlier", "nominal", "good", "ok", "no", "false", "0", "f")
"""What normal labels are called, in lower case."""


@dataclass
class Labels:
    """The label column, as known from the pieces read so far.

    Attributes:
        name: of the column.
        settings: of the table.
        codes: (rows,) of each piece, -1 for an empty cell.
        texts: code of each label.
        first: row of the first cell of each code.
        unreadable: the type of cells that cannot be read, or "".
    """

    name: str
    settings: Settings
    codes: list[Array] = field(default_factory=list)
    texts: dict[str, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    unreadable: str = ""

    def add(self, cells_of_piece: Any, n_before: int) -> None:
        """Add an array of pyarrow, that has so many rows before it."""
        try:
            encoded = cells.plain(cells_of_piece, as_text=True).dictionary_encode()
        except Unreadable as error:
            self.unreadable = str(error)
            return
        empty = {"", *map(cells.canonical, self.settings.na)}
        found = [cells.canonical(text) for text in encoded.dictionary.to_pylist()]
        known = [
            -1 if text in empty else self.texts.setdefault(text, len(self.texts)) for text in found
        ]
        index = encoded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
        codes = np.array([*known, -1])[index]
        for code, row in zip(*np.unique(codes, return_index=True), strict=True):
            self.first.setdefault(int(code), n_before + int(row) + 1)
        self.codes.append(codes)

    def renumber(self, row_in_file: Callable[[int], int]) -> None:
        """Count rows as the file does, with those that were left out."""
        self.first = {code: row_in_file(row) for code, row in self.first.items()}

    def finish(self, *, is_whole: bool) -> tuple[Array, list[Problem]]:
        """Return (n,) int8 labels, 1 for an anomaly, and what is wrong with them.

        Args:
            is_whole: whether no row of the table was left out.
        """
        if self.unreadable:
            return np.zeros(0, np.int8), [Problem(f"{self._here} holds {self.unreadable}", None)]
        codes = joined(self.codes)
        sizes = dict(enumerate(np.bincount(codes + 1, minlength=len(self.texts) + 1)[1:].tolist()))
        by_size = sorted(self.texts, key=lambda text: (-sizes[self.texts[text]], text))
        normal, problems = self._normal(by_size)
        empty = [-1, *(code for text, code in self.texts.items() if self._looks_empty(text))]
        if n_empty := int(np.isin(codes, empty).sum()):
            row = min(self.first[code] for code in empty if code in self.first)
            what = f"{self._here} has {n_empty:,} empty cells, the first in row {row:,}"
            problems.append(Problem(what, None))
        y = (~np.isin(codes, [self.texts[text] for text in normal])).astype(np.int8)
        if is_whole and not problems and y.min() == y.max():
            kind = "anomalous" if y[0] else "normal"
            what = f"all {len(y):,} rows are {kind}, with the labels {listed(sorted(self.texts))}"
            problems.append(Problem(f"{what}; give at least one row of each kind", None))
        return y, problems

    @property
    def _here(self) -> str:
        return f"the label column {self.name!r}"

    def _looks_empty(self, text: str) -> bool:
        """Whether a label is a usual text for a missing value, and no normal one that is named."""
        named = {_folded(label) for label in self.settings.normal}
        return bool(named) and text.lower() in USUAL and _folded(text) not in named

    def _normal(self, by_size: Sequence[str]) -> tuple[list[str], list[Problem]]:
        """Return the labels that are normal, of all labels by size, and what is wrong with them."""
        if not by_size:
            return [], []
        shown, likely = listed(by_size), {"normal": (self._likely(by_size),)}
        if not self.settings.normal:
            if {_folded(text) for text in self.texts} <= {"0", "1", "false", "true"}:
                return [text for text in by_size if _folded(text) in ("0", "false")], []
            what = f"labels are {shown}; name the normal ones (--normal, or ?normal= for each)"
            if len(by_size) > SHOWN:
                what += f", or another label column than {self.name!r} (--label), which has so many"
            return [], [Problem(what, likely)]
        named = {_folded(label): label for label in self.settings.normal}
        normal = [text for text in by_size if _folded(text) in named]
        absent = [named[key] for key in named if key not in map(_folded, normal)]
        if absent:
            what = f"no row has the label {', '.join(absent)}; found: {shown}"
            return normal, [Problem(what, likely)]
        exact = {cells.canonical(label) for label in self.settings.normal}
        alike = [text for text in normal if text not in exact]
        if len(normal) > len(named) and alike:
            what = f"labels {', '.join(sorted(normal))} differ in case alone"
            return normal, [Problem(what, {"normal": tuple(sorted({*exact, *normal}))})]
        return normal, []

    def _likely(self, by_size: Sequence[str]) -> str:
        """Return the label that is most likely to be normal: by its name, or else by its size."""
        asked = (near for label in self.settings.normal for near in nearest(label, by_size))
        called = (text for text in by_size if text.strip(" .'\"").casefold() in _NORMAL)
        return next(asked, next(called, by_size[0]))


def _folded(text: str) -> str:
    return cells.canonical(text).casefold()
