"""The rows of a board: one line for every row wanted, stored or missing."""

from __future__ import annotations

import math
import pickle
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import datasets
from bench.boards.columns import NUMBER_COLUMNS
from bench.metrics import volumes
from bench.store.records import IMPORTED, Wanted, as_wanted, canonical

NUMBERS = (*NUMBER_COLUMNS, *volumes.NAMES, "model_fit_seconds")
OTHERS = {
    "status": "missing", "reason": "", "transductive": False, "date": None, "provenance": None,
    "effective_settings": None,
}  # fmt: skip
Renewed = Callable[[Mapping[str, Any]], dict[str, Any]]
WANTED = tuple(Wanted.__dataclass_fields__)


def frame_of(
    wanted: Sequence[Wanted],
    records: Iterable[Mapping[str, Any]],
    renewed: Renewed = dict,
    *,
    with_imported: bool = False,
) -> tuple[pd.DataFrame, int]:
    """Return one line for every row wanted, and the number of stale rows.

    A line says what the present suite does of a row, such as another label, and what is stored; a
    row that is not stored has the status "missing". A stored row is stale if it has a wanted
    detector, data set, protocol and seed, but other code, versions or data. `renewed` updates the
    metrics of a wanted row, which takes milliseconds. Rows of imported scores of the same splits
    follow, if asked for. `records` are read once, and none is kept.
    """
    lines = _Lines({row.key: row for row in wanted})
    same = cache(lambda: {_identity(vars(row)) for row in wanted})  # rows of other code are rare
    under = {_split(vars(row)): row for row in wanted if with_imported}
    stale = 0
    for record in records:
        if record["key"] in lines.places:
            lines.fill(renewed(record))
        elif _identity(record) in same():
            stale += 1
        elif record["status"] == IMPORTED and (row := under.get(_split(record))):
            own = replace(as_wanted(record), scaler=row.scaler, device=row.device)
            lines.add(record["key"], own)
            lines.fill(renewed(record))
    return lines.frame(), stale


def frame_as_stored(records: Sequence[Mapping[str, Any]], renewed: Renewed = dict) -> pd.DataFrame:
    """Return one line for every record, as `frame_of` does for rows wanted."""
    lines = _Lines({record["key"]: as_wanted(record) for record in records})
    for record in records:
        lines.fill(renewed(record))
    return lines.frame()


class _Lines:
    """Lines of a frame by column, since a million records as objects take gigabytes.

    Attributes:
        places: of the lines, by key.
    """

    def __init__(self, rows: Mapping[str, Wanted]) -> None:
        """Start with rows by key, none of which is stored so far."""
        self.places = {key: place for place, key in enumerate(rows)}
        self._rows = list(rows.values())
        self._numbers = {name: array("d", [math.nan]) * len(rows) for name in NUMBERS}
        self._others: dict[str, list[Any]] = {
            name: [blank] * len(rows) for name, blank in OTHERS.items()
        }
        self._alike: dict[bytes, Any] = {}

    def add(self, key: str, row: Wanted) -> None:
        """Add the line of one more row."""
        self.places[key] = len(self._rows)
        self._rows.append(row)
        for numbers in self._numbers.values():
            numbers.append(math.nan)
        for name, blank in OTHERS.items():
            self._others[name].append(blank)

    def fill(self, record: Mapping[str, Any]) -> None:
        """Take what is stored of a row."""
        place, others, origin = self.places[record["key"]], self._others, dict(record["provenance"])
        for name, numbers in self._numbers.items():
            if (number := record.get(name)) is not None:
                numbers[place] = number
        others["status"][place] = sys.intern(record["status"])
        others["reason"][place] = sys.intern(record["reason"])
        others["transductive"][place] = record.get("transductive", False)
        others["date"][place] = origin.pop("date", None)
        others["provenance"][place] = self._shared(origin)
        others["effective_settings"][place] = self._shared(record.get("effective_settings"))

    def _shared(self, value: Any) -> Any:
        """Return one object for all that are alike."""
        return self._alike.setdefault(pickle.dumps(value), value)

    def frame(self) -> pd.DataFrame:
        """Return the lines; a row is transductive also where the run found that out."""
        told = {name: [getattr(row, name) for row in self._rows] for name in WANTED}
        card = {name: _of_catalogue(name) for name in set(told["dataset"])}
        told["dataset_kind"], told["official_split"] = (
            [card[name][part] for name in told["dataset"]] for part in (0, 1)
        )
        numbers = {name: np.frombuffer(own) for name, own in self._numbers.items()}
        frame = pd.DataFrame({"key": list(self.places), **told, **numbers, **self._others})
        frame["transductive"] |= np.array(told["transductive"], bool)
        return frame


def _of_catalogue(dataset: str) -> tuple[str, bool]:
    """Return kind and whether there is an official split; "unknown" for one without a card."""
    try:
        entry = datasets.find(dataset)
    except ValueError:
        return "unknown", False
    return entry.kind, entry.has_official_split


def _split(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("dataset", "data_sha256", "protocol", "seed"))


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("spec", "dataset", "protocol", "scaler", "seed", "device")
    also = tuple(bool(row.get(name)) for name in ("pixels_id", "volumes_id"))
    return (*(row[name] for name in names), canonical(row["settings"]), *also)
