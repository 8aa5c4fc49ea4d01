"""A board as files: Markdown, CSV and JSON, and how figures are printed.

No renderer writes a time of day, so equal results give equal files. The terminal's table is in
`bench.terminal`.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from bench import metrics
from bench.board import KINDS, MARKS, Board

NONE = "\N{EN DASH}"  # where there is no number

Record = dict[str, Any]


def to_markdown(board: Board) -> str:
    """The board as a Markdown page: both tables, every detector on every data set, failures."""
    detectors, metric = board.detectors, board.metric
    shown = dict.fromkeys([metric.name, "auroc", "lifted_average_precision"])
    head = ["#", "detector", "kind", "mean rank"]
    head += [f"{metrics.get(name).label} [95 %]" for name in shown]
    head += ["AP", "prevalence", "rows", "fit s", "\N{MICRO SIGN}s/x", "missing"]
    lines = [
        [
            whole(d["rank"]), _code(d["label"]) + marks(d), d["kind"], fixed(d["mean_rank"], 1),
            *(_bracketed(d, name) for name in shown),
            share(d["average_precision"]), share(d["prevalence"]),
            f"{d['rows_ok']}/{d['rows']}", fit_cost(d), cost(d["median_score_us"]), d["failures"],
        ]
        for d in records(detectors)
    ]  # fmt: skip
    parts = [f"# {board.title}: {metric.name}", board.caption + ".", _markdown_table(head, lines)]
    parts += ["\n".join(f"- {note}" for note in board.notes)]
    if len(board.protocols):
        parts += [f"## {metric.label} by protocol", _markdown_protocols(board)]
    parts += ["## By data set", _markdown_datasets(board)]
    parts += [f"## {metric.label} of every detector on every data set", _markdown_matrix(board)]
    if len(board.failures):
        parts += ["## Failures", _markdown_failures(board)]
    return "\n\n".join(parts) + "\n"


def to_csv(board: Board) -> str:
    """One line a detector, six significant digits.

    The columns of `Board.detectors`, then `METRIC:DATASET`, the mean over the seeds there are, for
    each data set, and where there are several protocols `METRIC:PROTOCOL`, the mean under each.
    """
    table = board.detectors.copy()
    table["rank"] = table["rank"].astype("Int64")
    matrix = board.cells.pivot(index="label", columns="dataset", values="value")
    matrix = matrix.loc[table["label"]].add_prefix(f"{board.metric.name}:")
    parts = [table, matrix.reset_index(drop=True)]
    if len(board.protocols):
        means = board.protocols.pivot(index="label", columns="protocol", values="value")
        means = means.loc[table["label"]].add_prefix(f"{board.metric.name}:")
        parts.append(means.reset_index(drop=True))
    wide = pd.concat(parts, axis=1)
    return wide.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_json(board: Board) -> str:
    """Everything the board holds; absent numbers are null."""
    content = {
        "title": board.title,
        "metric": board.metric.name,
        "protocol": board.protocol,
        "larger_is_better": board.metric.larger_is_better,
        "caption": board.caption,
        "notes": list(board.notes),
        "best_control": board.best_control or None,
        "stale": board.stale,
        **{
            name: [{k: _or_null(v) for k, v in line.items()} for line in records(table)]
            for name, table in (
                ("detectors", board.detectors), ("datasets", board.datasets),
                ("cells", board.cells), ("failures", board.failures),
                ("protocols", board.protocols),
            )
        },
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def protocol_table(board: Board) -> tuple[list[str], list[list[Record]]]:
    """The protocols of a board, and for each detector in its order the lines under them."""
    names = list(dict.fromkeys(board.protocols["protocol"]))
    lines = {(p["label"], p["protocol"]): p for p in records(board.protocols)}
    return names, [[lines[label, name] for name in names] for label in board.detectors["label"]]


def _markdown_protocols(board: Board) -> str:
    names, table = protocol_table(board)
    figure = figure_of(board.metric.name)
    lines = [
        [_code(cells[0]["label"]), *(_measured(figure, cell) for cell in cells)] for cells in table
    ]
    return _markdown_table(["detector", *map(_escaped, names)], lines)


def _measured(figure: Callable[[float], str], cell: Record) -> str:
    text = f"{figure(cell['value'])} {_limits(figure, cell['low'], cell['high'])}"
    return text if cell["rows_ok"] == cell["rows"] else f"{text} ({cell['rows_ok']}/{cell['rows']})"


def _markdown_datasets(board: Board) -> str:
    figure = figure_of(board.metric.name)
    head = ["data set", "family", "train", "test", "anomalies", "best", f"{board.metric.label}"]
    head += ["95 %", *KINDS, "reach"]
    lines = [
        [
            _escaped(d["dataset"]), _escaped(d["dataset_family"]),
            *(whole(d[n]) for n in ("n_train", "n_test", "n_anomalies")),
            (_code(d["best"]) if d["best"] else NONE) + (f" +{d['ties']}" if d["ties"] else ""),
            figure(d["best_value"]), _limits(figure, d["best_low"], d["best_high"]),
            *(
                f"{figure(d[f'best_{kind}_value'])} {_code(d[f'best_{kind}'])}"
                if d[f"best_{kind}"] else NONE
                for kind in KINDS
            ),
            reach(d),
        ]
        for d in records(board.datasets)
    ]  # fmt: skip
    return _markdown_table(head, lines)


def _markdown_matrix(board: Board) -> str:
    """Rows are detectors in the board's order; the best of each data set is bold."""
    figure = figure_of(board.metric.name)
    names = list(board.datasets["dataset"])
    best = dict(zip(names, board.datasets["best_value"], strict=True))
    cells = {(c["label"], c["dataset"]): c for c in records(board.cells)}

    def shown(cell: Record) -> str:
        text = figure(cell["value"])
        if 0 < cell["rows_ok"] < cell["rows"]:
            return f"{text} ({cell['rows_ok']}/{cell['rows']})"
        return f"**{text}**" if abs(cell["value"] - best[cell["dataset"]]) < 1e-9 else text

    lines = [
        [_code(label), *(shown(cells[label, name]) for name in names)]
        for label in board.detectors["label"]
    ]
    return _markdown_table(["detector", *map(_escaped, short_names(names))], lines)


