"""A board as a Markdown page: every table, every detector on every data set, failures."""

from __future__ import annotations

from bench.boards.against import Comparison
from bench.boards.board import MARKS, Board
from bench.render.tables import Cell, Table, failures, tables


def to_markdown(board: Board, comparison: Comparison | None = None) -> str:
    """The board, and a comparison of its detectors, as a page; the best figures are bold."""
    first, *others = tables(board, comparison)
    parts = [f"# {first.title}", board.caption + ".", table_text(first)]
    parts += ["\n".join(f"- {note}" for note in (*first.notes, *board.made_by))]
    for table in others:
        parts += [f"## {_escaped(table.title)}", table_text(table)]
        parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    if len(board.failures):
        told = [
            f"- {_code(label)}: {happened}" + (f": {_code(reason)}" if reason else "")
            for label, happened, reason in failures(board)
        ]
        parts += ["## Failures", "\n".join(told)]
    return "\n\n".join(parts) + "\n"


def table_text(table: Table) -> str:
    """A table alone."""
    rule = ["---" if table.left(i) else "--:" for i in range(len(table.heads))]
    heads = [_escaped(head) for head in table.heads]
    lines = [heads, rule, *([_cell(cell) for cell in row] for row in table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(cell: Cell) -> str:
    text = _code(cell.text) if cell.name else _escaped(cell.text)
    if cell.best:
        text = f"**{text}**"
    return text + (MARKS["near"] if cell.near else "") + cell.tail


def _code(text: str) -> str:
    return f"`{_escaped(text)}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")
