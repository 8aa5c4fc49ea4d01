"""Pages as text for a terminal; nothing depends on colour alone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells

from bench.boards.words import MARKS, TYPES
from bench.render.palette import TERMINAL
from bench.render.table import Cell, Column, Page, Table, text_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH = 100  # cells of a line, where no terminal says otherwise
LEAST = 10  # cells that a name or prose keeps however narrow the terminal
LONGEST_HEAD = 15  # cells of a head that is not folded
BREAKS = {  # a text may continue on another line after these
    "name": re.compile(r"(?<=[-:+,\[(=/])|(?<= )(?!%)"),
    "prose": re.compile(r"(?<=\s)"),
}
STYLES = {
    **{TYPES[family]: colour for family, colour in TERMINAL.items()},
    "better": "green", "worse": "bold red", "not comparable": "yellow",
}  # fmt: skip


def write(page: Page, width: int = WIDTH, *, styled: bool = False) -> str:
    """Return the page as text of at most `width` cells a line; a table takes what numbers need."""
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=styled,
        color_system="standard" if styled else None,
        highlight=False,
    )
    with console.capture() as capture:
        for i, table in enumerate(page.tables):
            if i:
                console.print()
            console.print(Text(table.title or page.title, style="bold"))
            for paragraph in table.text:
                console.print(Text(paragraph))
            for line in _table(table, width) if table.rows else ():
                console.print(line, no_wrap=True, overflow="ignore", crop=False)
            for note in table.notes:
                is_warning = note.startswith(MARKS["weak"])
                console.print(Text(note, style="bold yellow" if is_warning else "dim"))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def show(page: Page, console: Console) -> None:
    """Write the page to a console, in colour if it is a terminal."""
    styled = console.is_terminal and not console.no_color
    console.file.write(write(page, console.width, styled=styled))


def _table(table: Table, width: int) -> Iterator[Text]:
    sizes, gap = _sizes(table, width)
    heads = [Cell(column.head) for column in table.columns]
    yield from _row(heads, table.columns, sizes, gap, is_head=True)
    for row in table.rows:
        yield from _row(row, table.columns, sizes, gap)


def _sizes(table: Table, width: int) -> tuple[list[int], str]:
    """Return the cells that each column has, and the gap between columns.

    Where there is too little room, prose is folded, and then names.
    """
    sizes = []
    for i, column in enumerate(table.columns):
        texts = [line for row in table.rows for line in text_of(row[i]).split("\n")]
        sizes.append(max(min(cell_len(column.head), LONGEST_HEAD), *map(cell_len, texts)))
    kinds = [column.kind for column in table.columns]
    pairs = zip(kinds, sizes, strict=True)
    least = sum(min(size, LEAST) if kind == "prose" else size for kind, size in pairs)
    gap = "  " if least + 2 * len(sizes) - 2 <= width else " "
    room = width - len(gap) * (len(sizes) - 1)
    for kind in ("prose", "name"):
        foldable = [i for i, own in enumerate(kinds) if own == kind]
        while sum(sizes) > room and max((sizes[i] for i in foldable), default=0) > LEAST:
            sizes[max(foldable, key=sizes.__getitem__)] -= 1
    return sizes, gap


def _row(
    cells: Sequence[Cell],
    columns: Sequence[Column],
    sizes: Sequence[int],
    gap: str,
    *,
    is_head: bool = False,
) -> Iterator[Text]:
    """Yield the lines of a row, as many as the cell with the most lines has."""
    from rich.text import Text

    folded = [
        _folded(text_of(cell), size, "name" if is_head else column.kind)
        for cell, column, size in zip(cells, columns, sizes, strict=True)
    ]
    for parts in zip_longest(*folded, fillvalue=""):
        line = Text()
        for part, cell, column, size in zip(parts, cells, columns, sizes, strict=True):
            padding = " " * (size - cell_len(part))
            style = "bold" if is_head or cell.best else ""
            style = STYLES.get(cell.text, style) if column.kind == "text" else style
            line.append(gap if len(line) else "")
            line.append(part + padding if column.left else padding + part, style=style)
        yield line


def _folded(text: str, size: int, kind: str) -> list[str]:
    """Return a text in lines of at most `size` cells; numbers and other texts are one line."""
    if (cell_len(text) <= size and "\n" not in text) or kind not in BREAKS:
        return [text]
    lines = []
    for whole in text.split("\n"):
        lines.append("")
        for part in BREAKS[kind].split(whole):
            for piece in chop_cells(part, size):
                if cell_len(lines[-1] + piece.rstrip()) > size:
                    lines.append("")
                lines[-1] += piece
    return [line.rstrip() for line in lines]
