"""Pages in Markdown."""

from __future__ import annotations

from bench.boards.words import MARKS
from bench.render.table import Cell, Page, Table


def write(page: Page) -> str:
    """Return the page; the best values are bold."""
    parts = [f"# {_escaped(page.title)}"]
    for table in page.tables:
        parts += [f"## {_escaped(table.title)}"] if table.title else []
        parts += [*table.text, *([_table(table)] if table.rows else [])]
        parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    heads = [_escaped(column.head) for column in table.columns]
    rule = ["---" if column.left else "--:" for column in table.columns]
    lines = [heads, rule, *([_cell(cell) for cell in row] for row in table.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    text = f"`{text}`" if cell.code and text else text
    text = f"**{text}**" if cell.best else text
    return text + (MARKS["near"] if cell.near else "") + cell.tail


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", "<br>")
