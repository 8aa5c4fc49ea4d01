"""What a parent run in MLflow shows of its board: texts, a table, figures, and a description."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.boards.board import Board

TABLE = "leaderboard.json"  # as MLflow's `log_table` writes one
LONGEST_NOTE = 7500  # characters of a description; servers refuse more than 8000


@dataclass(frozen=True)
class Shown:
    """Files by name, which of them MLflow shows as tables, a description in Markdown, and metrics,
    NAME/DETECTOR, to be charted from invocation to invocation.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    note: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


def of_board(board: Board) -> Shown:
    """Return what is shown of a board; drawing takes a second or two."""
    import matplotlib

    from bench.boards.against import against, comparable
    from bench.render import figures, formats

    comparison = against(board, None) if comparable(board) else None
    files = formats.leaderboards(board) | {TABLE: _table(board)}
    with matplotlib.rc_context(figures.SETTINGS):
        for name, drawn in figures.draw(board, comparison).items():
            text = io.StringIO()
            drawn.drawing.savefig(text, format="svg", metadata={"Date": None})
            files[f"figures/{name}.svg"] = text.getvalue()
    name = board.metric.name
    means = board.detectors.set_index("label")[name]
    metrics = {f"{name}/{label}": float(value) for label, value in means.items()}
    return Shown(files, (TABLE,), _note(files["leaderboard.md"]), metrics)


def _table(board: Board) -> str:
    """Return the leaderboard as printed, in the JSON of MLflow's tables."""
    import pandas as pd

    from bench.render import tables as printed

    table = printed.leaderboard(board)
    lines = [[cell.text + cell.tail for cell in row] for row in table.rows]
    frame = pd.DataFrame(lines, columns=pd.Index(table.heads))
    return frame.to_json(orient="split", index=False, force_ascii=False)


def _note(page: str) -> str:
    """Return the first table of a Markdown page with what stands before it, as far as it fits."""
    head = page.partition("\n## ")[0].rstrip() + "\n"
    if len(head) <= LONGEST_NOTE:
        return head
    whole_lines = head[:LONGEST_NOTE].rpartition("\n")[0]
    return f"{whole_lines}\n\nThe rest is in the artifact `leaderboard.md`.\n"
