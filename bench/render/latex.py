"""A board as LaTeX tables for a paper: booktabs, caption, notes, citations.

The tables need `booktabs` and `graphicx`, and nothing else; they are floats of the full width in
one column as in two. Where the rows or columns are too many for a page, a table goes on in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from bench.boards.against import Comparison
from bench.boards.board import MARKS, Board
from bench.render import references
from bench.render.tables import Cell, Table, datasets, differences, families, leaderboard, matrix

ROWS = 55  # of a page
COLUMNS = 14  # of a matrix
DROPPED = ("AP", "prevalence")  # columns of the leaderboard that a page has no room for
SYMBOLS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$",
    ">": r"$>$", "|": r"$|$", '"': r"''", "\N{EN DASH}": "--", "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{DAGGER}": r"$^\dagger$", "\N{MICRO SIGN}": r"$\mu$", "\N{ALMOST EQUAL TO}": r"$\approx$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r ",
    "\u030c": "v ", "\u0327": "c ", "\u0304": "=", "\u0307": ".",
}  # fmt: skip

DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage[margin=18mm]{geometry}
\usepackage{booktabs,graphicx,url}
\providecommand{\doi}[1]{\url{https://doi.org/#1}}
\begin{document}
%s
\clearpage
\bibliographystyle{plain}
\bibliography{references}
\end{document}
"""


def to_latex(board: Board, comparison: Comparison | None = None) -> str:
    """The leaderboard, by family, differences, data sets and the matrix, as floats."""
    cited = {d: references.of_detector(s) for d, s in _specs(board).items()}
    first = _shortened(leaderboard(board))
    notes = [*first.notes, *board.made_by, *_data_note(board)]
    parts = [
        _floats(first, f"{first.title}. {board.caption}.", notes, cited),
        _floats(families(board), families(board).title + ".", families(board).notes),
    ]
    if comparison is not None:
        table = differences(board, comparison)
        parts.append(_floats(table, f"{table.title}.", table.notes))
    table = datasets(board)
    parts.append(_floats(table, f"{table.title}: {board.metric.label}. {board.caption}.", ()))
    whole = matrix(board)
    mark = (
        "Bold: the best of a data set; underlined: the detector's own 95 % interval reaches the "
        "best value; --: no row.",
    )
    for part in _columns(whole):
        parts.append(_floats(part, f"{whole.title}. {board.caption}.", mark))
    return "\n".join(parts)


def to_bibtex(board: Board) -> str:
    """The .bib of the methods and data sets of a board."""
    found = [r for spec in _specs(board).values() for r in references.of_detector(spec)]
    found += [r for name in board.datasets["dataset"] for r in references.of_dataset(name)]
    return references.bibtex(found)


def document(body: str) -> str:
    """A whole document around a text, which cites `references.bib`."""
    return DOCUMENT % body


def figure(name: str, caption: str, width: float) -> str:
    """A float with the figure of a file, by its name without suffix.

    width: of the line, at most 1, so that letters keep the size they were drawn in.
    """
    return "\n".join(
        [
            r"\begin{figure*}[p]",
            r"\centering",
            rf"\includegraphics[width={width:.2f}\linewidth,height=.85\textheight,"
            rf"keepaspectratio]{{{name}}}",
            rf"\caption{{{escaped(caption)}}}",
            r"\end{figure*}",
        ]
    )


def _specs(board: Board) -> dict[str, str]:
    return dict(zip(board.detectors["label"], board.detectors["spec"], strict=True))


def _data_note(board: Board) -> Iterator[str]:
    """Which sources stand behind which data sets, as one note of LaTeX."""
    cited: dict[str, list[str]] = {}
    for name in board.datasets["dataset"]:
        keys = ",".join(r.key for r in references.of_dataset(name))
        if keys:
            cited.setdefault(keys, []).append(name)
    if cited:
        parts = [f"{_several(names)}~\\cite{{{keys}}}" for keys, names in cited.items()]
        yield "\\relax Data: " + "; ".join(parts) + "."


