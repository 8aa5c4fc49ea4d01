"""A board as tables of texts: what every format prints, decided once.

A cell says whether its figure is the best of its kind or is not told apart from it; each format
shows that in its own way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.boards.groups import FAMILIES
from bench.metrics import scored
from bench.render.values import (
    NONE,
    Record,
    cost,
    figure_of,
    fit_cost,
    fixed,
    marks,
    reach,
    records,
    share,
    short_names,
    whole,
)

Span = Callable[[Callable[[float], str], Record], str]  # how a line's value and limits are printed

FEW = 8  # data sets up to which a matrix has room for intervals
TEXTS = (
    "detector",
    "family",
    "kind",
    "data set",
    "best",
    "missing",
    "families",
    "agreement",
    "table",
)


@dataclass(frozen=True)
class Cell:
    """One cell of a printed table.

    Attributes:
        text: what it says.
        best: whether it is the best figure.
        near: whether it is not told apart from the best.
        name: whether it is a name, printed as code.
        tail: signs behind the name.
    """

    text: str
    best: bool = False
    near: bool = False
    name: bool = False
    tail: str = ""


@dataclass(frozen=True)
class Table:
    """A printed table.

    Attributes:
        key: "leaderboard", "families", "protocols", "kinds", "datasets", "differences", "matrix".
        title: its heading.
        heads: one a column; those in TEXTS are left-aligned.
        rows: cells, as many a row as there are heads.
        notes: sentences that belong under it.
    """

    key: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def left(self, column: int) -> bool:
        """Whether a column is of texts, which are left-aligned."""
        return self.heads[column] in TEXTS


def tables(board: Board, comparison: Comparison | None = None) -> list[Table]:
    """Return all tables of a board, the leaderboard first and the matrix last."""
    made = [leaderboard(board), families(board)]
    if comparison is not None:
        made.append(differences(board, comparison))
    if len(board.protocols):
        made.append(means(board, "protocol", "protocols"))
    if len(board.kinds):
        made.append(means(board, "kind", "kinds", "kind of data"))
    return [*made, datasets(board), matrix(board)]


def bracketed(figure: Callable[[float], str], line: Record) -> str:
    """Return the value of a line with its limits in brackets."""
    return f"{figure(line['value'])} {limits(figure, line['low'], line['high'])}"


def leaderboard(board: Board) -> Table:
    """Return the table of detectors."""
    metric = board.metric
    shown = tuple(dict.fromkeys([metric.name, "auroc", "lifted_average_precision"]))
    heads = ["#", "detector", "family", "mean rank"]
    heads += [f"{scored.get(name).label} [95 %]" for name in shown]
    heads += ["AP", "prevalence", "rows", "fit s", "\N{MICRO SIGN}s/x"]
    lines = records(board.detectors)
    rows = [
        (
            Cell(whole(d["rank"])), Cell(d["label"], name=True, tail=marks(d)), Cell(d["family"]),
            Cell(fixed(d["mean_rank"], 1)), *(_mean(d, name) for name in shown),
            Cell(share(d["average_precision"])), Cell(share(d["prevalence"])),
            Cell(f"{d['rows_ok']}/{d['rows']}"), Cell(fit_cost(d)),
            Cell(cost(d["median_score_us"])),
        )
        for d in lines
    ]  # fmt: skip
    if any(d["failures"] for d in lines):
        heads.append("missing")
        rows = [(*row, Cell(d["failures"])) for row, d in zip(rows, lines, strict=True)]
    return Table(
        "leaderboard", f"{board.title}: {metric.name}", tuple(heads), tuple(rows), board.notes
    )


def families(board: Board, span: Span = bracketed) -> Table:
    """Return the table of deep, shallow, hybrid and control: the best of each and its price."""
    figure = figure_of(board.metric.name)
    label = board.metric.label
    heads = ("family", "ranked", "best", "#", f"{label} [95 %]", f"median {label}", "first on",
             "fit s", "\N{MICRO SIGN}s/x")  # fmt: skip
    rows = [
        (
            Cell(f["family"]), Cell(f"{f['ranked']}/{f['detectors']}"), _named(f["best"]),
            Cell(whole(f["rank"])), Cell(span(figure, f)), Cell(figure(f["median"])),
            Cell(f"{f['first']}/{f['datasets']}"), Cell(cost(f["fit_seconds"])),
            Cell(cost(f["score_us"])),
        )
        for f in records(board.families)
    ]  # fmt: skip
    note = (
        f"The best of a family has its best mean {label}, chosen with these data: the more "
        "detectors a family enters, the better its best looks. First on: data sets whose best "
        "detector, or one equal to it, is of the family."
    )
    return Table("families", f"{label} by family of detectors", heads, tuple(rows), (note,))


def differences(board: Board, comparison: Comparison) -> Table:
    """Return the table of every detector against the reference."""
    heads = ("detector", "rank", "difference [95 %]", "w/t/l", "P(beats) [95 %]", "p", "better",
             "same", "worse")  # fmt: skip
    rows = [
        (
            _named(c["label"]), Cell(fixed(c["mean_rank"], 1)),
            Cell(f"{share(c['difference'])} {limits(share, c['low'], c['high'])}"),
            Cell(f"{c['wins']}/{c['ties']}/{c['losses']}"),
            Cell(f"{share(c['superiority'], 2)} "
                 f"{limits(_hundredths, c['superiority_low'], c['superiority_high'])}"),
            Cell(cost(c["holm"]) if c["holm"] < 1 else "1"),
            *(Cell(share(c[name], 2)) for name in ("better", "same", "worse")),
        )
        for c in records(comparison.lines)
    ]  # fmt: skip
    title = f"{board.metric.label}: differences from {comparison.reference}"
    return Table("differences", title, heads, tuple(rows), comparison.notes)


def datasets(board: Board) -> Table:
    """Return the table of data sets: sizes, the best of all and of each family of detectors."""
    figure = figure_of(board.metric.name)
    heads = ["data set", "family", "kind", "train", "test", "anomalies", "best"]
    heads += [board.metric.label, "95 %", *FAMILIES, "reach"]
    rows = [
        (
            Cell(d["dataset"]), Cell(d["dataset_family"]), Cell(d["dataset_kind"]),
            *(Cell(whole(d[n])) for n in ("n_train", "n_test", "n_anomalies")),
            _named(d["best"], f" +{d['ties']}" if d["ties"] else ""),
            Cell(figure(d["best_value"])), Cell(limits(figure, d["best_low"], d["best_high"])),
            *(_of_family(d, family, figure) for family in FAMILIES), Cell(reach(d)),
        )
        for d in records(board.datasets)
    ]  # fmt: skip
    return Table("datasets", "By data set", tuple(heads), tuple(rows))


def _of_family(dataset: Record, family: str, figure: Callable[[float], str]) -> Cell:
    label, value = dataset[f"best_{family}"], dataset[f"best_{family}_value"]
    if not label:
        return Cell(NONE)
    return Cell(f"{figure(value)} {label}", best=abs(value - dataset["best_value"]) < 1e-9)


def matrix(board: Board) -> Table:
    """Return the table of every detector on every data set; intervals where few sets leave room."""
    figure = figure_of(board.metric.name)
    names = list(board.datasets["dataset"])
    wide = len(names) <= FEW and board.cells["low"].notna().any()
    cells = {(c["label"], c["dataset"]): c for c in records(board.cells)}
    tails = {d["label"]: marks(d) for d in records(board.detectors)}

    def shown(cell: Record) -> Cell:
        text = bracketed(figure, cell) if wide else figure(cell["value"])
        return Cell(told(text, cell), best=cell["best"], near=cell["near"])

    rows = tuple(
        (Cell(label, name=True, tail=tails[label]), *(shown(cells[label, name]) for name in names))
        for label in board.detectors["label"]
    )
    title = f"{board.metric.label} of every detector on every data set"
    return Table("matrix", title, ("detector", *short_names(names)), rows)


def told(text: str, cell: Record) -> str:
    """Return the text of a cell of the matrix: its figure, or why it has none or a part only."""
    if cell["rows_ok"] == cell["rows"]:
        return text
    reason = "" if cell["status"] == "missing" else cell["status"]
    if not cell["rows_ok"]:
        return reason or NONE
    return f"{text} ({cell['rows_ok']}/{cell['rows']}{', ' + reason if reason else ''})"


def means(board: Board, by: str, field: str, words: str = "", span: Span = bracketed) -> Table:
    """Return the table of means under each protocol, or on each kind of data."""
    figure = figure_of(board.metric.name)
    lines = {(line["label"], line[by]): line for line in records(getattr(board, field))}
    groups = list(dict.fromkeys(group for _, group in lines))
    sign = 1 if board.metric.larger_is_better else -1
    complete = [line for line in lines.values() if line["rows_ok"] == line["rows"]]
    top = {
        group: max((sign * c["value"] for c in complete if c[by] == group), default=math.nan)
        for group in groups
    }

    def shown(line: Record) -> Cell:
        text = span(figure, line)
        if line["rows_ok"] < line["rows"]:
            return Cell(f"{text} ({line['rows_ok']}/{line['rows']})")
        return Cell(text, best=sign * line["value"] >= top[line[by]] - 1e-9)

    rows = tuple(
        (_named(label), *(shown(lines[label, group]) for group in groups))
        for label in board.detectors["label"]
    )
    title = f"{board.metric.label} by {words or by}"
    return Table(field, title, ("detector", *groups), rows)


def _named(label: str, tail: str = "") -> Cell:
    return Cell(label, name=True, tail=tail) if label else Cell(NONE)


def _mean(detector: Record, name: str) -> Cell:
    figure = figure_of(name)
    span = limits(figure, detector[f"{name}_low"], detector[f"{name}_high"])
    return Cell(
        f"{figure(detector[name])} {span}",
        best=detector[f"{name}_best"],
        near=detector[f"{name}_near"],
    )


def limits(figure: Callable[[float], str], low: float, high: float) -> str:
    """Return limits in brackets, a dash in them where there are none."""
    return f"[{NONE}]" if math.isnan(low) else f"[{figure(low)}, {figure(high)}]"


def _hundredths(value: float) -> str:
    return share(value, 2)


def failures(board: Board) -> Sequence[tuple[str, str, str]]:
    """Return a (label, what happened, reason) for each detector, status and reason of failure."""
    return [
        (
            f["label"],
            f"{f['status']} on {f['rows']} {'row' if f['rows'] == 1 else 'rows'} "
            f"({', '.join(f['datasets'])})",
            f["reason"],
        )
        for f in records(board.failures)
    ]
