"""A board as the one table of a paper: detectors times data sets, with means and ranks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.boards.board import Board
from bench.render.board import BoardDocument
from bench.render.table import NONE, Cell, Column, Document, Maker, Page, Record, filled
from bench.render.values import fixed, records, share, short_names
from detectors.settings import nearest

if TYPE_CHECKING:
    from bench.render.references import Reference

MOST = 10  # data sets beside each other, as fit on a page
Spread = Literal["mean", "std", "interval"]
SPREADS: Mapping[Spread, str] = {
    "mean": "mean over seeds",
    "std": "mean \N{PLUS-MINUS SIGN} standard deviation over seeds",
    "interval": "mean over seeds [95 % interval]",
}


@dataclass(frozen=True)
class PaperTable(Document):
    """The values of a board, in one table as far as a page holds it.

    Attributes:
        board: what is printed.
        spread: what stands beside a mean.
        percent: whether values are multiplied by 100.
        digits: after the point; None for 3, of percent 1.
        highlight: label of the detector that stands last, below a rule, in bold.

    Raises:
        ValueError: no detector has the label.
    """

    board: Board
    spread: Spread = "std"
    percent: bool = False
    digits: int | None = None
    highlight: str | None = None

    def __post_init__(self) -> None:
        labels = list(self.board.detectors["label"])
        if self.highlight is not None and self.highlight not in labels:
            msg = f"--highlight: no detector {self.highlight!r}; {nearest(self.highlight, labels)}"
            raise ValueError(msg)

    def page(self, *, narrow: bool) -> Page:
        """Return the page: one table, or one for each MOST data sets."""
        board, metric = self.board, self.board.metric
        names = list(board.datasets["dataset"])
        lines = sorted(records(board.detectors), key=lambda d: d["label"] == self.highlight)
        cells = {(c["label"], c["dataset"]): c for c in records(board.cells)}
        n_parts = math.ceil(len(names) / MOST)
        size = math.ceil(len(names) / n_parts)
        unit = f"{metric.label} (%)" if self.percent else metric.label
        text = (f"{unit}, {SPREADS[self.spread]}; {board.caption}.",)
        notes = (
            "Bold: the best of a column, not rounded. Rank: mean over data sets, then families.",
        )
        tables = []
        for start in range(0, len(names), size):
            is_last = start + size >= len(names)
            shown = names[start : start + size]
            makers: list[Maker] = [
                (Column("detector", "name"), self._label),
                *(
                    (Column(head), self._cell(cells, name))
                    for head, name in zip(short_names(shown), shown, strict=True)
                ),
            ]
            if is_last:
                makers += [
                    (Column("mean"), self._mean),
                    (Column("rank"), self._rank),
                ]
            title = "" if start == 0 else f"{board.title}, continued"
            tables.append(
                filled(title, makers, lines, text=text if start == 0 else (),
                       notes=notes if is_last else (), apart=self.highlight is not None)
            )  # fmt: skip
        return Page(f"{board.title}: {metric.name}", tuple(tables))

    def sources(self) -> Mapping[str, Sequence[Reference]]:
        """Return the sources of the detectors and data sets, by label and name."""
        return BoardDocument(self.board).sources()

    def _label(self, d: Record) -> Cell:
        return Cell(d["label"], code=True, best=d["label"] == self.highlight)

    def _cell(self, cells: Mapping[tuple[str, str], Record], name: str) -> Callable[[Record], Cell]:
        def cell(d: Record) -> Cell:
            c = cells[d["label"], name]
            if c["rows_ok"] < c["rows"] and not c["rows_ok"]:
                return Cell(c["status"] if c["status"] not in ("", "missing") else NONE)
            short = f" ({c['rows_ok']}/{c['rows']})" if c["rows_ok"] < c["rows"] else ""
            return Cell(self._text(c["value"], c) + short, best=c["best"])

        return cell

    def _mean(self, d: Record) -> Cell:
        metric = self.board.metric.name
        limits = {"low": d[f"{metric}_low"], "high": d[f"{metric}_high"], "std": math.nan}
        return Cell(self._text(d[metric], limits), best=bool(d[f"{metric}_best"]))

    def _rank(self, d: Record) -> Cell:
        return Cell(fixed(d["mean_rank"], 1), best=d["rank"] == 1)

    def _text(self, value: float, beside: Record) -> str:
        if self.spread == "std" and not math.isnan(beside["std"]):
            return f"{self._number(value)} \N{PLUS-MINUS SIGN} {self._number(beside['std'])}"
        if self.spread == "interval" and not math.isnan(beside["low"]):
            low = self._number(beside["low"], math.floor)
            return f"{self._number(value)} [{low}, {self._number(beside['high'], math.ceil)}]"
        return self._number(value)

    def _number(self, value: float, whole: Callable[[float], int] | None = None) -> str:
        """Return a value as printed; a limit is rounded outward by `whole`."""
        digits = self.digits if self.digits is not None else (1 if self.percent else 3)
        value = 100 * value if self.percent else value
        if whole and math.isfinite(value):
            value = whole(round(value * 10**digits, 6)) / 10**digits
        return fixed(value, digits) if self.percent else share(value, digits)