def _several(names: list[str]) -> str:
    stem = names[0].rpartition("/")[0]
    if len(names) > 2 and all(name.startswith(f"{stem}/") for name in names):
        return escaped(f"{stem}/* ({len(names)})")
    return ", ".join(map(escaped, names))


def _shortened(table: Table) -> Table:
    """A leaderboard without the columns that a page has no room for."""
    return _chosen(table, [i for i, head in enumerate(table.heads) if head not in DROPPED])


def _chosen(table: Table, kept: Sequence[int]) -> Table:
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.key, table.title, tuple(table.heads[i] for i in kept), rows, table.notes)


def _columns(table: Table) -> Iterator[Table]:
    """The first column with the others, so many at a time."""
    wide = [len(cell.text) > 9 for row in table.rows for cell in row[1:]]  # with intervals
    room = COLUMNS if 2 * sum(wide) < len(wide) else COLUMNS // 3
    for start in range(1, len(table.heads), room):
        yield _chosen(table, [0, *range(start, min(start + room, len(table.heads)))])


def _floats(
    table: Table,
    caption: str,
    notes: Sequence[str],
    cited: dict[str, tuple[references.Reference, ...]] | None = None,
) -> str:
    """One float, or several where the rows are too many for a page; the notes under the last."""
    starts = range(0, len(table.rows), ROWS)
    return "\n".join(
        _float(
            table,
            table.rows[start : start + ROWS],
            caption if start == 0 else f"{table.title} (continued).",
            notes if start == starts[-1] else (),
            cited or {},
        )
        for start in starts
    )


def _float(
    table: Table,
    rows: Sequence[Sequence[Cell]],
    caption: str,
    notes: Sequence[str],
    cited: dict[str, tuple[references.Reference, ...]],
) -> str:
    aligned = "".join("l" if table.left(i) else "r" for i in range(len(table.heads)))
    turned = table.key == "matrix"
    heads = [
        rf"\rotatebox{{90}}{{{escaped(head)}}}" if turned and i else escaped(head)
        for i, head in enumerate(table.heads)
    ]
    lines = [" & ".join(_cell(cell, cited) for cell in row) + r" \\" for row in rows]
    told = [
        r"\par\smallskip\raggedright\footnotesize",
        *(note if note.startswith(r"\relax") else escaped(note) for note in notes),
    ]
    return "\n".join(
        [
            r"\begin{table*}[p]",
            r"\centering",
            rf"\caption{{{escaped(caption)}}}\smallskip",
            rf"{_size(rows, notes)}\setlength{{\tabcolsep}}{{3pt}}%",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            *(told if notes else ()),
            r"\end{table*}",
            "",
        ]
    )


def _size(rows: Sequence[Sequence[Cell]], notes: Sequence[str]) -> str:
    """The size of letters at which the rows and the notes go on one page."""
    return r"\small" if len(rows) + 2 * len(notes) < 35 else r"\scriptsize"


def _cell(cell: Cell, cited: dict[str, tuple[references.Reference, ...]]) -> str:
    text = escaped(cell.text)
    if cell.name:
        text = rf"\texttt{{{text}}}"
    if cell.best:
        text = rf"\textbf{{{text}}}"
    if cell.near:
        text = rf"\underline{{{text}}}"
    keys = ",".join(r.key for r in cited.get(cell.text, ())) if cell.name else ""
    return text + escaped(cell.tail) + (rf"~\cite{{{keys}}}" if keys else "")


def escaped(text: str) -> str:
    """Text for LaTeX: its signs escaped, accents as commands, what it has no sign for by number."""
    text = text.replace(MARKS["near"] + " not told", "Underlined: not told")
    return "".join(map(_sign, unicodedata.normalize("NFC", text)))


def _sign(sign: str) -> str:
    if sign in SYMBOLS:
        return SYMBOLS[sign]
    if sign.isascii():
        return sign
    parts = unicodedata.normalize("NFD", sign)
    if re.fullmatch("[A-Za-z].", parts) and parts[1] in ACCENTS:
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(sign):04X}"
