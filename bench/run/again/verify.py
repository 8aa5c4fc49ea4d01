"""Verify a capsule: its rows against their own scores, and some of them against a rerun."""

from __future__ import annotations

import math
import random
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from bench.metrics import scored
from bench.plan.stages import Stages
from bench.run.session import Options, Session, opened
from bench.store.capsule import Capsule
from bench.store.codeid import is_current
from bench.store.merge import agreement
from bench.store.provenance import provenance
from bench.store.records import SCORED, Row, Wanted, as_wanted

ALPHA = 0.01  # chance to find nothing although more rows are wrong than the bound says
SAME = 1e-9  # metrics differ by more only if they are of other scores


def bound(n: int) -> float:
    """Return the share of wrong rows that n sound draws exclude: 1 - alpha^(1/n)."""
    return 1 - float(ALPHA ** (1 / n))


def contradictions(capsule: Capsule) -> list[str]:
    """Return a sentence for each row whose key or metrics are not those of what it holds."""
    found = []
    for key, record in capsule.records.items():
        if as_wanted(record).key != key:
            found.append(f"{named(record)}: its key is not that of its settings and data")
        elif record["status"] in SCORED:
            computed = scored.compute(*capsule.scores[key])
            wrong = [name for name, value in computed.items()
                     if name in record and not _same(record[name], value)]  # fmt: skip
            if wrong:
                found.append(f"{named(record)}: {wrong[0]} is {record[wrong[0]]:.6g}, its scores "
                             f"have {computed[wrong[0]]:.6g}")  # fmt: skip
    return found


def _same(stored: Any, computed: float) -> bool:
    return (math.isnan(computed) and (stored is None or math.isnan(stored))) or math.isclose(
        stored, computed, rel_tol=0, abs_tol=SAME
    )


def here(capsule: Capsule, data: Path | None) -> tuple[list[Wanted], Counter[str]]:
    """Return the scored rows that can be run here, and how many cannot, by reason."""
    able, reasons = [], Counter[str]()
    for record in capsule.records.values():
        row = as_wanted(record)
        if record["status"] not in SCORED:
            reasons["have no scores"] += 1
        elif not is_current(row):
            reasons["are of other code or libraries"] += 1
        elif not _has(row, data):
            reasons["are of data that are not here"] += 1
        else:
            able.append(row)
    return able, reasons


def _has(row: Wanted, data: Path | None) -> bool:
    try:
        there = datasets.present(row.dataset, data and Path(data))
        return there and datasets.card(row.dataset, data).sha256 == row.data_sha256
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class Rerun:
    """What the rerun of drawn rows showed: how many agree, in which way, and what does not."""

    agreeing: Counter[str]
    wrong: tuple[str, ...]


def draw(rows: Sequence[Wanted], n: int, seed: int) -> list[Wanted]:
    """Return n rows, or all if there are fewer."""
    return random.Random(seed).sample(list(rows), min(n, len(rows)))


def rerun(
    capsule: Capsule, drawn: Sequence[Wanted], data: Path | None, workers: int, tolerance: float
) -> Rerun:
    """Run rows again in a results folder of their own, and compare their scores.

    Args:
        capsule: that has the rows.
        drawn: rows that can be run here.
        data: the data folder.
        workers: jobs at the same time.
        tolerance: share of the range of a row's scores by which scores of another kind of processor
            may differ; on the same kind they have to be equal bit for bit.
    """
    processor = provenance()["processor"]
    agreeing, wrong = Counter[str](), []
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        options = Options(Path(folder), data, workers, 3600.0, None, (), None)
        with opened(options.results) as store:
            session = Session(drawn, "verify", "verify", store, options, Stages())
            made: dict[str, Row] = {}
            with session.started():
                problems = session.run(lambda row, record: made.update({row.wanted.key: row}))
    for row in drawn:
        record, again = capsule.records[row.key], made.get(row.key)
        if again is None or again.scores is None:
            why = again.reason or again.status if again else "; ".join(problems)
            wrong.append(f"{named(record)}: did not end with scores here: {why}")
            continue
        alike = record["provenance"].get("processor") == processor
        found = agreement(capsule.scores[row.key][1], again.scores, 0.0 if alike else tolerance)
        if found == "contradiction":
            of = "on the same kind of processor" if alike else f"by more than {tolerance:g}"
            wrong.append(f"{named(record)}: its scores differ {of}")
        else:
            agreeing["bit for bit" if found == "same" else f"within {tolerance:g}"] += 1
    return Rerun(agreeing, tuple(wrong))


def named(record: Mapping[str, Any]) -> str:
    """Return what a message calls a row."""
    return f"row {record['key'][:8]} ({record['label']} on {record['dataset']}, " \
           f"seed {record['seed']})"  # fmt: skip
