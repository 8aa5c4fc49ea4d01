"""How figures are printed, and a board as CSV and JSON.

No format writes a time of day, so equal results give equal files. Markdown, LaTeX, HTML and the
terminal's table have modules of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.boards.board import MARKS, Board
from bench.metrics import scored

if TYPE_CHECKING:
    from bench.boards.against import Comparison

NONE = "\N{EN DASH}"  # where there is no number

Record = dict[str, Any]


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


def to_json(board: Board, comparison: Comparison | None = None) -> str:
    """Everything the board, and a comparison, hold; absent numbers are null."""
    content = {
        "title": board.title,
        "metric": board.metric.name,
        "protocol": board.protocol,
        "larger_is_better": board.metric.larger_is_better,
        "caption": board.caption,
        "notes": list(board.notes),
        "made_by": list(board.made_by),
        "best_control": board.best_control or None,
        "stale": board.stale,
        **{
            name: _lines(table)
            for name, table in (
                ("detectors", board.detectors), ("datasets", board.datasets),
                ("cells", board.cells), ("failures", board.failures),
                ("protocols", board.protocols), ("kinds", board.kinds),
                ("families", board.families),
            )
        },
        "comparison": None if comparison is None else _compared(comparison),
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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
        "friedman": None
        if friedman is None
        else {k: _or_null(v) for k, v in vars(friedman).items()},
        "notes": comparison.notes,
        "lines": _lines(comparison.lines),
    }


def _lines(table: pd.DataFrame) -> list[Record]:
    return [{k: _or_null(v) for k, v in line.items()} for line in records(table)]


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
    """Names of more than 12 characters lose prefix and settings, where what remains is unique."""
    short = [n if len(n) <= 12 else n.partition("?")[0].rpartition("/")[2] for n in names]
    return [s if short.count(s) == 1 else n for s, n in zip(short, names, strict=True)]


def reach(dataset: Record) -> str:
    """How many ("7/40") of the detectors on a data set cannot be told from its best."""
    if math.isnan(dataset["reaching"]):
        return NONE
    return f"{dataset['reaching']:.0f}/{dataset['compared']:.0f}"


def figure_of(metric: str) -> Callable[[float], str]:
    """How values of a metric are printed: `share` for quality, `cost` for costs."""
    return share if scored.get(metric).larger_is_better else cost


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
