"""The tables of a board, and of a comparison of its detectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.boards.decisive import AUDITS
from bench.boards.notes import UNUSED, left_out
from bench.boards.words import MARKS, TYPES
from bench.metrics import scored
from bench.render.table import NONE, Cell, Column, Maker, Record, Table, filled, text_of
from bench.render.values import (
    bracketed,
    compact,
    cost,
    fit_cost,
    fixed,
    format_of,
    limits,
    marks,
    place,
    reach,
    records,
    share,
    short_names,
    whole,
)

FEW = 8  # data sets up to which a matrix has room for intervals
N_BEST = 10  # detectors of a short board, beside the baselines
FEW_FAILURES = 8  # that a terminal shows
MICRO = "\N{MICRO SIGN}s/x"
SHORT_TYPES = {"shallow": "shal.", "hybrid": "hybr.", "control": "base."}


@dataclass(frozen=True)
class Style:
    """How values and heads are printed: in full on a page, or for a terminal of 100 columns.

    Attributes:
        narrow: whether it is for a terminal.
        span: prints a value with its limits.
        level: what a head says of limits.
    """

    narrow: bool
    span: Callable[[Callable[[float], str], float, float, float], str]
    level: str

    def line(self, metric: str, line: Record) -> str:
        """Return the value of a line with its limits."""
        return self.span(format_of(metric), line["value"], line["low"], line["high"])


WIDE = Style(narrow=False, span=bracketed, level="[95 %]")
NARROW = Style(narrow=True, span=compact, level="95 %")


def short_board(board: Board) -> tuple[Table, ...]:
    """Return the best detectors and the baselines, and the first of the incomplete detectors."""
    detectors = board.detectors
    incomplete = detectors["rank"].isna()
    first = (detectors["rank"] <= N_BEST) | (detectors["type"] == "control")
    shown = detectors[(first & ~incomplete) | (incomplete & (incomplete.cumsum() <= N_BEST))]
    n_more = len(detectors) - len(shown)
    *tables, last = leaderboards(replace(board, detectors=shown), NARROW)
    cells = "".join(map(text_of, (cell for t in (*tables, last) for row in t.rows for cell in row)))
    explained = ("#", AUDITS, UNUSED, *(mark for mark in MARKS.values() if mark in cells))
    notes = [note for note in board.notes if note.startswith(explained)]
    notes += [left_out(board.stale)] if board.stale else []
    notes += [f"{n_more} more detector{'s' if n_more > 1 else ''}."] if n_more else []
    return (*tables, replace(last, notes=tuple(notes)))


def leaderboards(board: Board, style: Style) -> list[Table]:
    """Return the leaderboard; a terminal has another for the incomplete detectors.

    There, the ranked ones have no column of rows, since they have all of theirs.
    """
    if not style.narrow:
        return [leaderboard(board)]
    rank, detector, kind, mean_rank, *metrics, rows, fit, score = _of_detector(board, style)
    lines = records(board.detectors)
    ranked = [line for line in lines if not math.isnan(line["rank"])]
    rest = [line for line in lines if math.isnan(line["rank"])]
    text = (f"{board.caption}.",)
    tables = []
    if ranked:
        makers = [rank, detector, kind, mean_rank, *metrics, fit, score]
        tables.append(filled("", makers, ranked, text=text))
    if rest:
        why: Maker = (Column("reason", "prose"), lambda d: d["failures"])
        title = "Incomplete, not ranked" if ranked else ""
        makers = [detector, kind, *metrics, rows, why]
        tables.append(filled(title, makers, rest, text=() if ranked else text))
    return tables


def leaderboard(board: Board) -> Table:
    """Return the table of all detectors."""
    makers = _of_detector(board, WIDE)
    lines = records(board.detectors)
    if any(line["failures"] for line in lines):
        makers.append((Column("missing", "text"), lambda d: d["failures"]))
    notes = (*board.notes, *board.made_by)
    return filled("", makers, lines, text=(f"{board.caption}.",), notes=notes)


def _type(line: Record) -> str:
    return TYPES[line["type"]]


def _of_detector(board: Board, style: Style) -> list[Maker]:
    """Return the columns of a leaderboard: the metric of the board first, then its companions."""
    names = dict.fromkeys([board.metric.name, "auroc", "lifted_average_precision"])
    of_pixels = [name for name in ("aupro", "aupimo") if name in board.detectors]
    of_alarms: list[Maker] = []
    if "alarm_rate@0.05" in board.detectors:
        of_pixels.append("alarm_recall@0.05")
        of_alarms = [
            (
                Column("false@5%" if style.narrow else "false alarms@5%"),
                lambda d: share(d["alarm_rate@0.05"]),
            ),
            (Column("in band"), lambda d: f"{d['alarms_within']:.0f}/{d['alarms_rows']:.0f}"),
        ]
    shown = list(names)[:2] if style.narrow else list(dict.fromkeys([*names, *of_pixels]))
    raw: list[Maker] = [
        (Column("AP", extra=True), lambda d: share(d["average_precision"])),
        (Column("prevalence", extra=True), lambda d: share(d["prevalence"])),
    ]
    return [
        (Column("#"), place),
        (Column("detector", "name"), lambda d: Cell(d["label"], code=True, tail=marks(d))),
        (Column("type", "text"), _type),
        (Column("rank" if style.narrow else "mean rank"), lambda d: fixed(d["mean_rank"], 1)),
        *(_mean(name, style) for name in shown),
        *([] if style.narrow else raw),
        *of_alarms,
        (Column("rows"), lambda d: f"{d['rows_ok']}/{d['rows']}"),
        (Column("fit s"), fit_cost),
        (Column(MICRO), lambda d: cost(d["median_score_us"])),
    ]


def _mean(name: str, style: Style) -> Maker:
    def cell(d: Record) -> Cell:
        text = style.span(format_of(name), d[name], d[f"{name}_low"], d[f"{name}_high"])
        inverted = MARKS["inverted"] if name == "auroc" and d["inverted"] else ""
        return Cell(text, best=d[f"{name}_best"], near=d[f"{name}_near"], tail=inverted)

    return Column(f"{scored.get(name).label} {style.level}"), cell


def families(board: Board, style: Style = WIDE) -> Table:
    """Return the table of the types of detectors: the best of each and its costs."""
    metric, label = board.metric.name, board.metric.label
    value = format_of(metric)
    makers: list[Maker] = [
        (Column("type", "text"), _type),
        (Column("ranked"), lambda f: f"{f['ranked']}/{f['detectors']}"),
        (Column("best", "name"), lambda f: _named(f["best"])),
        (Column("#"), lambda f: whole(f["rank"])),
        (Column(f"{label} {style.level}"), lambda f: style.line(metric, f)),
        (Column("typical" if style.narrow else f"typical {label}"), lambda f: value(f["typical"])),
        (Column("first on"), lambda f: f"{f['first']}/{f['datasets']}"),
        (Column("fit s"), lambda f: cost(f["fit_seconds"])),
        (Column(MICRO), lambda f: cost(f["score_us"])),
    ]
    note = (
        f"The best detector of a type has the best mean {label}, chosen with these data: the more "
        "detectors of a type there are, the better its best looks. Typical: the mean over data "
        "sets of the median of the type on each. First on: data sets whose best detector, or one "
        "equal to it, is of the type."
    )
    title = f"{label} by type of detector"
    return filled(title, makers, records(board.types), notes=(note,))


def differences(board: Board, comparison: Comparison) -> Table:
    """Return the table of every detector against the reference."""

    def difference(c: Record) -> str:
        return bracketed(share, c["difference"], c["low"], c["high"])

    def chance(c: Record) -> str:
        low, high = c["superiority_low"], c["superiority_high"]
        return bracketed(share, c["superiority"], low, high)

    makers: list[Maker] = [
        (Column("detector", "name"), lambda c: _named(c["label"])),
        (Column("rank"), lambda c: fixed(c["mean_rank"], 1)),
        (
            Column("difference [95 %]"),
            difference,
        ),
        (Column("w/t/l"), lambda c: f"{c['wins']}/{c['ties']}/{c['losses']}"),
        (Column("P(beats) [95 %]"), chance),
        (Column("p"), lambda c: cost(c["holm"]) if c["holm"] < 1 else "1"),
        (Column("better"), lambda c: share(c["better"], 2)),
        (Column("same"), lambda c: share(c["same"], 2)),
        (Column("worse"), lambda c: share(c["worse"], 2)),
    ]
    title = f"{board.metric.label}: differences from {comparison.reference}"
    return filled(title, makers, records(comparison.lines), notes=comparison.notes)


def data_sets(board: Board, style: Style = WIDE) -> Table:
    """Return the table of data sets: sizes, the best of all and of each type of detector."""
    label, value = board.metric.label, format_of(board.metric.name)
    names = list(board.datasets["dataset"])
    short = dict(zip(names, short_names(names), strict=True))

    def best(d: Record) -> Cell:
        return _named(d["best"], f" +{d['ties']}" if d["ties"] else "")

    makers: list[Maker]
    if style.narrow:
        has_limits = board.datasets["best_low"].notna().any()
        makers = [
            (Column("data set", "name"), lambda d: short[d["dataset"]]),
            (Column("train"), lambda d: whole(d["n_train"])),
            (
                Column("test (anom.)"),
                lambda d: f"{whole(d['n_test'])} ({whole(d['n_anomalies'])})",
            ),
            (Column("best", "name"), best),
            (
                Column(f"{label} {style.level}" if has_limits else label),
                lambda d: compact(value, d["best_value"], d["best_low"], d["best_high"]),
            ),
            *(_best_value(name, value) for name in TYPES),
        ]
    else:
        makers = [
            (Column("data set", "text"), lambda d: d["dataset"]),
            (Column("family", "text"), lambda d: d["dataset_family"]),
            (Column("kind", "text"), lambda d: d["dataset_kind"]),
            (Column("train"), lambda d: whole(d["n_train"])),
            (Column("test"), lambda d: whole(d["n_test"])),
            (Column("anomalies"), lambda d: whole(d["n_anomalies"])),
            (Column("best", "text"), best),
            (Column(label), lambda d: value(d["best_value"])),
            (Column("95 %"), lambda d: limits(value, d["best_low"], d["best_high"])),
            *(_best_of(name, value) for name in TYPES),
        ]
    reached: Maker = (Column("reach"), reach)
    return filled("By data set", [*makers, reached], records(board.datasets))


def _best_value(name: str, value: Callable[[float], str]) -> Maker:
    head = SHORT_TYPES.get(name, name)
    return Column(head), lambda d: value(d[f"best_{name}_value"])


def _best_of(name: str, value: Callable[[float], str]) -> Maker:
    def cell(d: Record) -> Cell:
        label, reached = d[f"best_{name}"], d[f"best_{name}_value"]
        if not label:
            return Cell(NONE)
        return Cell(f"{value(reached)} {label}", best=abs(reached - d["best_value"]) < 1e-9)

    return Column(TYPES[name]), cell


def matrix(board: Board) -> Table:
    """Return the table of every detector on every data set; intervals where few sets leave room."""
    value = format_of(board.metric.name)
    names = list(board.datasets["dataset"])
    wide = len(names) <= FEW and board.cells["low"].notna().any()
    cells = {(c["label"], c["dataset"]): c for c in records(board.cells)}

    def shown(name: str) -> Callable[[Record], Cell]:
        def cell(d: Record) -> Cell:
            c = cells[d["label"], name]
            text = WIDE.line(board.metric.name, c) if wide else value(c["value"])
            tail = MARKS["inverted"] if c["inverted"] else ""
            return Cell(_with_status(text, c), best=c["best"], near=c["near"], tail=tail)

        return cell

    makers: list[Maker] = [
        (Column("detector", "name"), lambda d: Cell(d["label"], code=True, tail=marks(d))),
        *((Column(s), shown(n)) for s, n in zip(short_names(names), names, strict=True)),
    ]
    title = f"{board.metric.label} of every detector on every data set"
    return filled(title, makers, records(board.detectors), turned=True)


def _with_status(text: str, cell: Record) -> str:
    """Return the text of a cell of the matrix: its value, or why it has none or only a part."""
    if cell["rows_ok"] == cell["rows"]:
        return text
    reason = "" if cell["status"] == "missing" else cell["status"]
    if not cell["rows_ok"]:
        return reason or NONE
    return f"{text} ({cell['rows_ok']}/{cell['rows']}{', ' + reason if reason else ''})"


def means(board: Board, table: pd.DataFrame, by: str, style: Style = WIDE) -> Table:
    """Return the table of means under each protocol, or on each kind of data."""
    metric = board.metric.name
    lines = {(line["label"], line[by]): line for line in records(table)}
    sign = 1 if board.metric.larger_is_better else -1
    top: dict[str, float] = {}
    for line in lines.values():
        if line["rows_ok"] == line["rows"]:
            top[line[by]] = max(sign * line["value"], top.get(line[by], -math.inf))

    def shown(group: str) -> Callable[[Record], Cell]:
        def cell(d: Record) -> Cell:
            line = lines.get((d["label"], group))
            if line is None:
                return Cell(NONE)
            text = style.line(metric, line)
            if line["rows_ok"] < line["rows"]:
                return Cell(f"{text} ({line['rows_ok']}/{line['rows']})")
            return Cell(text, best=sign * line["value"] >= top[group] - 1e-9)

        return cell

    makers: list[Maker] = [
        (Column("detector", "name"), lambda d: _named(d["label"])),
        *((Column(group), shown(group)) for group in dict.fromkeys(group for _, group in lines)),
    ]
    title = f"{board.metric.label} by {'kind of data' if by == 'kind' else by}"
    return filled(title, makers, records(board.detectors))


def failures(board: Board, style: Style) -> Table:
    """Return the table of failures, a line for each detector, status and reason."""
    lines = records(board.failures)
    shown = lines[:FEW_FAILURES] if style.narrow else lines
    more = len(lines) - len(shown)
    makers: list[Maker] = [
        (Column("detector", "name"), lambda f: _named(f["label"])),
        (Column("status", "text"), lambda f: f["status"]),
        (Column("rows"), lambda f: str(f["rows"])),
        (Column("data sets", "prose"), lambda f: ", ".join(f["datasets"])),
        (Column("reason", "prose"), lambda f: Cell(f["reason"], code=True)),
    ]
    note = (f"{more} more in the other formats.",) if more else ()
    return filled("Failures", makers, shown, notes=note)


def _named(label: str, tail: str = "") -> Cell:
    return Cell(label, code=True, tail=tail) if label else Cell(NONE)
