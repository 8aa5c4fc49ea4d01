"""Tables in the ARFF format of Weka, as OpenML publishes them: names, then rows of text.

https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable. Of liac-arff 2.5 and scipy
1.17, neither reads all spellings of an attribute, and scipy drops cells of a row that is too long.
The kind that is declared for a column does not matter: its cells say what they are, as those of a
csv file do; but dates are read by the form that is declared for them, as Java's SimpleDateFormat
writes it. Sparse files and relations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from datasets.files import WrongData

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE = re.compile(
    rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(\{{.*\}}|\w+)\s*({_QUOTED}|[^\s%]+)?", re.IGNORECASE
)
_CELL = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*,")
_COMMENT = re.compile(rf"^((?:{_QUOTED}|[^'\"])*?)\s%.*$")  # after a row
_KINDS = ("numeric", "real", "integer", "string", "date")
_FORM = re.compile(r"'([^']*)'|([a-zA-Z])\2*|.")
_PYTHONS = {
    **{"yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d"},
    **{"d": "%d", "DDD": "%j", "D": "%j", "EEEE": "%A", "EEE": "%a", "HH": "%H", "H": "%H"},
    **{"hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "SSS": "%f"},
    **{"a": "%p", "Z": "%z", "X": "%z", "XX": "%z", "XXX": "%z"},
}
"""What Python's strptime calls the letters of Java's SimpleDateFormat."""


class Attribute(NamedTuple):
    """A column: its name, and for dates the form that is declared, as strptime takes it."""

    name: str
    form: str = ""


def read_head(file: TextIO, path: Path) -> list[Attribute]:
    """Return the columns, and leave the file at its first row.

    Raises:
        WrongData: it is not an ARFF file, or has a relation as a column, or a form of dates with
            unknown letters.
    """
    columns: list[Attribute] = []
    for n, line in enumerate(iter(file.readline, ""), start=1):
        text = line.strip()
        if text.lower().startswith("@data"):
            return columns
        if text.lower().startswith("@attribute"):
            found = _ATTRIBUTE.match(text)
            try:
                if not found or not (found[2].startswith("{") or found[2].lower() in _KINDS):
                    raise KeyError
                declared = found[3] if found[2].lower() == "date" else None
                columns.append(Attribute(_text(found[1]), _form(_text(declared or ""))))
            except KeyError:
                msg = (
                    f"{path}: line {n} declares no column of numbers, text, dates (yyyy-MM-dd) or "
                    f"{{a,b}}: {text[:80]}"
                )
                raise WrongData(msg) from None
    msg = f"{path} is not an arff file: it has no line @data"
    raise WrongData(msg)


def _form(java: str) -> str:
    """Return a form of dates as Python writes it; "" for none, or one without a year.

    Raises:
        KeyError: a letter that has no meaning there.
    """
    parts = (
        _PYTHONS[part[0]] if part[2] else (part[0] if part[1] is None else part[1] or "'")
        for part in _FORM.finditer(java)
    )
    form = "".join(parts)
    return form if "%y" in form.lower() else ""


def dated(cell: str | None, form: str) -> str | None:
    """Return a cell as a date in ISO form, if it has the form that is declared; else as it is."""
    with suppress(ValueError):
        return datetime.strptime(cell or "", form).isoformat()
    return cell


def read_rows(file: TextIO, path: Path, n: int) -> Iterator[list[list[str | None]]]:
    """Yield lists of at most `n` rows of cells; "?" without quotes, or nothing, is missing.

    Raises:
        WrongData: the file is sparse.
    """
    lines = (line.strip() for line in file)
    rows = (_cells(line, path) for line in lines if line and not line.startswith("%"))
    yield from iter(lambda: list(islice(rows, n)), [])


def _cells(line: str, path: Path) -> list[str | None]:
    if line.startswith("{"):
        msg = f"{path} is a sparse arff file, such as {line[:40]}; save it with all its cells"
        raise WrongData(msg)
    if "%" in line:
        line = _COMMENT.sub(r"\1", line)
    plain = "'" not in line and '"' not in line
    found = line.split(",") if plain else [cell[1] for cell in _CELL.finditer(f"{line},")]
    return [None if cell.strip() in ("", "?") else _text(cell.strip()) for cell in found]


def _text(cell: str) -> str:
    """Return a cell or a name without the quotes around it."""
    return re.sub(r"\\(.)", r"\1", cell[1:-1]) if re.fullmatch(_QUOTED, cell) else cell