def _markdown_failures(board: Board) -> str:
    lines = [
        f"- {_code(f['label'])}: {f['status']} on {f['rows']} "
        f"{'row' if f['rows'] == 1 else 'rows'} ({', '.join(f['datasets'])})"
        + (f": {_code(f['reason'])}" if f["reason"] else "")
        for f in records(board.failures)
    ]
    return "\n".join(lines)


def _markdown_table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    head = list(head)
    rule = ["---" if h in ("detector", "data set", "kind", "best", "missing") else "--:"
            for h in head]  # fmt: skip
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _code(text: str) -> str:
    return f"`{_escaped(text)}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


def _bracketed(detector: Record, name: str) -> str:
    figure = figure_of(name)
    limits = _limits(figure, detector[f"{name}_low"], detector[f"{name}_high"])
    return f"{figure(detector[name])} {limits}"


def _limits(figure: Callable[[float], str], low: float, high: float) -> str:
    return f"[{NONE}]" if math.isnan(low) else f"[{figure(low)}, {figure(high)}]"


def records(table: pd.DataFrame) -> list[Record]:
    """The lines of a table as dictionaries of Python's own types."""
    return [{str(k): v for k, v in line.items()} for line in table.to_dict("records")]


def marks(detector: Record) -> str:
    """The signs behind a detector's name, which the board's notes explain."""
    weak = MARKS["weak"] if detector["beats_control"] is False else ""
    return weak + (MARKS["transductive"] if detector["transductive"] else "")


def fit_cost(detector: Record) -> str:
    """Median CPU seconds of fitting, marked where one fitted model serves several rows."""
    text = cost(detector["median_fit_seconds"])
    return text + MARKS["shared"] if detector["shared_model"] and text != NONE else text


def short_names(names: Sequence[str]) -> list[str]:
    """Names of more than 12 characters lose their prefix, where what remains is unique."""
    short = [n if len(n) <= 12 else n.rpartition("/")[2] for n in names]
    return [s if short.count(s) == 1 else n for s, n in zip(short, names, strict=True)]


def reach(dataset: Record) -> str:
    """How many ("7/40") of the detectors on a data set cannot be told from its best."""
    if math.isnan(dataset["reaching"]):
        return NONE
    return f"{dataset['reaching']:.0f}/{dataset['compared']:.0f}"


def figure_of(metric: str) -> Callable[[float], str]:
    """How values of a metric are printed: `share` for quality, `cost` for costs."""
    return share if metrics.get(metric).larger_is_better else cost


def share(value: float, decimals: int = 3) -> str:
    """A number without its leading zero: ".912", "1.000", "-.012"."""
    text = fixed(value, decimals)
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def cost(value: float) -> str:
    """Two significant digits or the whole number, in five cells: ".0012", "3.4", "120", "12k"."""
    for size, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= size:
            return f"{value / unit:.0f}{letter}"
    if 0 < value < 0.001:
        return "<.001"
    digits = 0 if math.isnan(value) or value == 0 else 1 - math.floor(math.log10(value))
    return share(value, max(digits, 0))


def fixed(value: float, decimals: int) -> str:
    return NONE if math.isnan(value) else f"{value:.{decimals}f}"


def whole(value: float) -> str:
    return fixed(value, 0)
