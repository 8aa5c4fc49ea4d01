"""A board, and a comparison of its detectors, as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.render.printable import for_csv
from bench.render.table import Document, Page, Record, Table
from bench.render.tables import (
    NARROW,
    WIDE,
    data_sets,
    differences,
    failures,
    families,
    leaderboards,
    matrix,
    means,
    short_board,
)
from bench.render.values import finite, records

if TYPE_CHECKING:
    from bench.render.references import Reference

MANY = 15  # detectors from which a run prints a short board


@dataclass(frozen=True)
class BoardDocument(Document):
    """A board with or without a comparison of its detectors with one of them.

    Attributes:
        board: what is printed.
        comparison: its detectors against one of them, if there are tests.
        short: whether a terminal gets only the best detectors and the baselines of a large board.

    No format writes a time of day, so equal results give equal files.
    """

    board: Board
    comparison: Comparison | None = None
    short: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether a terminal gets a part of the board."""
        return self.short and len(self.board.detectors) > MANY

    def page(self, *, narrow: bool) -> Page:
        """Return the page; a narrow one has no matrix and the board's notes at its end."""
        board = self.board
        title = f"{board.title}: {board.metric.name}"
        if narrow and self.is_cut:
            return Page(title, short_board(board))
        style = NARROW if narrow else WIDE
        tables = [*leaderboards(board, style), families(board, style)]
        if self.comparison is not None:
            tables.append(differences(board, self.comparison))
        if len(board.protocols):
            tables.append(means(board, board.protocols, "protocol", style))
        if len(board.kinds):
            tables.append(means(board, board.kinds, "kind", style))
        tables.append(data_sets(board, style))
        if not narrow:
            tables.append(matrix(board))
        if len(board.failures):
            tables.append(failures(board, style))
        if narrow:
            tables.append(Table("Notes", notes=board.notes))
        return Page(title, tuple(tables))

    def csv(self) -> str:
        """Return one line for each detector, six significant digits.

        The columns of `Board.detectors`, then `METRIC:DATASET`, the mean over the seeds, for each
        data set, and for several protocols `METRIC:PROTOCOL`, the mean under each.
        """
        board = self.board
        parts = [board.detectors.astype({"rank": "Int64"})]
        for table, by in ((board.cells, "dataset"), (board.protocols, "protocol")):
            if len(table):
                wide = table.pivot(index="label", columns=by, values="value")
                wide = wide.loc[board.detectors["label"]].add_prefix(f"{board.metric.name}:")
                parts.append(wide.reset_index(drop=True))
        return for_csv(pd.concat(parts, axis=1)).to_csv(
            index=False, float_format="%.6g", lineterminator="\n"
        )

    def content(self) -> Any:
        """Return everything that the board and the comparison hold; absent numbers are null."""
        board, tables = self.board, ("detectors", "datasets", "cells", "failures", "protocols",
                                     "kinds", "types")  # fmt: skip
        return {
            "title": board.title,
            "metric": board.metric.name,
            "protocol": board.protocol,
            "larger_is_better": board.metric.larger_is_better,
            "caption": board.caption,
            "notes": board.notes,
            "made_by": board.made_by,
            "best_baseline": board.best_baseline or None,
            "stale": board.stale,
            **{name: finite(records(getattr(board, name))) for name in tables},
            "comparison": self.comparison and _compared(self.comparison),
        }

    def sources(self) -> Mapping[str, Sequence[Reference]]:
        """Return the sources of the detectors and data sets, by label and name."""
        from bench.render.references import of_dataset, of_detector

        detectors = self.board.detectors
        specs = zip(detectors["label"], detectors["spec"], strict=True)
        found = {label: of_detector(spec) for label, spec in specs}
        return found | {name: of_dataset(name) for name in self.board.datasets["dataset"]}


def _compared(comparison: Comparison) -> Record:
    friedman, blocks = comparison.friedman, comparison.blocks
    return {
        "reference": comparison.reference,
        "blocks": blocks.names,
        "mean_ranks": dict(zip(blocks.detectors, comparison.mean_ranks.tolist(), strict=True)),
        "holm": {
            label: dict(zip(blocks.detectors, line, strict=True))
            for label, line in zip(blocks.detectors, comparison.holm.tolist(), strict=True)
        },
        "critical_difference": comparison.critical_difference,
        "friedman": friedman and finite(vars(friedman)),
        "notes": comparison.notes,
        "lines": finite(records(comparison.lines)),
    }
