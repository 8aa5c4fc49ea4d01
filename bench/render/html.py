"""A board as one HTML file without scripts: tables to read, print and paste.

The page that sorts, filters and draws is another: `bench report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.boards.against import Comparison
from bench.boards.board import MARKS, Board
from bench.render.tables import Cell, Table, failures, tables

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9em; }
th, td { padding: .15rem .5rem; text-align: right; white-space: nowrap; }
th.l, td.l { text-align: left; }
thead th { border-bottom: 1px solid; position: sticky; top: 0; background: Canvas; }
tbody tr:hover { background: color-mix(in srgb, CanvasText 8%, transparent); }
.best { font-weight: bold; }
@media print { .wide { overflow: visible; } body { margin: 0; font-size: 8pt; } }
""".strip()


def to_html(board: Board, comparison: Comparison | None = None) -> str:
    """The board, and a comparison of its detectors, as a page of its own."""
    first, *others = tables(board, comparison)
    parts = [
        f"<h1>{escape(first.title)}</h1>",
        f"<p>{escape(board.caption)}.</p>",
        table_text(first, (*first.notes, *board.made_by)),
    ]
    parts += [
        f"<h2>{escape(table.title)}</h2>\n{table_text(table, table.notes)}" for table in others
    ]
    if len(board.failures):
        told = [
            f"<li><code>{escape(label)}</code>: {escape(happened)}"
            + (f": <code>{escape(reason)}</code></li>" if reason else "</li>")
            for label, happened, reason in failures(board)
        ]
        parts += ["<h2>Failures</h2>", "<ul>", *told, "</ul>"]
    return page(first.title, parts)


def page(title: str, parts: Sequence[str]) -> str:
    """A page of these parts of HTML."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{STYLE}\n</style></head>",
            "<body>",
            *parts,
            "</body>",
            "</html>",
            "",
        ]
    )


def table_text(table: Table, notes: tuple[str, ...]) -> str:
    """A table alone, with sentences under it."""
    heads = "".join(
        f'<th scope="col"{" class=l" if table.left(i) else ""}>{escape(head)}</th>'
        for i, head in enumerate(table.heads)
    )
    rows = [
        "<tr>" + "".join(_cell(cell, table.left(i)) for i, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    ]
    parts = ['<div class="wide"><table>', f"<thead><tr>{heads}</tr></thead>", "<tbody>", *rows]
    parts += ["</tbody></table></div>"]
    if notes:
        parts += ["<ul>", *(f"<li>{escape(note)}</li>" for note in notes), "</ul>"]
    return "\n".join(parts)


def _cell(cell: Cell, left: bool) -> str:
    classes = " ".join(name for name, on in (("l", left), ("best", cell.best)) if on)
    text = escape(cell.text)
    text = f"<code>{text}</code>" if cell.name else text
    mark = MARKS["near"] if cell.near else ""
    return f'<td class="{classes}">{text}{mark}{cell.tail}</td>'
