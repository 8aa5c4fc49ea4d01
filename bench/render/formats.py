"""A board as text in each format, and as a folder with all of them and the figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.render import html, latex, markdown, values

Maker = Callable[[Board, Comparison | None], str]
TEXTS: dict[str, Maker] = {
    "csv": lambda board, _: values.to_csv(board),
    "md": markdown.to_markdown,
    "tex": latex.to_latex,
    "bib": lambda board, _: latex.to_bibtex(board),
    "html": html.to_html,
    "json": values.to_json,
}


def leaderboards(board: Board) -> dict[str, str]:
    """The texts that a run keeps of its board, by file name."""
    return {f"leaderboard.{name}": TEXTS[name](board, None) for name in ("md", "csv")}


def save(board: Board, comparison: Comparison | None, folder: Path) -> list[Path]:
    """Write a board into a folder, in every format and with its figures; return the files.

    `board.tex` holds the tables and `paper.tex` a document that includes them and the figures;
    `pdflatex paper`, `bibtex paper` and twice more `pdflatex paper` make it a PDF.
    """
    from bench.render import figures

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in TEXTS.items():
        path = folder / ("references.bib" if name == "bib" else f"board.{name}")
        path.write_text(text(board, comparison), encoding="utf-8")
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
