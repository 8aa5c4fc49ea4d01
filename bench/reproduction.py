"""Our figures beside printed ones, cell by cell. Pure: from stored rows to a reproduction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, Floats
from bench.records import Wanted
from bench.table import Figure, PublishedTable

TOLERANCE = 0.02  # percentage points
Agreement = Literal["exact", "within the spread", "outside", "not run"]
AGREEMENTS: tuple[Agreement, ...] = Agreement.__args__  # type: ignore[attr-defined]
Scores = Callable[[str], tuple[NDArray[np.int8], NDArray[np.float64]] | None]


@dataclass(frozen=True)
class Cell:
    """One printed figure and ours, in the table's units.

    Attributes:
        printed: the figure.
        deterministic: whether the same figure has to come out.
        ours: mean over the seeds; nan where a row is missing.
        std: our standard deviation over the seeds (ddof = 1); nan likewise.
        agreement: exact (mean, and spread where printed, within TOLERANCE), within the printed
            spread (one standard deviation), outside, or not run.
        reason: why it was not run, or is known to differ; else "".
    """

    printed: Figure
    deterministic: bool
    ours: float
    std: float
    agreement: Agreement
    reason: str = ""

    @property
    def difference(self) -> float:
        """Ours less the printed figure."""
        return self.ours - self.printed.value


@dataclass(frozen=True)
class Reproduction:
    """A table, or a part of one, with what is stored of it."""

    table: PublishedTable
    cells: tuple[Cell, ...]

    @property
    def counts(self) -> Counter[Agreement]:
        """How many cells agree how."""
        return Counter(cell.agreement for cell in self.cells)

    @property
    def off(self) -> tuple[Cell, ...]:
        """Deterministic cells that were run and are not exact."""
        return tuple(
            cell
            for cell in self.cells
            if cell.deterministic and cell.agreement in ("outside", "within the spread")
        )

    @property
    def summary(self) -> str:
        """One line: how many cells, and how many of them agree how."""
        told = [f"{self.counts[a]} {a}" for a in AGREEMENTS if self.counts[a]]
        return f"{len(self.cells)} cells: {', '.join(told)}"


def reproduce(
    table: PublishedTable,
    wanted: Sequence[Wanted],
    records: Mapping[str, Mapping[str, Any]],
    scores: Scores,
) -> Reproduction:
    """Compare what is stored with what is printed.

    Args:
        table: the printed figures.
        wanted: the rows they are made of, of the data sets that are here.
        records: stored records by key.
        scores: labels and scores of a stored row by its key.
    """
    by_place: dict[tuple[str, str], list[Wanted]] = {}
    for row in wanted:
        by_place.setdefault((row.dataset, row.label), []).append(row)
    return Reproduction(
        table,
        tuple(
            _cell(
                table,
                figure,
                by_place.get((table.told.datasets[figure.dataset], figure.detector), []),
                records,
                scores,
            )
            for figure in table.figures
        ),
    )


def _cell(
    table: PublishedTable,
    figure: Figure,
    wanted: Sequence[Wanted],
    records: Mapping[str, Mapping[str, Any]],
    scores: Scores,
) -> Cell:
    deterministic = table.told.detectors[figure.detector].deterministic
    reason = _not_run(wanted, records)
    if reason:
        return Cell(figure, deterministic, math.nan, math.nan, "not run", reason)
    values = [_value(figure.metric, records[row.key], scores) for row in wanted]
    printed_as = np.array(values) * 100 * table.told.points
    if table.told.rounds is not None:
        printed_as = np.round(printed_as, table.told.rounds)
    ours = float(printed_as.mean())
    std = float(printed_as.std(ddof=1)) if len(values) > 1 else math.nan
    agreement = _agreement(figure, ours, std, TOLERANCE * table.told.points)
    known = [r.why for r in table.told.reasons if r.covers(figure.dataset, figure.detector)]
    return Cell(
        figure, deterministic, ours, std, agreement, "; ".join(known) * (agreement != "exact")
    )


def _not_run(wanted: Sequence[Wanted], records: Mapping[str, Mapping[str, Any]]) -> str:
    """Return why the rows of a cell give no figure; "" if they do."""
    if not wanted:
        return "its data are not here"
    stored = [records[row.key] for row in wanted if row.key in records]
    failed = [record for record in stored if record["status"] not in ("ok", "constant")]
    if failed:
        return f"{failed[0]['status']}: {failed[0]['reason']}"
    if not stored:
        return "not run yet"
    missing = len(wanted) - len(stored)
    return f"{missing} of {len(wanted)} seeds not run yet" if missing else ""


def _agreement(figure: Figure, ours: float, std: float, tolerance: float) -> Agreement:
    allowed = tolerance * (1 + 1e-9)
    off = abs(ours - figure.value)
    if off <= allowed and (figure.std is None or abs(std - figure.std) <= allowed):
        return "exact"
    return "within the spread" if figure.std is not None and off <= figure.std else "outside"


def _value(metric: str, record: Mapping[str, Any], scores: Scores) -> float:
    if metric not in AT_COUNT:
        return float(record[metric])
    found = scores(record["key"])
    if found is None:
        msg = f"row {record['key'][:8]} has no scores"
        raise ValueError(msg)
    return AT_COUNT[metric](*found)


def f1(y: NDArray[np.int8], scores: Floats) -> float:
    """F1 where as many rows are called anomalous as are: precision and recall are equal.

    Of equal scores at the cut numpy's partition takes some, as in the authors' code, so that
    the order of the rows counts. It looks at test labels: an oracle, on no board.
    """
    n_anomalies = int(y.sum())
    return float(y[np.argpartition(-scores, n_anomalies)[:n_anomalies]].mean())


def precision_at_n(y: NDArray[np.int8], scores: Floats) -> float:
    """Share of anomalies above the percentile of the true share, as PyOD computes it."""
    called = scores > np.percentile(scores, 100 * (1 - y.mean()))
    return float(y[called].mean()) if called.any() else 0.0


AT_COUNT = {"f1": f1, "precision_at_n": precision_at_n}
LABELS = {"f1": "F1", "precision_at_n": "P@n"} | {n: m.label for n, m in METRICS.items()}
