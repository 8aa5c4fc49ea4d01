"""Our values as a file: one line for each cell of a published table that was run or failed.

The file lies beside the page of reproductions, so that a machine with the rows of only some cells
can regenerate the page and add to it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.reproduce.comparison import Kept, Made, Ours, Place, Reproduction

COLUMNS = (
    "table", "dataset", "detector", "metric", "printed", "printed_std", "ours", "ours_std",
    "agreement", "failure", "device", "versions", "commit", "code", "data", "recipe",
)  # fmt: skip
MORE_DECIMALS = 6  # than are printed


def to_csv(every: Sequence[Reproduction]) -> str:
    """Return the cells that were run, one line each."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in every:
        digits = one.table.description.decimals + MORE_DECIMALS
        for cell in one.cells:
            if cell.made is None:
                continue
            printed, made = cell.printed, cell.made
            ours = (_number(cell.ours, digits), _number(cell.std, digits))
            lines.writerow(
                [
                    one.table.name, printed.dataset, printed.detector, printed.metric,
                    printed.value, "" if printed.std is None else printed.std, *ours,
                    cell.agreement, cell.reason if cell.agreement == "failed" else "",
                    made.device, made.versions, made.commit, made.code,
                    made.data, one.table.recipe(printed.detector, printed.dataset),
                ]
            )  # fmt: skip
    return text.getvalue()


def read(path: Path) -> dict[Place, Kept]:
    """Return the values of a file that `to_csv` made, by place; none if there is no such file.

    Raises:
        ValueError: the file is of another kind, or a line of it is damaged.
    """
    if not path.exists():
        return {}
    found: dict[Place, Kept] = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if tuple(lines.fieldnames or ()) != COLUMNS:
            msg = (
                f"{path} is not a file of reproduced cells, whose columns are {','.join(COLUMNS)}; "
                "give --write another name, or restore the file of an older commit"
            )
            raise ValueError(msg)
        for line in lines:
            place = (line["table"], line["dataset"], line["detector"], line["metric"])
            try:
                kept = _kept(line)
            except ValueError as error:
                raise ValueError(_damaged(path, lines.line_num, str(error))) from error
            if place in found:
                raise ValueError(_damaged(path, lines.line_num, "its cell has an earlier line"))
            found[place] = kept
    return found


def _kept(line: Mapping[str, str]) -> Kept:
    if len(line) > len(COLUMNS) or None in line.values():
        msg = f"it does not have {len(COLUMNS)} fields"
        raise ValueError(msg)
    made = Made(*(line[name] for name in ("device", "versions", "commit", "code", "data")))
    mean, std = (float(line[name] or "nan") for name in ("ours", "ours_std"))
    if math.isnan(mean) != bool(line["failure"]):
        msg = "it needs either a value or a failure"
        raise ValueError(msg)
    return Kept(Ours(mean, std, made, line["failure"]), line["recipe"])


def _damaged(path: Path, line: int, why: str) -> str:
    return (
        f"line {line} of {path} is damaged: {why}; repair it, or restore the file of an older "
        "commit"
    )


def _number(value: float, digits: int) -> str:
    """Return a number without the zeros at its end, "" for nan."""
    if math.isnan(value):
        return ""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".")
