"""From stored rows to the differences that a claim is about, one for each data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.claims.claim import Claim
from bench.metrics import scored
from bench.stats.averages import Floats, Nesting
from bench.store.records import Wanted

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Contrast:
    """The differences of a claim.

    Attributes:
        datasets: names of the data sets.
        nesting: of them in families.
        values: (data sets,) differences, seeds averaged; nan where a row is missing or failed.
        missing: the rows that are not stored.
        failed: records of the rows without a score.
    """

    datasets: tuple[str, ...]
    nesting: Nesting
    values: Floats
    missing: tuple[Wanted, ...]
    failed: tuple[Record, ...]


def contrast(claim: Claim, wanted: Sequence[Wanted], records: Mapping[str, Record]) -> Contrast:
    """Return the differences of a claim.

    Args:
        claim: what is compared.
        wanted: the rows that it needs.
        records: stored ones by key; others are ignored.
    """
    first = wanted[0].protocol
    weights = dict.fromkeys((row.label for row in wanted), 0.0)
    for side, sign in ((claim.detectors, 1), (claim.against, -1)):
        for entrant in side:
            weights[entrant.name] += sign / len(side)
    families = {row.dataset: row.dataset_family for row in wanted}
    names = tuple(sorted(families))
    values = dict.fromkeys(names, 0.0)
    n_seeds = len({row.seed for row in wanted})
    for row in wanted:
        record = records.get(row.key, {})
        value = scored.value_of(record, claim.metric) if record.get("status") == "ok" else np.nan
        sign = 1 if row.protocol == first else -1
        values[row.dataset] += sign * weights[row.label] * value / n_seeds
    found = [records[row.key] for row in wanted if row.key in records]
    return Contrast(
        datasets=names,
        nesting=Nesting.of([families[name] for name in names], names),
        values=np.array([values[name] for name in names]),
        missing=tuple(row for row in wanted if row.key not in records),
        failed=tuple(record for record in found if record["status"] != "ok"),
    )
