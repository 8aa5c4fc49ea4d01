"""Our values beside printed ones, cell by cell: from stored rows to a reproduction.

A printed data set that stands for several has the mean over them, of the means over seeds and of
the standard deviations.

For rows that are not stored here, a value or failure that was kept from rows elsewhere counts, if
the table still has the settings it was computed with, and the data, where they are here, are the
same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from bench.metrics.scored import METRICS, Floats, Labels
from bench.metrics.thresholded import OF_CALLED, above, most_anomalous
from bench.reproduce.published import PrintedValue, PublishedTable
from bench.store.codeid import SHOWN_DIGITS
from bench.store.provenance import commit_of, gpu_of, sentences, versions_of
from bench.store.records import SCORED, Wanted, digest

TOLERANCE = 0.02  # percentage points
NOT_YET = "not run yet"
RERUN = "rerun them with --results DIR, a new folder"
Agreement = Literal["exact", "within the spread", "outside", "failed", "not run"]
AGREEMENTS: tuple[Agreement, ...] = get_args(Agreement)
LEGEND = (
    "Exact: mean, and spread where one is printed (standard deviation over seeds, ddof = 1), are "
    f"within {TOLERANCE} percentage points of the printed ones or half a unit of their last digit, "
    "whichever is more. Within the spread: not exact, but the means differ by at most the printed "
    "spread. Outside: neither, also where no spread is printed. Failed: a row ended in an error, "
    "exceeded a limit, or has no such value. Not run: rows are missing."
)
Record = Mapping[str, Any]
Scores = Callable[[str], tuple[Labels, Floats] | None]
Place = tuple[str, str, str, str]  # table, data set, detector and metric of a printed value


@dataclass(frozen=True)
class Made:
    """What computed a value of ours.

    Attributes:
        device: "cpu", or "cuda" with the GPU's name.
        versions: of the libraries, as shown under boards.
        commit: of the project; several are joined by "and".
        code: see `PublishedTable.code`.
        data: digest of the data sets' content.
    """

    device: str
    versions: str
    commit: str
    code: str
    data: str


@dataclass(frozen=True)
class Ours:
    """A value of ours, in the table's units.

    Attributes:
        mean: over the seeds; nan if rows failed.
        std: standard deviation over them (ddof = 1); nan likewise, and for a single seed.
        made: what computed it.
        failure: how many of its rows failed, and the reason of the first; else "".
    """

    mean: float
    std: float
    made: Made
    failure: str = ""


@dataclass(frozen=True)
class Kept:
    """A value of ours, or its failure, whose rows need not be here.

    Attributes:
        ours: the value.
        recipe: see `PublishedTable.recipe`.
    """

    ours: Ours
    recipe: str


@dataclass(frozen=True)
class Cell:
    """One printed value and ours, in the table's units.

    Attributes:
        printed: the value.
        deterministic: whether the cell is required: the method has no randomness, or its draws can
            be repeated, and no exception is listed.
        ours: mean over the seeds; nan if a row failed or is missing.
        std: our standard deviation over the seeds (ddof = 1); nan likewise.
        agreement: exact (mean, and spread where printed, within TOLERANCE or half a unit of the
            last printed digit), within the printed spread (one standard deviation), outside,
            failed (timeout, error ... of a row, or no such value) or not run.
        reason: why it failed, was not run, or is known to differ; else "".
        made: what computed it; None if it was not run.
        outdated: whether our code that computed it has changed since.
    """

    printed: PrintedValue
    deterministic: bool
    ours: float
    std: float
    agreement: Agreement
    reason: str = ""
    made: Made | None = None
    outdated: bool = False

    @property
    def difference(self) -> float:
        """Ours less the printed value."""
        return self.ours - self.printed.value


@dataclass(frozen=True)
class Reproduction:
    """A table, or a part of one, with what is stored and kept of it.

    Attributes:
        table: the printed values.
        cells: one for each value, in the table's order.
    """

    table: PublishedTable
    cells: tuple[Cell, ...]

    @property
    def run(self) -> dict[Place, Cell]:
        """The cells that were run, also those that failed, by place."""
        return {(self.table.name, *c.printed.place): c for c in self.cells if c.made}

    @property
    def counts(self) -> Counter[Agreement]:
        """The number of cells for each agreement."""
        return Counter(cell.agreement for cell in self.cells)

    @property
    def required(self) -> tuple[Cell, ...]:
        """The cells that are required."""
        return tuple(cell for cell in self.cells if cell.deterministic)

    @property
    def inexact(self) -> tuple[Cell, ...]:
        """The cells of deterministic detectors that were run and are not exact."""
        detectors = self.table.description.detectors
        return tuple(
            cell
            for cell in self.cells
            if cell.agreement in ("outside", "within the spread")
            and detectors[cell.printed.detector].deterministic
        )

    @property
    def off(self) -> tuple[Cell, ...]:
        """Those of them without a listed exception."""
        return tuple(cell for cell in self.inexact if cell.deterministic)

    @property
    def explained(self) -> tuple[Cell, ...]:
        """Those of them with a listed exception."""
        return tuple(cell for cell in self.inexact if not cell.deterministic)

    @property
    def failed(self) -> tuple[Cell, ...]:
        """The required cells that have no value because rows failed."""
        return tuple(cell for cell in self.required if cell.agreement == "failed")

    @property
    def strict_summary(self) -> str:
        """One line: how many cells are required, and how many of them agree."""
        counts = Counter(cell.agreement for cell in self.required)
        agree = f"{counts['exact']} exact, {len(self.off)} off, {counts['failed']} failed"
        required = f"{len(self.required)} of {len(self.cells)}"
        return f"required cells: {required}: {agree}, {counts['not run']} not run"

    @property
    def made_by(self) -> tuple[str, ...]:
        """Sentences on the versions and commits of the cells, and on the device if it is a GPU."""
        made = [cell.made for cell in self.cells if cell.made]
        on_gpu = any(each.device != "cpu" for each in made)
        texts = {
            "Device": [each.device for each in made] if on_gpu else [],
            "Versions": [each.versions for each in made],
            "Commit": [each.commit for each in made],
        }
        return sentences(texts, "cells")

    @property
    def summary(self) -> str:
        """One line: the number of cells, in all and for each agreement."""
        counted = [f"{self.counts[a]} {a}" for a in AGREEMENTS if self.counts[a]]
        n = len(self.cells)
        return f"{n} cell{'s' * (n != 1)}: {', '.join(counted)}"


def reproduce(
    table: PublishedTable,
    wanted: Sequence[Wanted],
    records: Mapping[str, Record],
    scores: Scores,
    kept: Mapping[Place, Kept] | None = None,
) -> Reproduction:
    """Compare what is stored with what is printed.

    Args:
        table: the printed values.
        wanted: the rows that make them, for the data sets that are here.
        records: stored records by key.
        scores: labels and scores of a stored row by its key.
        kept: values of ours, or failures, for cells with missing rows and no failed one.
    """
    by_place: dict[tuple[str, str], list[Wanted]] = {}
    for row in wanted:
        by_place.setdefault((row.dataset, row.label), []).append(row)
    stored = _Stored(table, records, scores, kept or {})
    cells = []
    for value in table.values:
        members = table.members[value.dataset]
        rows = [by_place.get((member, value.detector), []) for member in members]
        cells.append(stored.cell(value, rows))
    return Reproduction(table, tuple(cells))


@dataclass(frozen=True)
class _Stored:
    """What is stored and kept of a table; the arguments of `reproduce`."""

    table: PublishedTable
    records: Mapping[str, Record]
    scores: Scores
    kept: Mapping[Place, Kept] = field(repr=False)

    def cell(self, value: PrintedValue, wanted: Sequence[Sequence[Wanted]]) -> Cell:
        """Return the cell of a value, from the rows wanted of each data set it stands for."""
        description = self.table.description
        detector = description.detectors[value.detector]
        exceptions = [reason for reason in description.reasons if reason.covers(*value.place)]
        deterministic = detector.deterministic and not exceptions
        every = [row for rows in wanted for row in rows]
        stored = [self.records[row.key] for row in every if row.key in self.records]
        failed = [record for record in stored if not _has(value.metric, record)]
        absent = detector.absent or next((r.why for r in exceptions if r.absent), "")
        ours, reason = None, absent or _not_run(len(every), len(stored))
        if not absent and failed:
            failure = _failure(value.metric, failed, len(every))
            ours = Ours(math.nan, math.nan, self._made(value, every), failure)
        elif not reason:
            ours = self._of_rows(value, wanted, self._made(value, every))
        elif not absent and (found := self.kept.get((self.table.name, *value.place))):
            ours, reason = self._of_kept(value, found, _digest_of(every))
        if ours is None:
            return Cell(value, deterministic, math.nan, math.nan, "not run", reason)
        tolerance = max(TOLERANCE * description.points, 0.5 * 10**-description.decimals)
        agreement = _agreement(value, ours, tolerance)
        known = "" if agreement == "exact" else "; ".join(r.why for r in exceptions)
        return Cell(
            value,
            deterministic,
            ours.mean,
            ours.std,
            agreement,
            ours.failure or known,
            made=ours.made,
            outdated=ours.made.code != self.table.code(value.detector, value.dataset),
        )

    def _made(self, value: PrintedValue, wanted: Sequence[Wanted]) -> Made:
        """Return what computed the stored rows of a value."""
        made_by = [
            self.records[row.key].get("provenance", {}) for row in wanted if row.key in self.records
        ]

        def joined(text: Callable[[Record], str]) -> str:
            return " and ".join(sorted(set(filter(None, map(text, made_by)))))

        device = wanted[0].device
        return Made(
            f"{device} ({joined(gpu_of)})" if device != "cpu" else device,
            joined(versions_of),
            joined(commit_of),
            self.table.code(value.detector, value.dataset),
            _digest_of(wanted),
        )

    def _of_rows(self, value: PrintedValue, wanted: Sequence[Sequence[Wanted]], made: Made) -> Ours:
        """Return our value, from the stored rows of each data set that it stands for."""
        description = self.table.description
        values = np.array([[self._value(value, row.key) for row in rows] for rows in wanted])
        printed_as = values * 100 * description.points  # (data sets, seeds)
        if description.rounds is not None:
            printed_as = np.round(printed_as, description.rounds)
        several = printed_as.shape[1] > 1
        std = float(printed_as.std(axis=1, ddof=1).mean()) if several else math.nan
        return Ours(float(printed_as.mean()), std, made)

    def _of_kept(self, value: PrintedValue, kept: Kept, data: str) -> tuple[Ours | None, str]:
        """Return a kept value of ours; None, and why, if it is of other settings or data."""
        if kept.recipe != self.table.recipe(value.detector, value.dataset):
            return None, f"the kept value is of other settings; {NOT_YET}"
        if data not in ("", kept.ours.made.data):
            return None, f"the kept value is of other data; {NOT_YET}"
        return kept.ours, ""

    def _value(self, value: PrintedValue, key: str) -> float:
        """Return the metric of a stored row, from its scores unless it is stored."""
        if value.metric in METRICS:
            return float(self.records[key][value.metric])
        found = self.scores(key)
        if found is None:
            msg = f"row {key[:8]} has no scores, which {value.metric} needs; {RERUN}"
            raise ValueError(msg)
        y, s = found
        share = self.table.description.called.get(value.dataset)
        if value.metric == "precision_at_n":
            share = float(y.mean())
        called = most_anomalous(y, s) if share is None else above(s, share)
        return OF_CALLED[value.metric](y, called)


def _not_run(n_wanted: int, n_stored: int) -> str:
    """Return why a cell has too few rows for a value; "" if it has all."""
    if not n_wanted:
        return "the data are not here"
    if not n_stored:
        return NOT_YET
    n_left = n_wanted - n_stored
    return f"{n_left} of {n_wanted} rows {NOT_YET}" if n_left else ""


def _failure(metric: str, failed: Sequence[Record], n_wanted: int) -> str:
    """Return how many rows failed, and the reason of the first."""
    first = failed[0]
    if first["status"] in SCORED:
        return f"{len(failed)} of {n_wanted} rows have no {metric}; {RERUN}"
    return f"{len(failed)} of {n_wanted} rows: {first['status']}: {first['reason']}"


def _digest_of(wanted: Sequence[Wanted]) -> str:
    """Return a short digest of the data of rows; "" if they are not here."""
    return digest(sorted({row.data_sha256 for row in wanted}))[:SHOWN_DIGITS] if wanted else ""


def _has(metric: str, record: Record) -> bool:
    """Return whether a stored row has a metric, or scores to compute it."""
    scored = record["status"] in SCORED
    return scored and (metric not in METRICS or math.isfinite(record.get(metric, math.nan)))


def _agreement(value: PrintedValue, ours: Ours, tolerance: float) -> Agreement:
    if ours.failure:
        return "failed"
    allowed = tolerance * (1 + 1e-9)
    off = abs(ours.mean - value.value)
    if off <= allowed and (value.std is None or abs(ours.std - value.std) <= allowed):
        return "exact"
    return "within the spread" if value.std is not None and off <= value.std else "outside"
