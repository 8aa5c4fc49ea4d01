"""Our values beside the printed ones, cell by cell. Pure: from stored rows to a reproduction.

Where a printed set means several data sets, a cell has the mean over them, of the means over
seeds and of the standard deviations.

Where rows are not stored, a value or a failure that was kept from rows elsewhere takes their
place, if its settings are still those of the table and the data, where present, are still those
that it was made from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from bench.metrics.scored import METRICS, Floats, Labels
from bench.metrics.thresholded import OF_CALLED, above, most_anomalous
from bench.reproduce.published import Description, Figure, PublishedTable
from bench.store.codeid import SHOWN_DIGITS
from bench.store.provenance import commit_of, gpu_of, sentences, versions_of
from bench.store.records import SCORED, Wanted, digest

TOLERANCE = 0.02  # percentage points
NOT_YET = "not run yet"
Agreement = Literal["exact", "within the spread", "outside", "failed", "not run"]
AGREEMENTS: tuple[Agreement, ...] = get_args(Agreement)
LEGEND = (
    "Exact: mean, and spread where one is printed (standard deviation over seeds, ddof = 1), are "
    f"within {TOLERANCE} percentage points of the printed ones or half a unit of their last digit, "
    "whichever is more. Within the spread: not exact, but the means differ by at most the printed "
    "spread. Outside: neither, also where no spread is printed. Failed: a row ended in an error or "
    "over a limit, or has no such value. Not run: rows are missing."
)
Scores = Callable[[str], tuple[Labels, Floats] | None]
Place = tuple[str, str, str, str]  # table, data set, detector and metric of a printed value


@dataclass(frozen=True)
class Made:
    """What made one of our values.

    Attributes:
        device: "cpu", or "cuda" with the GPU's name.
        versions: of the libraries, as shown under boards.
        commit: of the project; several are joined by "and".
        code: as of `PublishedTable.code`.
        data: digest of the data sets' content.
    """

    device: str
    versions: str
    commit: str
    code: str
    data: str


@dataclass(frozen=True)
class Ours:
    """One of our values, in the table's units.

    Attributes:
        mean: over the seeds; nan where rows failed.
        std: standard deviation over them (ddof = 1); nan likewise, and where there is one seed.
        made: what made it.
        failure: how many of its rows failed, and the reason of the first; else "".
    """

    mean: float
    std: float
    made: Made
    failure: str = ""


@dataclass(frozen=True)
class Kept:
    """One of our values, or its failure, whose rows need not be here, and how it was made.

    Attributes:
        ours: the value.
        recipe: as of `PublishedTable.recipe`.
    """

    ours: Ours
    recipe: str


@dataclass(frozen=True)
class Cell:
    """One printed value and ours, in the table's units.

    Attributes:
        printed: the printed value.
        deterministic: whether the cell is required to match: the method has no randomness, or
            its draws can be reproduced, and no exception is listed.
        ours: mean over the seeds; nan where a row failed or is missing.
        std: our standard deviation over the seeds (ddof = 1); nan likewise.
        agreement: exact (mean, and spread where printed, within TOLERANCE or half a unit of the
            last printed digit), within the printed spread (one standard deviation), outside,
            failed (timeout, error ... of a row, or a row without the value) or not run.
        reason: why it failed, was not run, or is known to differ; else "".
        made: what made it; None where it was not run.
        outdated: whether our own code that made it has changed since.
    """

    printed: Figure
    deterministic: bool
    ours: float
    std: float
    agreement: Agreement
    reason: str = ""
    made: Made | None = None
    outdated: bool = False

    @property
    def difference(self) -> float:
        """Our value minus the printed one."""
        return self.ours - self.printed.value


@dataclass(frozen=True)
class Reproduction:
    """A table, or a part of one, with what is stored and kept of it.

    Attributes:
        table: the printed values.
        cells: one a figure, in the table's order.
    """

    table: PublishedTable
    cells: tuple[Cell, ...]

    @property
    def run(self) -> dict[Place, Cell]:
        """The cells that were run, also those that failed, by place."""
        return {
            (self.table.name, c.printed.dataset, c.printed.detector, c.printed.metric): c
            for c in self.cells
            if c.made
        }

    @property
    def counts(self) -> Counter[Agreement]:
        """How many cells agree how."""
        return Counter(cell.agreement for cell in self.cells)

    @property
    def required(self) -> tuple[Cell, ...]:
        """The cells that are required to match."""
        return tuple(cell for cell in self.cells if cell.deterministic)

    @property
    def inexact(self) -> tuple[Cell, ...]:
        """Cells of deterministic contenders that were run and are not exact."""
        return tuple(
            cell
            for cell in self.cells
            if cell.agreement in ("outside", "within the spread")
            and self.table.told.detectors[cell.printed.detector].deterministic
        )

    @property
    def off(self) -> tuple[Cell, ...]:
        """The inexact cells without a listed exception."""
        return tuple(cell for cell in self.inexact if cell.deterministic)

    @property
    def explained(self) -> tuple[Cell, ...]:
        """The inexact cells with a listed exception."""
        return tuple(cell for cell in self.inexact if not cell.deterministic)

    @property
    def failed(self) -> tuple[Cell, ...]:
        """Required cells without a value because rows failed."""
        return tuple(cell for cell in self.required if cell.agreement == "failed")

    @property
    def strict_summary(self) -> str:
        """One line: how many cells are required, and how many of them match."""
        counts = Counter(cell.agreement for cell in self.required)
        ran = f"{counts['exact']} exact, {len(self.off)} off, {counts['failed']} failed"
        n = f"{len(self.required)} of {len(self.cells)}"
        return f"required cells: {n}: {ran}, {counts['not run']} not run"

    @property
    def made_by(self) -> tuple[str, ...]:
        """Sentences on the versions and commits of cells, and on the device where it is a GPU."""
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
        """One line: the number of cells, in all and by agreement."""
        counted = [f"{self.counts[a]} {a}" for a in AGREEMENTS if self.counts[a]]
        n = len(self.cells)
        return f"{n} cell{'s' * (n != 1)}: {', '.join(counted)}"


def reproduce(
    table: PublishedTable,
    wanted: Sequence[Wanted],
    records: Mapping[str, Mapping[str, Any]],
    scores: Scores,
    kept: Mapping[Place, Kept] | None = None,
) -> Reproduction:
    """Compare what is stored with what is printed.

    Args:
        table: the printed values.
        wanted: the rows that make them, on the data sets that are here.
        records: stored records by key.
        scores: labels and scores of a stored row by its key.
        kept: our values, or failures, for cells of which some rows are not stored and none
            failed.
    """
    by_place: dict[tuple[str, str], list[Wanted]] = {}
    for row in wanted:
        by_place.setdefault((row.dataset, row.label), []).append(row)
    cells = []
    for figure in table.figures:
        places = [(member, figure.detector) for member in table.members[figure.dataset]]
        rows = [by_place.get(place, []) for place in places]
        cells.append(_cell(table, figure, rows, records, scores, kept or {}))
    return Reproduction(table, tuple(cells))


def _cell(
    table: PublishedTable,
    figure: Figure,
    wanted: Sequence[Sequence[Wanted]],
    records: Mapping[str, Mapping[str, Any]],
    scores: Scores,
    kept: Mapping[Place, Kept],
) -> Cell:
    """Return the cell of a printed value, from the rows wanted of each of its data sets."""
    told = table.told
    contender = told.detectors[figure.detector]
    place = (figure.dataset, figure.detector, figure.metric)
    known = [reason for reason in told.reasons if reason.covers(*place)]
    deterministic = contender.deterministic and not known
    every = [row for rows in wanted for row in rows]
    stored = [records[row.key] for row in every if row.key in records]
    failed = [record for record in stored if not _has(figure.metric, record)]
    absent = contender.absent or next((r.why for r in known if r.absent), "")
    ours, reason = None, absent or _not_run(len(every), len(stored))
    if not absent and (failed or not reason):
        ours = _of_rows(table, figure, wanted, records, scores, failed)
    elif not absent and (found := kept.get((table.name, *place))):
        ours, reason = _of_kept(table, figure, found, _digest_of(every))
    if ours is None:
        return Cell(figure, deterministic, math.nan, math.nan, "not run", reason)
    tolerance = max(TOLERANCE * told.points, 0.5 * 10**-told.decimals)
    agreement = _agreement(figure, ours, tolerance)
    return Cell(
        figure,
        deterministic,
        ours.mean,
        ours.std,
        agreement,
        ours.failure or "; ".join(r.why for r in known) * (agreement != "exact"),
        made=ours.made,
        outdated=ours.made.code != table.code(figure.detector, figure.dataset),
    )


def _not_run(n_wanted: int, n_stored: int) -> str:
    """Return why a cell has too few rows for a value; "" if it has all."""
    if not n_wanted:
        return "the data are not here"
    if not n_stored:
        return NOT_YET
    n_left = n_wanted - n_stored
    return f"{n_left} of {n_wanted} rows {NOT_YET}" if n_left else ""


def _failure(metric: str, failed: Sequence[Mapping[str, Any]], n_wanted: int) -> str:
    """Return how many rows failed, and the reason of the first."""
    first = failed[0]
    if first["status"] in SCORED:
        return (
            f"{len(failed)} of {n_wanted} rows have no {metric}; regenerate them with "
            "--results DIR, a new folder"
        )
    return f"{len(failed)} of {n_wanted} rows: {first['status']}: {first['reason']}"


def _of_rows(
    table: PublishedTable,
    figure: Figure,
    wanted: Sequence[Sequence[Wanted]],
    records: Mapping[str, Mapping[str, Any]],
    scores: Scores,
    failed: Sequence[Mapping[str, Any]],
) -> Ours:
    """Return our value, from the stored rows of each of its data sets; nan, and why, where some
    failed.
    """
    told = table.told
    every = [row for rows in wanted for row in rows]
    made_by = [records[row.key].get("provenance", {}) for row in every if row.key in records]
    device = every[0].device
    made = Made(
        f"{device} ({_joined(gpu_of, made_by)})" if device != "cpu" else device,
        _joined(versions_of, made_by),
        _joined(commit_of, made_by),
        table.code(figure.detector, figure.dataset),
        _digest_of(every),
    )
    if failed:
        return Ours(math.nan, math.nan, made, _failure(figure.metric, failed, len(every)))
    values = np.array(
        [[_value(figure, told, records[row.key], scores) for row in rows] for rows in wanted]
    )  # (data sets, seeds)
    printed_as = values * 100 * told.points
    if told.rounds is not None:
        printed_as = np.round(printed_as, told.rounds)
    several = printed_as.shape[1] > 1
    std = float(printed_as.std(axis=1, ddof=1).mean()) if several else math.nan
    return Ours(float(printed_as.mean()), std, made)


def _of_kept(
    table: PublishedTable, figure: Figure, kept: Kept, data: str
) -> tuple[Ours | None, str]:
    """Return a kept value of ours; None, and why, if it is not of these settings or data."""
    if kept.recipe != table.recipe(figure.detector, figure.dataset):
        return None, f"the kept value is of other settings; {NOT_YET}"
    if data not in ("", kept.ours.made.data):
        return None, f"the kept value is of other data; {NOT_YET}"
    return kept.ours, ""


def _joined(text: Callable[[Mapping[str, Any]], str], of: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(sorted(set(filter(None, map(text, of)))))


def _digest_of(wanted: Sequence[Wanted]) -> str:
    """Return a short digest of the data that rows are made of; "" where they are not here."""
    return digest(sorted({row.data_sha256 for row in wanted}))[:SHOWN_DIGITS] if wanted else ""


def _has(metric: str, record: Mapping[str, Any]) -> bool:
    """Return whether a stored row has a metric, or scores to compute it from."""
    scored = record["status"] in SCORED
    return scored and (metric not in METRICS or math.isfinite(record.get(metric, math.nan)))


def _agreement(figure: Figure, ours: Ours, tolerance: float) -> Agreement:
    if ours.failure:
        return "failed"
    allowed = tolerance * (1 + 1e-9)
    off = abs(ours.mean - figure.value)
    if off <= allowed and (figure.std is None or abs(ours.std - figure.std) <= allowed):
        return "exact"
    return "within the spread" if figure.std is not None and off <= figure.std else "outside"


def _value(figure: Figure, told: Description, record: Mapping[str, Any], scores: Scores) -> float:
    if figure.metric in METRICS:
        return float(record[figure.metric])
    found = scores(record["key"])
    if found is None:
        msg = (
            f"row {record['key'][:8]} has no scores to compute {figure.metric} from; "
            "regenerate the rows with --results DIR, a new folder"
        )
        raise ValueError(msg)
    y, s = found
    share = told.called.get(figure.dataset)
    if figure.metric == "precision_at_n":
        share = float(y.mean())
    called = most_anomalous(y, s) if share is None else above(s, share)
    return OF_CALLED[figure.metric](y, called)


LABELS = {
    "f1": "F1",
    "precision": "precision",
    "precision_at_n": "P@n",
    "recall": "recall",
    "region_overlap": "region overlap",
    "normal_accuracy": "accuracy, normal",
    "anomalous_accuracy": "accuracy, anomalous",
} | {name: metric.label for name, metric in METRICS.items()}
