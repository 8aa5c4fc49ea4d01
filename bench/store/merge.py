"""Joining the results folders of several machines, and refusing what contradicts itself.

A key names all that scores depend on, so two rows of one key must have the same scores, up to the
rounding in which processors differ. Where one machine has scores and another failed (a limit, a
lack of memory), the scores stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.store.store import Packed, Store

ROUNDING = 1e-6  # of the range of the scores
MOST_NAMED = 5


@dataclass(frozen=True)
class Merged:
    """How many rows were added, and how many were there already, of those with other rounding."""

    added: int
    there: int
    rounded: int


class Contradiction(ValueError):
    """Raised where two folders have other scores under one key; the message names the rows."""


def merge(sources: Sequence[Store], target: Store, preferred: Store | None = None) -> Merged:
    """Add to a store the rows that others have; all of them, or none where two contradict.

    Args:
        sources: stores to read.
        target: the store to write, whose own rows count as the first folder's.
        preferred: whose rows hold where two contradict; None to refuse.

    Raises:
        Contradiction: rows of one key have other scores.
        StoreError: the store cannot be written.
    """
    holders = {key: target for key in target.statuses()}
    added: dict[str, Store] = {}
    contradicting: list[tuple[Packed, Path, Packed, Path]] = []
    n_there = n_rounded = 0
    for source in sorted(sources, key=lambda one: one is not preferred):
        for key in source.statuses():
            if key not in holders:
                holders[key] = added[key] = source
                continue
            holder = holders[key]
            old, new = holder.packed(key), source.packed(key)
            verdict = _against(old, new)
            if verdict == "contradiction" and preferred not in (holder, source):
                contradicting.append((old, holder.path.parent, new, source.path.parent))
            elif verdict == "newcomer" or (verdict == "contradiction" and source is preferred):
                holders[key] = added[key] = source
            else:
                n_there += 1
                n_rounded += verdict == "rounding"
    if contradicting:
        raise Contradiction(_sentence(contradicting))
    target.add_packed(source.packed(key) for key, source in added.items())
    return Merged(len(added), n_there, n_rounded)


def _against(old: Packed, new: Packed) -> str:
    """Return what a second row of a key is to the first: the same, but for rounding, a newcomer
    that takes its place, since it alone has scores, or a contradiction.
    """
    if new.scores is None or old.scores is None:
        return "newcomer" if old.scores is None and new.scores is not None else "same"
    if old.scores == new.scores and old.labels == new.labels:
        return "same"
    a, b = (np.frombuffer(row.scores, "<f8") for row in (old, new))  # type: ignore[arg-type]
    if old.labels != new.labels or len(a) != len(b):
        return "contradiction"
    finite = np.isfinite(a)
    reach = ROUNDING * np.ptp(a[finite]) if finite.any() else 0.0
    near = np.isclose(a, b, rtol=0, atol=reach, equal_nan=True)
    return "rounding" if near.all() else "contradiction"


def _sentence(found: Sequence[tuple[Packed, Path, Packed, Path]]) -> str:
    told = []
    for old, there, new, here in found[:MOST_NAMED]:
        a, b = json.loads(old.record), json.loads(new.record)
        told.append(
            f"{a['label']} on {a['dataset']}, seed {a['seed']} (row {a['key'][:8]}): "
            f"{_figure(a)} in {there}, {_figure(b)} in {here}"
        )
    more = [f"{len(found) - MOST_NAMED} more"] * (len(found) > MOST_NAMED)
    return (
        f"{len(found)} of the keys in common have other scores: {'; '.join([*told, *more])}; "
        "nothing was merged; leave a folder out, or say whose rows hold with --prefer DIR"
    )


def _figure(record: Mapping[str, Any]) -> str:
    """Return a row's AUROC, or its status, and the processor that made it."""
    processor = record["provenance"].get("processor", "unknown processor")
    figure = f"AUROC {record['auroc']:.6f}" if "auroc" in record else record["status"]
    return f"{figure} on {processor}"
