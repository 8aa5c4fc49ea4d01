"""What our statistics say of a published table, as a page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.boards.estimates import SAME
from bench.boards.words import MARKS
from bench.render.table import Cell, Column, Document, Maker, Page, filled
from bench.render.tables import NARROW, WIDE, differences, matrix
from bench.render.values import fixed, format_of, place, records
from bench.stats import averages
from bench.stats.differences import ALPHA


@dataclass(frozen=True)
class RefereeDocument(Document):
    """A published table as a board, and its methods against the best one.

    Attributes:
        board: of the table.
        comparison: of the methods with all values against one of them.
        notes: on what was read.
    """

    board: Board
    comparison: Comparison
    notes: tuple[str, ...]

    def page(self, *, narrow: bool) -> Page:
        """Return the page; a narrow one has no matrix."""
        board, title = self.board, f"{self.board.title}: {self.board.metric.label}"
        style, metric = NARROW if narrow else WIDE, board.metric.name
        text = (*verdicts(board, self.comparison), *self.notes)

        def mean(d: dict[str, object]) -> Cell:
            line = {"value": d[metric], "low": d[f"{metric}_low"], "high": d[f"{metric}_high"]}
            near = bool(d[f"{metric}_near"])
            return Cell(style.line(metric, line), bool(d[f"{metric}_best"]), near)

        makers: list[Maker] = [
            (Column("#"), place),
            (Column("method", "name"), lambda d: d["label"]),
            (Column("mean rank"), lambda d: fixed(d["mean_rank"], 1)),
            (Column(f"{board.metric.label} {style.level}"), mean),
            (Column("values"), lambda d: f"{d['rows_ok']}/{d['rows']}"),
        ]
        note = (
            f"{MARKS['near']} not distinguishable from the best mean: the 95 % interval of the "
            "paired difference contains 0. Methods without all values are not ranked."
        )
        tables = [
            filled("", makers, records(board.detectors), text=text, notes=(note,)),
            differences(board, self.comparison),
        ]
        return Page(title, (*tables, *([] if narrow else [matrix(board)])))


def verdicts(board: Board, comparison: Comparison) -> tuple[str, ...]:
    """Return who is better, and which data sets decide."""
    found, best = comparison.blocks.estimates, comparison.reference
    lines, value = records(comparison.lines), format_of(board.metric.name)
    n_clear = int((found.signs(best) < 0).sum())
    tested = sum(line["holm"] < ALPHA and line["difference"] < 0 for line in lines)
    ranks = averages.ranks(found.by_dataset)
    top, winners = int(averages.family_means(ranks, found.nesting).argmin()), {}
    for name, means in zip(
        found.datasets, averages.left_out_means(ranks, found.nesting), strict=False
    ):
        if means[top] > means.min() + SAME:
            winners[name] = found.labels[int(means.argmin())]
    changed = "; ".join(f"without {name}, {first} is first" for name, first in winners.items())
    texts = [
        f"{best} is clearly better than {n_clear} of {len(lines)} others by its mean, and "
        f"than {tested} by the corrected test."
    ]
    if len(found.datasets) > 1:
        most, moves = found.most_influential()
        texts.append(
            f"{changed[:1].upper()}{changed[1:]}."
            if changed
            else "No single data set decides who is first."
        )
        texts[-1] += f" Means depend most on {most}: {value(float(np.abs(moves).mean()))} each."
    return tuple(texts)
