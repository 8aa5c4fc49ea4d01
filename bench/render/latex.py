"""Pages as LaTeX tables for a paper: booktabs, caption, notes, citations.

The tables need `booktabs` and `graphicx`, and nothing else; they are floats of the full width in
one column as in two. Where the rows or columns are too many for a page, a table goes on in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.boards.words import MARKS
from bench.render.table import Cell, Page, Table

if TYPE_CHECKING:
    from bench.render.references import Reference

ROWS = 55  # of a page
COLUMNS = 14  # of a matrix
ALIGNED = {"number": "r", "text": "l", "name": "l", "prose": r"p{.3\linewidth}"}
SYMBOLS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$",
    ">": r"$>$", "|": r"$|$", '"': r"''", "\N{EN DASH}": "--", "\N{EM DASH}": "---",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{DAGGER}": r"$^\dagger$", "\N{MICRO SIGN}": r"$\mu$", "\N{ALMOST EQUAL TO}": r"$\approx$",
    "\N{UP DOWN ARROW}": r"$\updownarrow$", "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{MINUS SIGN}": "$-$", "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{BLACK UP-POINTING TRIANGLE}": r"$\triangle$",
    "\N{BLACK DOWN-POINTING TRIANGLE}": r"$\bigtriangledown$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r ",
    "\u030c": "v ", "\u0327": "c ", "\u0304": "=", "\u0307": ".",
}  # fmt: skip

NEEDS = "% Needs the packages booktabs and graphicx; --format bib prints the sources it cites."
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


def write(page: Page, sources: Mapping[str, Sequence[Reference]]) -> str:
    """Return the tables of a page as floats; a name with a source is cited where it first is."""
    cited = {name: ",".join(r.key for r in found) for name, found in sources.items() if found}
    parts = [NEEDS]
    for table in page.tables:
        if table.rows:
            parts += [_floats(part, page.title, cited) for part in _parts(table)]
        else:
            title = rf"\paragraph{{{escaped(table.title or page.title)}}}"
            parts.append("\n\n".join([title, *map(escaped, table.text), *map(_note, table.notes)]))
    return "\n".join(parts)


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
            rf"\label{{fig:{name}}}",
            r"\end{figure*}",
        ]
    )


def _parts(table: Table) -> Iterator[Table]:
    """Yield the columns that there is room for, so many of a matrix at a time."""
    shown = [i for i, column in enumerate(table.columns) if not column.extra]
    room = len(shown)
    if table.turned:
        wide = [len(cell.text) > 9 for row in table.rows for cell in row[1:]]  # with intervals
        room = COLUMNS if 2 * sum(wide) < len(wide) else COLUMNS // 3
    for start in range(1, max(len(shown), 2), room):
        kept = [shown[0], *shown[start : start + room]]
        rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
        yield replace(table, columns=tuple(table.columns[i] for i in kept), rows=rows)


def _floats(table: Table, title: str, cited: dict[str, str]) -> str:
    """One float, or several where the rows are too many for a page; the notes under the last."""
    title = table.title or title
    starts = range(0, len(table.rows), ROWS)
    return "\n".join(
        _float(
            replace(
                table,
                rows=table.rows[start : start + ROWS],
                notes=table.notes if start == starts[-1] else (),
                apart=table.apart and start == starts[-1],
            ),
            " ".join([f"{title}.", *table.text]) if start == 0 else f"{title} (continued).",
            cited,
        )
        for start in starts
    )


def _float(table: Table, caption: str, cited: dict[str, str]) -> str:
    aligned = "".join(ALIGNED[column.kind] for column in table.columns)
    heads = [
        rf"\rotatebox{{90}}{{{escaped(column.head)}}}"
        if table.turned and i
        else escaped(column.head)
        for i, column in enumerate(table.columns)
    ]
    lines = [" & ".join(_cell(cell, cited) for cell in row) + r" \\" for row in table.rows]
    name = re.sub("[^a-z0-9]+", "-", caption.partition(". ")[0].lower()).strip("-")
    if table.apart:
        lines.insert(-1, r"\midrule")
    notes = [r"\par\smallskip\raggedright\footnotesize", *map(_note, table.notes)]
    return "\n".join(
        [
            r"\begin{table*}[p]",
            r"\centering",
            rf"\caption{{{escaped(caption)}}}\smallskip",
            *([] if "continued" in name else [rf"\label{{tab:{name}}}"]),
            rf"{_size(table)}\setlength{{\tabcolsep}}{{3pt}}%",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            *(notes if table.notes else ()),
            r"\end{table*}",
            "",
        ]
    )


def _size(table: Table) -> str:
    """The size of letters at which the rows and the notes fit on one page."""
    return r"\small" if len(table.rows) + 2 * len(table.notes) < 35 else r"\scriptsize"


def _cell(cell: Cell, cited: dict[str, str]) -> str:
    text = escaped(cell.text)
    if cell.code:
        text = rf"\texttt{{{text}}}"
    if cell.best:
        text = rf"\textbf{{{text}}}"
    if cell.near:
        text = rf"\underline{{{text}}}"
    keys = cited.pop(cell.text, "")
    return text + escaped(cell.tail) + (rf"~\cite{{{keys}}}" if keys else "")


def _note(note: str) -> str:
    mark = MARKS["near"]
    return escaped("Underlined:" + note.removeprefix(mark) if note.startswith(mark) else note)


def escaped(text: str) -> str:
    """Text for LaTeX: its signs escaped, accents as commands, what it has no sign for by number."""
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
