"""The rows of a board: one line for every row wanted, stored or missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

import datasets
from bench.boards.columns import NUMBER_COLUMNS
from bench.store.records import IMPORTED, Wanted, canonical


def frame_of(
    wanted: Sequence[Wanted],
    records: Iterable[Mapping[str, Any]],
    renewed: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
    *,
    with_imported: bool = False,
) -> tuple[pd.DataFrame, int]:
    """Return one line for every row wanted, and the number of stale rows.

    A row that is not stored has the status "missing". A stored row is stale if it has a wanted
    detector, data set, protocol and seed, but other code, versions or data. `renewed` updates the
    metrics of a wanted row, which takes milliseconds. Rows of imported scores of the same splits
    follow, if asked for.
    """
    by_key = {row.key: row for row in wanted}
    same = {_identity(vars(row)) for row in wanted}
    under = {_split(vars(row)): row for row in wanted if with_imported}
    lines, imported, stale = {}, [], 0
    for record in records:
        if record["key"] in by_key:
            lines[record["key"]] = renewed(record)
        elif _identity(record) in same:
            stale += 1
        elif record["status"] == IMPORTED and (row := under.get(_split(record))):
            imported.append(renewed(record) | {"scaler": row.scaler, "device": row.device})
    blank = {**dict.fromkeys(NUMBER_COLUMNS, math.nan), "status": "missing", "reason": ""}
    complete = [{**blank, **_line(row, lines.get(key, {}))} for key, row in by_key.items()]
    complete += [{**blank, **line, **of_catalogue(line["dataset"])} for line in imported]
    return pd.DataFrame.from_records(complete), stale


def _line(row: Wanted, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored row with what the present suite says of it, such as another label.

    A row is transductive also where the run found that out.
    """
    known = {name: getattr(row, name) for name in Wanted.__dataclass_fields__}
    known["transductive"] = row.transductive or stored.get("transductive", False)
    return {**stored, **known, "key": row.key, **of_catalogue(row.dataset)}


def of_catalogue(dataset: str) -> dict[str, Any]:
    """Return what boards need of a data set's card; the kind is "unknown" where there is none."""
    try:
        entry = datasets.find(dataset)
    except ValueError:
        return {"dataset_kind": "unknown", "official_split": False}
    return {"dataset_kind": entry.kind, "official_split": entry.has_official_split}


def _split(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("dataset", "data_sha256", "protocol", "seed"))


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("spec", "dataset", "protocol", "scaler", "seed", "device")
    of_pixels = bool(row.get("pixels_id"))
    return (*(row[name] for name in names), canonical(row["settings"]), of_pixels)
