"""A file of claims and stored rows to verdicts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.claims.claim import Claim, Claims
from bench.claims.contrast import Contrast, contrast
from bench.claims.verdict import FEWEST, RARE, Sample, Verdict, holm, needed
from bench.store import provenance
from bench.store.records import Wanted

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict.

    Attributes:
        claim: what is claimed.
        verdict: after Holm's procedure over all claims of the file.
        estimate: of the mean difference, nan where rows are missing.
        low, high: limits of the difference, by this claim alone; nan where there are none.
        families: how many families of data sets it rests on.
        datasets: how many data sets.
        more: families that would decide besides, infinite for very many; nan for a decided claim,
            and where nothing is known of it.
        reason: why it is undecided, empty otherwise.
    """

    claim: Claim
    verdict: Verdict
    estimate: float
    low: float
    high: float
    families: int
    datasets: int
    more: float
    reason: str


@dataclass(frozen=True)
class Judgement:
    """A file of claims, judged.

    Attributes:
        claims: the file.
        judged: each claim, in its order.
        wanted: the number of rows that the claims need.
        missing: those that are not stored.
        frozen: when the file was frozen, an ISO date and time in UTC; None if it was not.
        before: how many of the stored rows had been made by then.
        made_by: sentences on the machines, versions and commits of the rows.
    """

    claims: Claims
    judged: tuple[Judged, ...]
    wanted: int
    missing: int
    frozen: str | None
    before: int
    made_by: tuple[str, ...]


def judge(
    claims: Claims,
    wanted: Sequence[Sequence[Wanted]],
    records: Mapping[str, Record],
    frozen: str | None,
) -> Judgement:
    """Return the verdicts on a file of claims.

    Args:
        claims: the file.
        wanted: the rows that each claim needs.
        records: stored ones by key; others are ignored.
        frozen: when the file was frozen, None if it was not.
    """
    found = [contrast(c, rows, records) for c, rows in zip(claims.claims, wanted, strict=True)]
    samples = [
        Sample(one.values, one.nesting, claim.region) if np.isfinite(one.values).all() else None
        for claim, one in zip(claims.claims, found, strict=True)
    ]
    verdicts, left = holm(samples, claims.error)
    keys = {row.key for rows in wanted for row in rows}
    used = [records[key] for key in keys if key in records]
    return Judgement(
        claims,
        tuple(
            _judged(claim, one, sample, verdict, claims.error, left)
            for claim, one, sample, verdict in zip(
                claims.claims, found, samples, verdicts, strict=True
            )
        ),
        wanted=len(keys),
        missing=len(keys) - len(used),
        frozen=frozen,
        before=sum(r["provenance"].get("date", "") < (frozen or "") for r in used),
        made_by=provenance.made_by([record["provenance"] for record in used]),
    )


def _judged(
    claim: Claim,
    found: Contrast,
    sample: Sample | None,
    verdict: Verdict,
    error: float,
    left: float,
) -> Judged:
    families, n_sets = len(set(found.nesting.family)), len(found.datasets)
    if sample is None:
        nothing = (math.nan, math.nan, math.nan)
        return Judged(claim, verdict, *nothing, families, n_sets, math.nan, _absent(found))
    low, high = sample.interval(error)
    more, reason = math.nan, ""
    if verdict == "undecided":
        more, reason = sample.more_families(left), _reason(sample, error, left)
    return Judged(claim, verdict, sample.estimate, low, high, families, n_sets, more, reason)


def _absent(found: Contrast) -> str:
    """Return which rows are missing, in words."""
    parts = []
    if found.missing:
        labels = ", ".join(dict.fromkeys(row.label for row in found.missing))
        parts.append(f"{_rows(found.missing)} not stored ({labels})")
    if found.failed:
        counts = Counter(f"{r['label']} on {r['dataset']}: {r['status']}" for r in found.failed)
        parts.append(f"{_rows(found.failed)} without a score ({', '.join(counts)})")
    return "; ".join(parts)


def _rows(found: Sequence[object]) -> str:
    return "1 row is" if len(found) == 1 else f"{len(found)} rows are"


def _reason(sample: Sample, error: float, left: float) -> str:
    """Return why complete differences leave a claim undecided."""
    n = len(sample.families)
    if n < FEWEST:
        return f"{n} {'family says' if n == 1 else 'families say'} nothing of others"
    alone = sample.verdict(error)
    if alone != "undecided":
        return f"{alone} by itself, but not as one of several claims (Holm)"
    low, high = sample.interval(error)
    if math.isnan(low):
        low = high = sample.estimate
    if sample.says(low, high, math.inf, error) != "undecided":
        return (
            f"too few families: {n} may hold none of those that differ, if one in {1 / RARE:.0f} "
            f"does; {needed(left)} show that nothing differs"
        )
    if low == high:
        return "the difference is the same in all families, at a limit of what is claimed"
    return "the interval holds values that agree with the claim and values that do not"
