"""A published table, methods by data sets, as the rows of a board.

A cell is a mean, alone or with its spread over seeds ("91.2 ± 0.4", "0.912 (0.004)"), or one of
`ABSENT`. Values above 1 make the whole table one of percent. The spread stands for the standard
error of one value, so that a value is marked which may equal the best of its data set.
"""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass

import pandas as pd

import datasets
from bench.boards.columns import NUMBER_COLUMNS

ABSENT = ("", "-", "\N{EN DASH}", "\N{EM DASH}", "n/a", "na", "nan")
SUMMARIES = re.compile(r"(mean|average|avg|median|rank|overall)\b.*", re.IGNORECASE)
_NUMBER = r"(\d+\.?\d*|\.\d+)"
_CELL = re.compile(rf"{_NUMBER}\s*%?(?:\s*(?:±|\+/?-|\\pm)\s*{_NUMBER}|\s*\({_NUMBER}\))?\s*%?")
PERCENT = 100
USED = "count as standard errors of single values"


@dataclass(frozen=True)
class Published:
    """A table as read.

    Attributes:
        rows: as `bench.boards.board.build` takes them.
        notes: what was left out or converted.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...]


def read(text: str, metric: str, *, in_columns: bool = False) -> Published:
    """Return the rows of a table.

    Args:
        text: of a CSV file; its first line names data sets, its first column methods.
        metric: what the values are.
        in_columns: whether instead methods are columns and data sets are lines.

    Raises:
        ValueError: no table, a name twice, or a cell that is no value of 0 to 1 or 0 to 100.
    """
    lines = [line for line in csv.reader(io.StringIO(text)) if any(map(str.strip, line))]
    lines = [[cell.strip() for cell in line] for line in lines]
    if len(lines) < 2 or len(lines[0]) < 2:
        msg = "the table has no values; its first line names data sets, its first column methods"
        raise ValueError(msg)
    for place, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            msg = f"line {place} of the table has {len(line)} cells, the first has {len(lines[0])}"
            raise ValueError(msg)
    if in_columns:
        lines = [list(line) for line in zip(*lines, strict=True)]
    names, methods = lines[0][1:], [line[0] for line in lines[1:]]
    for what, found in (("data set", names), ("method", methods)):
        if twice := sorted({name for name in found if found.count(name) > 1 or not name}):
            problem = f"{twice[0]!r} is a duplicate" if twice[0] else "without a name"
            msg = f"the table has a {what} {problem}; give each {what} a name of its own"
            raise ValueError(msg)
    summaries = [name for name in names if SUMMARIES.fullmatch(name)]
    cells = {
        (line[0], name): _cell(cell, line[0], name)
        for line in lines[1:]
        for name, cell in zip(names, line[1:], strict=True)
        if name not in summaries
    }
    percent = any(value > 1 for value, _ in cells.values())
    scale = PERCENT if percent else 1
    for (method, name), (value, _) in cells.items():
        if value > scale:
            msg = f"{method} on {name} is {value:g}; values are 0 to 1, or percent"
            raise ValueError(msg)
    rows = [_row(*at, value / scale, spread / scale, metric) for at, (value, spread) in
            cells.items()]  # fmt: skip
    if not rows:
        msg = f"the table has no data sets; left out as summaries: {', '.join(summaries)}"
        raise ValueError(msg)
    notes = []
    if summaries:
        notes.append(f"Left out as summaries, which are computed here: {', '.join(summaries)}.")
    if percent:
        notes.append("Values are read as percent.")
    if any(spread > 0 for _, spread in cells.values()):
        used = USED if metric == "auroc" else "are left out; only those of auroc are used"
        notes.append(f"Spreads {used}.")
    if absent := [f"{m} on {d}" for (m, d), (value, _) in cells.items() if math.isnan(value)]:
        notes.append(f"Missing: {', '.join(absent[:8])}{' ...' * (len(absent) > 8)} "
                     f"({len(absent)} of {len(cells)} values).")  # fmt: skip
    return Published(pd.DataFrame.from_records(rows), tuple(notes))


def _cell(text: str, method: str, name: str) -> tuple[float, float]:
    """Return value and spread, nan where there is none."""
    if text.lower() in ABSENT:
        return math.nan, math.nan
    found = _CELL.fullmatch(text)
    if not found:
        msg = (
            f"{method} on {name} is {text!r}; give a number such as 0.912 or '91.2 ± 0.4', or "
            "leave the cell empty"
        )
        raise ValueError(msg)
    return float(found[1]), float(found[2] or found[3] or math.nan)


def _row(method: str, name: str, value: float, spread: float, metric: str) -> dict[str, object]:
    try:
        family = datasets.find(name).family
    except ValueError:
        family = name
    return dict.fromkeys(NUMBER_COLUMNS, math.nan) | {
        "label": method, "spec": method, "family": "shallow", "dataset": name,
        "dataset_family": family, "dataset_kind": "unknown", "official_split": False,
        "protocol": "one-class", "scaler": "unknown", "seed": 0, "device": "unknown",
        "status": "missing" if math.isnan(value) else "ok", "reason": "", "transductive": False,
        metric: value, "auroc_se": spread,
    }  # fmt: skip
