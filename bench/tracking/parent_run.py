"""The summary of the board that the parent run of an invocation holds in MLflow.

Invocations with one `Selection` are comparable: their means are the steps of one more run, which
lasts, so that MLflow charts each detector over time.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.store.records import Wanted, digest

if TYPE_CHECKING:
    from bench.boards.board import Board

TABLE = "leaderboard.json"  # as MLflow's `log_table` writes one
LONGEST_NOTE = 7500  # characters of a description; servers refuse more than 8000


@dataclass(frozen=True)
class Selection:
    """What makes invocations comparable: data by content, protocols, scalers and seeds.

    Attributes:
        title: how many of them, in words.
        digest: of all of them.
    """

    title: str
    digest: str

    @classmethod
    def of(cls, wanted: Iterable[Wanted]) -> Selection:
        """Return the selection of rows."""
        names = ("dataset", "data_sha256", "protocol", "scaler", "seed")
        parts = sorted({tuple(getattr(row, name) for name in names) for row in wanted})
        sets, _, protocols, scalers, seeds = (
            sorted(set(each)) for each in zip(*parts, strict=True)
        )
        title = f"data sets: {len(sets)}; {', '.join(protocols)}; {', '.join(scalers)}"
        return cls(f"{title}; seeds: {len(seeds)}", digest(parts))


@dataclass(frozen=True)
class Summary:
    """What a parent run holds of its board.

    Attributes:
        files: texts by file name: the leaderboard in several formats, the figures.
        tables: names of the files that MLflow shows as tables.
        note: the description of the run, in Markdown.
        metrics: numbers by NAME/DETECTOR.
        selection: of the rows of the board; None where there is none.
        complete: those of `metrics` whose detectors have all rows, which makes them comparable.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    note: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    selection: Selection | None = None
    complete: Mapping[str, float] = field(default_factory=dict)


def of_board(
    board: Board, wanted: Iterable[Wanted], seconds: Mapping[str, float] | None = None
) -> Summary:
    """Return the summary of a board; drawing its figures takes a second or two.

    Args:
        board: of the suite.
        wanted: its rows.
        seconds: that each stage of the run took, if they are wanted.
    """
    from bench.boards.against import against, comparable
    from bench.render import figures, formats

    comparison = against(board, None) if comparable(board) else None
    files = formats.leaderboards(board) | {TABLE: _table(board)}
    for name, drawn in figures.draw(board, comparison).items():
        text = io.StringIO()
        figures.write(drawn.drawing, text, "svg")
        files[f"figures/{name}.svg"] = text.getvalue()
    name = board.metric.name
    metrics, complete = (
        {f"{name}/{label}": float(value) for label, value in lines[["label", name]].to_numpy()}
        for lines in (board.detectors, board.detectors.dropna(subset="rank"))
    )
    metrics |= {f"profile/{stage}": took for stage, took in (seconds or {}).items()}
    note = _note(files["leaderboard.md"])
    return Summary(files, (TABLE,), note, metrics, Selection.of(wanted), complete)


def _table(board: Board) -> str:
    """Return the leaderboard as printed, in the JSON of MLflow's tables."""
    import pandas as pd

    from bench.render.tables import leaderboard

    table = leaderboard(board)
    heads = [column.head for column in table.columns]
    frame = pd.DataFrame(table.texts(), columns=pd.Index(heads))
    return frame.to_json(orient="split", index=False, force_ascii=False)


def _note(page: str) -> str:
    """Return a Markdown page to the end of its first table, as far as it fits."""
    head = page.partition("\n## ")[0].rstrip() + "\n"
    if len(head) <= LONGEST_NOTE:
        return head
    whole_lines = head[:LONGEST_NOTE].rpartition("\n")[0]
    return f"{whole_lines}\n\nThe rest is in the artifact `leaderboard.md`.\n"
