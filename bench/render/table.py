"""What every command prints: pages of tables, which each format writes in its own way."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bench.boards.words import MARKS
from bench.render.printable import printable, uncalculated

if TYPE_CHECKING:
    from bench.render.references import Reference

NONE = "\N{EN DASH}"  # where there is no value
Record = dict[str, Any]
Kind = Literal["number", "text", "name", "prose"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: its heading.
        kind: a number is right-aligned, all others are left-aligned; where there is little room, a
            name continues on another line after one of its signs, and prose after a word.
        extra: whether it is left out on paper, where there is little room.
    """

    head: str
    kind: Kind = "number"
    extra: bool = False

    @property
    def left(self) -> bool:
        """Whether its cells are left-aligned."""
        return self.kind != "number"


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        best: whether it is the best value.
        near: whether it is not distinguishable from the best.
        code: whether it is printed as code.
        tail: marks after the text.
    """

    text: str
    best: bool = False
    near: bool = False
    code: bool = False
    tail: str = ""


def text_of(cell: Cell) -> str:
    """Return what a cell says with its marks, as plain text."""
    return cell.text + (MARKS["near"] if cell.near else "") + cell.tail


@dataclass(frozen=True)
class Table:
    """A section of a page: a heading, paragraphs, a table and notes; each may be absent.

    Attributes:
        title: its heading; empty for the first of a page, whose title it then has.
        columns: of the table.
        rows: cells, one for each column.
        text: paragraphs above the table.
        notes: sentences below the table.
        turned: whether its heads are turned by 90 degrees on paper.
        apart: whether the last row stands apart on paper, below a rule.
    """

    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    turned: bool = False
    apart: bool = False

    def __post_init__(self) -> None:
        """Make all texts printable; only prose may have several lines."""
        keep = ["\n" if column.kind == "prose" else "" for column in self.columns]
        shown = {
            "title": printable(self.title),
            "columns": tuple(replace(c, head=printable(c.head)) for c in self.columns),
            "rows": tuple(tuple(map(_printable, row, keep)) for row in self.rows),
            "text": tuple(map(printable, self.text)),
            "notes": tuple(map(printable, self.notes)),
        }
        for name, value in shown.items():
            object.__setattr__(self, name, value)

    def texts(self) -> list[list[str]]:
        """Return the rows as plain texts with their marks."""
        return [[cell.text + cell.tail for cell in row] for row in self.rows]


@dataclass(frozen=True)
class Page:
    """A title and the tables under it."""

    title: str
    tables: tuple[Table, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", printable(self.title))


class Document(ABC):
    """What a command prints, in the forms that the formats write; a page is enough.

    A document with values of full precision, or with sources to cite, has methods of its own.
    """

    @abstractmethod
    def page(self, *, narrow: bool) -> Page:
        """Return the page; a narrow one is for a terminal of 100 columns."""

    def csv(self) -> str:
        """Return the CSV file: by default the first table."""
        table = next(table for table in self.page(narrow=False).tables if table.columns)
        return csv_text([[column.head for column in table.columns], *table.texts()])

    def content(self) -> Any:
        """Return the value of the JSON file: by default the texts of the page."""
        page = self.page(narrow=False)
        tables = [
            {
                "title": table.title or page.title,
                "text": table.text,
                "columns": [column.head for column in table.columns],
                "rows": table.texts(),
                "notes": table.notes,
            }
            for table in page.tables
        ]
        return {"title": page.title, "tables": tables}

    def sources(self) -> Mapping[str, Sequence[Reference]]:
        """Return what to cite of each name that the page prints."""
        return {}


@dataclass(frozen=True)
class Plain(Document):
    """A document of a single page."""

    made: Page

    def page(self, *, narrow: bool) -> Page:
        """Return the page."""
        return self.made


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Return lines of values as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(uncalculated, line) for line in lines)
    return text.getvalue()


def _printable(cell: Cell, keep: str) -> Cell:
    text = printable(cell.text, keep)
    return cell if text is cell.text else replace(cell, text=text)


Maker = tuple[Column, Callable[[Record], Cell | str]]


def filled(title: str, makers: Sequence[Maker], lines: Iterable[Record], **more: Any) -> Table:
    """Return a table with a row for each line, from its columns and what fills them."""
    rows = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in made)
        for made in ([fill(line) for _, fill in makers] for line in lines)
    )
    return Table(title, tuple(column for column, _ in makers), rows, **more)


def plain(
    title: str, columns: Sequence[Column], rows: Iterable[Sequence[object]], **more: Any
) -> Table:
    """Return a table of plain texts."""
    cells = tuple(tuple(Cell(str(text)) for text in row) for row in rows)
    return Table(title, tuple(columns), cells, **more)
