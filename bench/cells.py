"""Figures of ours as a file: every cell of published tables that was run, without its rows.

It lies beside the page of reproductions, so that the page can be written anew, and grow, on a
machine that has not the rows of all.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from bench.reproduction import Kept, Made, Place, Reproduction

COLUMNS = (
    "table", "dataset", "detector", "metric", "printed", "printed_std", "ours", "ours_std",
    "agreement", "device", "versions", "commit", "code", "recipe",
)  # fmt: skip
MORE_DECIMALS = 6  # than are printed: enough for a comparison to come out the same


def to_csv(every: Sequence[Reproduction]) -> str:
    """Return the cells that were run, one line each."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in every:
        digits = one.table.told.decimals + MORE_DECIMALS
        for cell in one.cells:
            if cell.made is None:
                continue
            printed, made = cell.printed, cell.made
            ours = ["" if math.isnan(v) else f"{v:.{digits}f}" for v in (cell.ours, cell.std)]
            lines.writerow(
                [
                    one.table.name, printed.dataset, printed.detector, printed.metric,
                    printed.value, "" if printed.std is None else printed.std, *ours,
                    cell.agreement, made.device, made.versions, made.commit, made.code,
                    one.table.recipe(printed.detector, printed.dataset),
                ]
            )  # fmt: skip
    return text.getvalue()


def read(path: Path) -> dict[Place, Kept]:
    """Return the figures of a file that `to_csv` made, by place; none if there is no such file.

    Raises:
        ValueError: the file is another.
    """
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if tuple(lines.fieldnames or ()) != COLUMNS:
            msg = f"{path} is not a file of reproduced cells; move it away, and run this again"
            raise ValueError(msg)
        return {
            (line["table"], line["dataset"], line["detector"], line["metric"]): Kept(
                float(line["ours"]),
                float(line["ours_std"] or math.nan),
                Made(line["device"], line["versions"], line["commit"], line["code"]),
                line["recipe"],
            )
            for line in lines
        }
