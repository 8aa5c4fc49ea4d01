"""Tables in the ARFF format of Weka, as OpenML publishes them: names, then rows of text.

https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable. Of liac-arff 2.5 and scipy
1.17, neither reads all spellings of an attribute, and scipy drops cells of a row that is too long.
The kind that is declared for a column does not matter: its cells say what they are, as those of a
csv file do. Sparse files and relations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from datasets.files import WrongData

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(\{{.*\}}|\w+)", re.IGNORECASE)
_CELL = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*,")
_KINDS = ("numeric", "real", "integer", "string", "date")


def read_names(file: TextIO, path: Path) -> list[str]:
    """Return the names of columns, and leave the file at its first row.

    Raises:
        WrongData: it is not an ARFF file, or has a relation as a column.
    """
    names: list[str] = []
    for n, line in enumerate(iter(file.readline, ""), start=1):
        text = line.strip()
        if text.lower().startswith("@data"):
            return names
        if text.lower().startswith("@attribute"):
            found = _ATTRIBUTE.match(text)
            if not found or not (found[2].startswith("{") or found[2].lower() in _KINDS):
                msg = (
                    f"{path}: line {n} declares no column of numbers, text, dates or "
                    f"{{a,b}}: {text[:80]}"
                )
                raise WrongData(msg)
            names.append(_text(found[1]))
    msg = f"{path} is not an arff file: it has no line @data"
    raise WrongData(msg)


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
    plain = "'" not in line and '"' not in line
    found = line.split(",") if plain else [cell[1] for cell in _CELL.finditer(f"{line},")]
    return [None if cell.strip() in ("", "?") else _text(cell.strip()) for cell in found]


def _text(cell: str) -> str:
    """Return a cell or a name without the quotes around it."""
    return re.sub(r"\\(.)", r"\1", cell[1:-1]) if re.fullmatch(_QUOTED, cell) else cell
