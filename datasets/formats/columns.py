"""The columns of features of a table, read piece by piece, as numbers.

What a column is, follows from all its cells, or rather from its distinct texts: one that is mostly
numbers or dates is no column of categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from datasets.formats import cells
from datasets.formats.cells import DATED, NUMERIC, Kind, Unreadable
from datasets.formats.problems import Fix, Problem, in_cells, short
from datasets.formats.settings import Settings
from datasets.record import Array

MANY = 1000  # distinct texts in a column that are still categories
_FEW = 5  # odd texts that may mean a missing value
_SORTED = 10  # distinct numbers from which on a sorted column is more than chance; rows, a copy
NOT_NUMBERS = ("cell that is not a number", "cells that are not numbers")
NOT_DATES = ("cell that is not a date in ISO form", "cells that are not dates in ISO form")
OF_TEXT = ("cell of text", "cells of text")
DATES = ("date", "dates")
TIMES = ("date in no ISO form", "dates in no ISO form")
_WRITTEN = " (write it as 2024-01-31 or 2024-01-31T10:15:00, so that day and month are known)"
LARGE = ("number that float64 cannot hold", "numbers that float64 cannot hold")
DRESSED = ("number with separators or a unit", "numbers with separators or units")
MISSING = ("missing value", "missing values")
IN_ORDER = "number in the order of the rows"
COUNTING = "whole number, another in each row"


class Feature(NamedTuple):
    """A column as it is used.

    Attributes:
        use: what it is, in words.
        arrays: (n,) float64 numbers, one for each column of x.
        texts: of the codes 0, 1, ... that the array holds, if it holds codes.
    """

    use: str
    arrays: list[Array]
    texts: tuple[str, ...] | None = None


@dataclass
class Column:
    """A column of features, as known from the pieces read so far.

    Attributes:
        name: of the column.
        settings: of the table.
        values: (rows,) float64 of each piece, NaN where a cell has none.
        codes: (rows,) of each piece, -1 for a missing cell; None if there are too many texts.
        texts: code of each text, by kind.
        count: how many cells are of each kind.
        first: the text and the row of the first cell of each kind.
        unreadable: the type of cells that cannot be read, or "".
    """

    name: str
    settings: Settings
    values: list[Array] = field(default_factory=list)
    codes: list[Array] | None = field(default_factory=list)
    texts: dict[str, tuple[int, Kind]] = field(default_factory=dict)
    count: Counter[Kind] = field(default_factory=Counter)
    first: dict[Kind, tuple[str, int]] = field(default_factory=dict)
    unreadable: str = ""

    @property
    def is_declared(self) -> bool:
        """Whether the user declared that the column holds categories."""
        return self.name in (self.settings.encoded or ())

    def add(self, cells_of_piece: Any, n_before: int) -> None:
        """Add an array of pyarrow, that has so many rows before it."""
        import pyarrow as pa

        try:
            column = cells.plain(cells_of_piece, as_text=self.is_declared)
        except Unreadable as error:
            self.unreadable = str(error)
            return
        if pa.types.is_large_string(column.type):
            encoded = column.dictionary_encode()
            distinct = encoded.dictionary
            kinds, values = cells.judge(distinct, self.settings.na, self.settings.decimal)
            index = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
            self._encode(distinct, kinds, index)
            kinds, values = np.append(kinds, Kind.MISSING)[index], np.append(values, np.nan)[index]
        else:
            self.codes = None
            kinds, values = cells.judge_typed(column, self.settings.na)
        self.values.append(values)
        for kind in map(Kind, np.unique(kinds)):
            at = kinds == kind
            if kind not in self.first:
                row = int(np.argmax(at))
                text = column[row].as_py()
                self.first[kind] = ("" if text is None else str(text), n_before + row + 1)
            self.count[kind] += int(at.sum())

    def _encode(self, distinct: Any, kinds: Array, index: Array) -> None:
        """Note new texts, MANY of each kind at most, and the codes of a piece."""
        known = Counter(kind for _, kind in self.texts.values())
        found = np.full(len(kinds) + 1, -1, np.int16)
        for kind in set(map(Kind, np.unique(kinds))) - {Kind.MISSING}:
            for row in np.flatnonzero(kinds == kind):
                if known[kind] > MANY:
                    self.codes = None
                    break
                text = cells.canonical(distinct[int(row)].as_py())
                if text not in self.texts:
                    self.texts[text] = (len(self.texts), kind)
                    known[kind] += 1
                found[row] = self.texts[text][0]
        if len(self.texts) > MANY:
            self.codes = None
        if self.codes is not None:
            self.codes.append(found[index])

    @property
    def is_of_numbers(self) -> bool:
        """Whether the column is mostly of numbers, in whatever form."""
        return bool(self.texts) and not self.is_declared and self._is_mostly(NUMERIC)

    def renumber(self, row_in_file: Callable[[int], int]) -> None:
        """Count rows as the file does, with those that were left out."""
        self.first = {kind: (text, row_in_file(row)) for kind, (text, row) in self.first.items()}

    def reads_as(self, decimal: str) -> bool:
        """Whether all that looks like a number is one if numbers are written so."""
        import pyarrow as pa

        numbers = [text for text, (_, kind) in self.texts.items() if kind in NUMERIC]
        kinds, _ = cells.judge(pa.array(numbers, pa.large_string()), (), decimal)
        return bool((kinds == Kind.NUMBER).all())

    def finish(self, decimals: Sequence[str]) -> tuple[Feature, list[Problem]]:
        """Return the whole column as it is used, and what is wrong with it.

        Args:
            decimals: the values of that setting that read all numbers of the table.
        """
        if self.unreadable:
            what = f"column {self.name!r} holds {self.unreadable}, not numbers or text"
            return Feature("", []), [Problem(what, {"drop": (self.name,)}, "such values")]
        if self.count.keys() <= {Kind.MISSING}:
            what = f"column {self.name!r} has no value"
            return Feature("", []), [Problem(what, self._drop, "no value")]
        feature, problems = self._decide(decimals)
        if self.count[Kind.MISSING] and self.settings.missing == "refuse":
            problems.append(self._problem(MISSING, [Kind.MISSING], {"missing": "keep"}))
        return feature, problems

    def _decide(self, decimals: Sequence[str]) -> tuple[Feature, list[Problem]]:
        """Return what the column is, whatever is missing."""
        used = [kind for kind in self.count if kind != Kind.MISSING]
        if self.is_declared:
            return self._category()
        values = joined(self.values)
        if set(used) <= {Kind.NUMBER} and (seconds := cells.dates_in(values)) is not None:
            return self._dates(seconds, Kind.NUMBER)
        if self._are_truths(values) or self._is_mostly(NUMERIC):
            return Feature(_use(values), [values]), self._odd_numbers(values, decimals)
        if self._is_mostly(DATED):
            return self._dates(values, Kind.DATE)
        if self.settings.encoded is None:
            return self._category()
        are_categories = self.codes is not None and len(self.texts) < self.count[Kind.TEXT]
        declared: Fix = {"categorical": (self.name,)} if are_categories else self._drop
        texts = [kind for kind in used if kind in (Kind.TEXT, Kind.TRUTH)]
        return Feature("", []), [self._problem(OF_TEXT, texts, declared)]

    def _are_truths(self, values: Array) -> bool:
        """Whether all cells are true or false, or 1 or 0 in their place."""
        known = self.count.keys() <= {Kind.MISSING, Kind.NUMBER, Kind.TRUTH}
        return known and bool(np.isin(values[~np.isnan(values)], (0, 1)).all())

    def _is_mostly(self, kinds: Sequence[Kind]) -> bool:
        """Whether half of the distinct texts, or half of the cells, are of these kinds."""
        by_text = Counter(kind for _, kind in self.texts.values())
        return any(
            among and 2 * sum(among[kind] for kind in kinds) >= among.total() - among[Kind.MISSING]
            for among in (by_text, self.count)
        )

    def _category(self) -> tuple[Feature, list[Problem]]:
        if self.codes is None:
            what = f"column {self.name!r} has more than {MANY} texts"
            return Feature("", []), [Problem(what, self._drop, f"more than {MANY} texts")]
        texts = sorted(self.texts)
        ranks = np.full(len(texts) + 1, np.nan)  # the last for -1, a missing cell
        ranks[[self.texts[text][0] for text in texts]] = np.arange(len(texts))
        codes = ranks[joined(self.codes)]
        return Feature(self.settings.encoding, [codes], tuple(texts)), []

    def _dates(self, seconds: Array, kind: Kind) -> tuple[Feature, list[Problem]]:
        """Return the column as dates, whose cells of a kind have these seconds since 1970."""
        feature = Feature("calendar", list(cells.calendar(seconds).values()))
        odd = [other for other in self.count if other not in (kind, Kind.MISSING)]
        if Kind.OTHER_DATE in odd:
            return feature, [self._problem(TIMES, [Kind.OTHER_DATE], self._drop)]
        problems = [self._odd_cells(NOT_DATES, odd)] if odd else []
        if self.settings.dates == "refuse":
            problems.insert(0, self._problem(DATES, [kind], {"dates": "calendar"}))
        return feature, problems

    def _odd_numbers(self, values: Array, decimals: Sequence[str]) -> list[Problem]:
        """Return the problems of a column of numbers, besides missing ones."""
        problems: list[Problem] = []
        if self._are_truths(values):
            return problems
        if self.count[Kind.LARGE]:
            problems.append(self._problem(LARGE, [Kind.LARGE], self._drop))
        if self.count[Kind.DRESSED]:
            known = [decimal for decimal in decimals if self.reads_as(decimal)]
            fix: Fix = {"decimal": known[0]} if known else self._drop
            problems.append(self._problem(DRESSED, [Kind.DRESSED], fix))
        odd = [kind for kind in self.count if kind not in (*NUMERIC, Kind.MISSING)]
        if odd:
            problems.append(self._odd_cells(NOT_NUMBERS, odd))
        return problems

    def _odd_cells(self, words: tuple[str, str], odd: Sequence[Kind]) -> Problem:
        """Return the problem of cells of another kind; one in the last row may be of a total."""
        found = self._problem(words, odd, self._as_missing(odd))
        if [self.first[kind][1] for kind in odd] != [self.count.total()]:
            return found
        return Problem(f"{found.what}: remove that row, the last, if it is a total", None)

    @property
    def _drop(self) -> Fix:
        return {"drop": (self.name,)}

    def _as_missing(self, odd: Sequence[Kind]) -> Fix:
        """Return the settings under which odd cells are missing, if they are few texts."""
        texts = tuple(text for text, (_, kind) in self.texts.items() if kind in odd)
        are_few = len(texts) <= _FEW and all(text == short(text) for text in texts)
        return {"na": texts, "missing": "keep"} if are_few else self._drop

    def _problem(self, words: tuple[str, str], kinds: Sequence[Kind], fix: Fix) -> Problem:
        n = sum(self.count[kind] for kind in kinds)
        text, row = min((self.first[kind] for kind in kinds), key=lambda found: found[1])
        example = f", such as {short(text)!r}" if text else ", the first"
        example += f" in row {row:,}"
        if words in (NOT_NUMBERS, DRESSED) and self.codes is not None:
            example += f" (categorical={self.name} if they are categories)"
        if words == TIMES:
            example += _WRITTEN
        return in_cells(self.name, n, words, example, fix)


def joined(pieces: list[Array]) -> Array:
    """Return pieces as one array, and forget them."""
    joined = np.concatenate(pieces)
    pieces.clear()
    return joined


def _use(values: Array) -> str:
    """Return whether numbers do nothing but grow or fall from row to row, or count the rows."""
    earlier, later = values[:-1], values[1:]  # compared: differences may overflow
    is_sorted = (later >= earlier).all() or (later <= earlier).all()
    if is_sorted and (later != earlier).sum() >= _SORTED - 1:
        return IN_ORDER
    n = len(values)
    counts = n >= _SORTED and values.min() + 2 * n > values.max() and (values % 1 == 0).all()
    return COUNTING if counts and len(np.unique(values)) == n else "number"


def identifies(feature: Feature) -> bool:
    """Return whether a column identifies rows."""
    if feature.texts is None:
        return feature.use in (IN_ORDER, COUNTING)
    return _SORTED <= len(feature.texts) == int(np.isfinite(feature.arrays[0]).sum())


def repeats(feature: Feature, y: Array) -> bool:
    """Return whether a column says the same as labels (n,), so that it may be a copy of them."""
    if len(feature.arrays) > 1 or len(y) < _SORTED:
        return False
    values = [np.unique(feature.arrays[0][y == label]) for label in (0, 1)]
    return list(map(len, values)) == [1, 1] and bool(values[0] != values[1])
