"""Merge the results folders of several machines; refuse rows that contradict each other.

A key covers all that scores depend on, so two rows of one key must have the same scores, apart
from rounding, in which processors differ. If one machine has scores and another one failed (by a
limit, for example), the scores are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.store.store import Packed, Store

ROUNDING = 1e-6  # of the range of the scores
MOST_NAMED = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Merged:
    """How many rows were added, were there already, and of these differ by rounding."""

    added: int
    there: int
    rounded: int


class Contradiction(ValueError):
    """Raised if two folders have different scores for one key; the message names the rows."""


def merge(sources: Sequence[Store], target: Store, preferred: Store | None = None) -> Merged:
    """Add to a store the rows of others: all of them, or none if two contradict each other.

    Their invocations and profiles, and when claims were frozen, come along.

    Args:
        sources: stores to read.
        target: the store to write; its own rows count as those of the first folder.
        preferred: the source whose rows are kept if two contradict; None to refuse.

    Raises:
        Contradiction: rows of one key have different scores.
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
    for source in sources:
        target.add_invocations(source.invocations())
        target.freeze(source.frozen())
        target.add_profiles(source.profiles())
    return Merged(len(added), n_there, n_rounded)


def _against(old: Packed, new: Packed) -> str:
    """Compare a second row of a key with the first.

    Returns:
        "same"; "rounding", equal apart from it; "newcomer", it replaces the first row, which has
        no scores; or "contradiction".
    """
    if new.scores is None or old.scores is None:
        return "newcomer" if old.scores is None and new.scores is not None else "same"
    if old.labels != new.labels:
        return "contradiction"
    return agreement(np.frombuffer(old.scores, "<f8"), np.frombuffer(new.scores, "<f8"))


def agreement(a: Floats, b: Floats, tolerance: float = ROUNDING) -> str:
    """Compare scores (n,) bit for bit, and then within a share of the range of the first.

    Returns:
        "same", "rounding" or "contradiction".
    """
    if a.tobytes() == b.tobytes():
        return "same"
    if len(a) != len(b) or tolerance == 0:
        return "contradiction"
    finite = np.isfinite(a)
    reach = tolerance * np.ptp(a[finite]) if finite.any() else 0.0
    near = np.isclose(a, b, rtol=0, atol=reach, equal_nan=True)
    return "rounding" if near.all() else "contradiction"


def _sentence(found: Sequence[tuple[Packed, Path, Packed, Path]]) -> str:
    named = []
    for old, there, new, here in found[:MOST_NAMED]:
        a, b = json.loads(old.record), json.loads(new.record)
        named.append(
            f"{a['label']} on {a['dataset']}, seed {a['seed']} (row {a['key'][:8]}): "
            f"{_result(a)} in {there}, {_result(b)} in {here}"
        )
    more = [f"{len(found) - MOST_NAMED} more"] * (len(found) > MOST_NAMED)
    return (
        f"{len(found)} of the shared keys have different scores: {'; '.join([*named, *more])}; "
        "nothing was merged; leave a folder out, or choose whose rows to keep with --prefer DIR"
    )


def _result(record: Mapping[str, Any]) -> str:
    """Return a row's AUROC, or its status, and the processor that made it."""
    processor = record["provenance"].get("processor", "unknown processor")
    result = f"AUROC {record['auroc']:.6f}" if "auroc" in record else record["status"]
    return f"{result} on {processor}"
