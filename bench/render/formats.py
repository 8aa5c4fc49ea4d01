"""The formats that documents are written in: one line here makes a format known everywhere."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.render import html, latex, markdown, terminal
from bench.render.printable import HIDDEN
from bench.render.table import Document

if TYPE_CHECKING:
    from rich.console import Console

    from bench.boards.against import Comparison
    from bench.boards.board import Board


class Format(NamedTuple):
    """A format: how a document is written, and the suffix of its file."""

    write: Callable[[Document], str]
    suffix: str


def _json(document: Document) -> str:
    text = json.dumps(document.content(), indent=1, ensure_ascii=False, allow_nan=False)
    hidden = (sign for sign in set(text) if unicodedata.category(sign) in HIDDEN and sign != "\n")
    return text.translate({ord(sign): json.dumps(sign)[1:-1] for sign in hidden}) + "\n"


def _bib(document: Document) -> str:
    from bench.render.references import bibtex

    return bibtex(source for found in document.sources().values() for source in found)


TABLE = "table"  # for a terminal, and what every command prints by default
FORMATS: dict[str, Format] = {
    TABLE: Format(lambda document: terminal.write(document.page(narrow=True)), "txt"),
    "csv": Format(lambda document: document.csv(), "csv"),
    "md": Format(lambda document: markdown.write(document.page(narrow=False)), "md"),
    "tex": Format(lambda d: latex.write(d.page(narrow=False), d.sources()), "tex"),
    "bib": Format(_bib, "bib"),
    "html": Format(lambda document: html.write(document.page(narrow=False)), "html"),
    "json": Format(_json, "json"),
}


def show(document: Document, name: str, console: Console) -> None:
    """Write a document to a console: as wide as it is, or in another format as it is."""
    if name == TABLE:
        terminal.show(document.page(narrow=True), console)
    else:
        console.file.write(FORMATS[name].write(document).rstrip("\n") + "\n")


def leaderboards(board: Board) -> dict[str, str]:
    """Return the texts that a run keeps of its board, by file name."""
    from bench.render.board import BoardDocument

    document = BoardDocument(board)
    return {f"leaderboard.{name}": FORMATS[name].write(document) for name in ("md", "csv")}


def save(board: Board, comparison: Comparison | None, folder: Path) -> list[Path]:
    """Write a board into a folder, in every format and with its figures; return the files.

    `board.tex` holds the tables and `paper.tex` a document that includes them and the figures;
    `pdflatex paper`, `bibtex paper` and twice more `pdflatex paper` make it a PDF.
    """
    from bench.render import figures
    from bench.render.board import BoardDocument

    folder.mkdir(parents=True, exist_ok=True)
    document = BoardDocument(board, comparison)
    written = []
    for each in FORMATS.values():
        path = folder / f"{'references' if each.suffix == 'bib' else 'board'}.{each.suffix}"
        path.write_text(each.write(document), encoding="utf-8")
        written.append(path)
    drawn = figures.draw(board, comparison)
    for name, figure in drawn.items():
        written += figures.save(figure.drawing, folder / name)
    body = [r"\input{board}"]
    for name, figure in drawn.items():
        width = min(1.0, figure.drawing.get_figwidth() / figures.WIDTH)
        body.append(latex.figure(name, figure.caption, width))
    paper = folder / "paper.tex"
    paper.write_text(latex.document("\n".join(body)), encoding="utf-8")
    return [*written, paper]
