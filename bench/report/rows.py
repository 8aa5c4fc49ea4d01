"""Which stored rows the page shows: those that a suite wants, or those made for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.boards.rows import Renewed, frame_as_stored, frame_of
from bench.store.records import Wanted, made_for

if TYPE_CHECKING:
    import pandas as pd


def chosen_rows(
    suite: str,
    wanted: Sequence[Wanted],
    records: Iterable[Mapping[str, Any]],
    renewed: Renewed = dict,
) -> tuple[pd.DataFrame, int, str]:
    """Return one line a row, how many stored rows are stale, and a sentence for the page.

    If none of the wanted rows is stored, as in a folder made with other code, versions or data,
    the page shows the rows made for the suite as they are: the newest of each detector, data set,
    protocol and seed, with the wanted scaler if there are any. The sentence says so. `renewed`
    updates the metrics of a row.

    Raises:
        ValueError: there are no rows to show; the message names the suites that have some. Or the
            rows made for the suite have several scalers.
    """
    stored = list(records)
    frame, stale = frame_of(wanted, stored, renewed)
    if not frame["status"].eq("missing").all():
        return frame, stale, ""
    own = [record for record in stored if made_for(record) == suite]
    if not own:
        others = ", ".join(sorted({made_for(record) or "" for record in stored} - {""}))
        msg = f"no row of the suite {suite} is stored; there are rows of: {others or 'none'}"
        raise ValueError(msg)
    under = {row.scaler for row in wanted} & {record["scaler"] for record in own}
    return as_stored(suite, own, renewed, min(under, default=None))


def as_stored(
    suite: str,
    own: Sequence[Mapping[str, Any]],
    renewed: Renewed = dict,
    scaler: str | None = None,
) -> tuple[pd.DataFrame, int, str]:
    """Return what `chosen_rows` returns, for rows made for a suite with other code or versions.

    Raises:
        ValueError: no row has the scaler, or none is given and a data set has rows with several.
    """
    scalers: dict[str, set[str]] = {}
    for record in own:
        scalers.setdefault(record["dataset"], set()).add(record["scaler"])
    there = ", ".join(sorted(set().union(*scalers.values())))
    if scaler is None and any(len(found) > 1 for found in scalers.values()):
        msg = f"rows of the suite {suite} have several scalers; choose one with --scaler: {there}"
        raise ValueError(msg)
    if scaler is not None:
        own = [record for record in own if record["scaler"] == scaler]
        if not own:
            msg = f"no row of the suite {suite} has the scaler {scaler}; there are: {there}"
            raise ValueError(msg)

    names = ("label", "dataset", "protocol", "seed")
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    older = 0
    for record in sorted(own, key=lambda record: str(record["provenance"].get("date", ""))):
        place = tuple(record[name] for name in names)
        older += place in newest
        newest[place] = record
    notice = (
        f"These rows were made for the suite {suite} with other code, versions or data than those "
        "installed here. They are shown as stored; see the provenance."
    )
    return frame_as_stored(list(newest.values()), renewed), older, notice
