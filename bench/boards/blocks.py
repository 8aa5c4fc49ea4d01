"""Complete tables of detectors by data sets, which tests of difference need.

The unit is the data set, after averaging its seeds, or the family of related data sets, after
averaging these too. A test needs every detector on every unit; if rows are missing, either
detectors or data sets have to go, and what went is said.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bench.boards.estimates import Estimates
from bench.boards.words import listed
from bench.stats import averages
from bench.stats.averages import Floats, Nesting

if TYPE_CHECKING:
    from bench.boards.board import Board

Unit = Literal["family", "dataset"]
Coverage = Literal["complete", "common"]
NAMED = 6  # names that a sentence lists before it counts the rest


@dataclass(frozen=True)
class Blocks:
    """Detectors on units that all of them have.

    Attributes:
        detectors: labels, in the order of the board.
        names: of the blocks: data sets, or families of them.
        families: (blocks,) the family of each block; blocks of one family are not independent.
        values: (detectors, blocks) without nan, larger is better (costs are negated).
        ranks: (detectors, blocks) mean ranks within the data sets of each block, 1 the best; over
            families, of complete detectors, their means are the mean ranks of the board.
        estimates: means and differences over all data sets that are left.
        caption: how many of what, and what was left out: one sentence.
    """

    detectors: tuple[str, ...]
    names: tuple[str, ...]
    families: tuple[str, ...]
    values: Floats
    ranks: Floats
    estimates: Estimates
    caption: str

    @property
    def nesting(self) -> Nesting:
        """How the blocks nest in families, for means and bootstraps over these."""
        return Nesting.of(self.families, self.names)


def blocks(
    board: Board,
    *,
    unit: Unit = "family",
    coverage: Coverage = "complete",
    detectors: Collection[str] | None = None,
) -> Blocks:
    """Return the blocks of a board's metric.

    Args:
        board: rows of the first protocol of each data set count.
        unit: "dataset", or "family": related data sets count as one.
        coverage: "complete" drops the detectors with a missing row; "common" drops the data sets
            with a missing row of a detector, and only the detectors without any data set.
        detectors: labels that take part; all by default.

    Raises:
        ValueError: an unknown label, fewer than two detectors, or no data set left.
    """
    every = list(board.detectors["label"])
    unknown = set(detectors or ()) - set(every)
    if unknown:
        msg = f"no detector {min(unknown)!r} on this board; it has {', '.join(every)}"
        raise ValueError(msg)
    labels = [label for label in every if detectors is None or label in detectors]
    names = list(board.datasets["dataset"])
    family = dict(zip(names, board.datasets["dataset_family"], strict=True))
    cells = board.cells.assign(
        value=board.cells["value"].where(board.cells["rows_ok"] == board.cells["rows"])
    )
    wide = cells.pivot(index="label", columns="dataset", values=["value", "low", "high"])
    wide = wide.loc[labels]
    table, low, high = (wide[name][names].to_numpy(float) for name in ("value", "low", "high"))
    keep_detectors, keep_datasets = _kept(np.isfinite(table), coverage)
    kept = [label for label, keep in zip(labels, keep_detectors, strict=True) if keep]
    sets = [name for name, keep in zip(names, keep_datasets, strict=True) if keep]
    if len(kept) < 2 or not sets:
        msg = (
            f"{len(kept)} detectors have all {len(sets)} data sets, and a comparison needs two; "
            "run what is missing, or compare on the common data sets"
            if coverage == "complete"
            else "no data set has a value of every detector; name fewer detectors"
        )
        raise ValueError(msg)
    values, low, high = (each[np.ix_(keep_detectors, keep_datasets)] for each in (table, low, high))
    families = [family[name] for name in sets]
    of_sets = Nesting.of(families, sets)  # a board's sets are sorted
    errors = board.errors if len(sets) == len(names) else None
    estimates = Estimates(
        board.metric.name, tuple(kept), tuple(sets), values, of_sets, (low, high), errors,
        -np.inf if board.metric.name == "lifted_average_precision" else 0,
    )  # fmt: skip
    values = values if board.metric.larger_is_better else -values
    ranks = averages.ranks(values)
    caption = _caption(
        len(kept),
        len(sets),
        len(set(families)),
        unit,
        [label for label in labels if label not in kept],
        [name for name in names if name not in sets],
    )
    if unit == "family":
        values, ranks = (averages.by_family(each, of_sets) for each in (values, ranks))
        sets = families = sorted(set(families))
    return Blocks(tuple(kept), tuple(sets), tuple(families), values, ranks, estimates, caption)


def _kept(
    present: NDArray[np.bool_], coverage: Coverage
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which detectors and which data sets stay, of a table (detectors, data sets)."""
    if coverage == "complete":
        return np.all(present, axis=1, keepdims=False), np.ones(present.shape[1], bool)
    some = np.any(present, axis=1, keepdims=False)
    return some, np.all(present[some], axis=0, keepdims=False)


def _caption(
    n_detectors: int,
    n_sets: int,
    n_families: int,
    unit: Unit,
    lost_detectors: list[str],
    lost_sets: list[str],
) -> str:
    counted = "each family counts as one" if unit == "family" else "each data set counts"
    text = f"{n_detectors} detectors, {n_sets} data sets in {n_families} families; {counted}"
    if lost_detectors:
        text += f"; detectors dropped for missing rows: {listed(lost_detectors, NAMED)}"
    if lost_sets:
        text += f"; data sets dropped for missing rows: {listed(lost_sets, NAMED)}"
    return text
