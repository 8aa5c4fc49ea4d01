"""Tables in the ARFF format of Weka, as OpenML publishes them: numbers and nominal columns.

https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable. Sparse files, and columns
of dates or relations, are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.files import WrongData

if TYPE_CHECKING:
    import pandas as pd

_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"[^"]*"|\S+)\s+(.+)""", re.IGNORECASE)
_NUMBERS = ("numeric", "real", "integer")


def read_arff(path: Path) -> pd.DataFrame:
    """Return the table of an ARFF file: float64 columns of numbers, others of text; "?" is missing.

    Raises:
        WrongData: it is not an ARFF file, or of a kind that is not supported.
    """
    import pandas as pd

    kinds, n_head, quote = _head(path)
    try:
        frame = pd.read_csv(
            path,
            skiprows=n_head,
            names=list(kinds),
            index_col=False,
            dtype={name: "float64" if kind in _NUMBERS else "str" for name, kind in kinds.items()},
            na_values=["?"],
            keep_default_na=False,
            comment="%",
            quotechar=quote,
            escapechar="\\",
            skipinitialspace=True,
        )
    except (ValueError, OSError) as error:
        msg = f"{path} is not a complete arff file: {error}"
        raise WrongData(msg) from error
    return frame


def _head(path: Path) -> tuple[dict[str, str], int, str]:
    """Return the kinds of columns by name, the number of lines to @data, and the quote in use."""
    kinds: dict[str, str] = {}
    quote = "'"
    try:
        with path.open(encoding="utf-8") as file:
            for n_lines, line in enumerate(file, start=1):
                text = line.strip()
                if text.lower().startswith("@data"):
                    return kinds, n_lines, quote
                if found := _ATTRIBUTE.match(text):
                    name, kind = found[1], found[2].strip()
                    quote = '"' if '"' in kind else quote
                    kinds[name.strip("'\"")] = _kind(path, name, kind)
    except UnicodeDecodeError as error:
        msg = f"{path} is not an arff file: {error}"
        raise WrongData(msg) from error
    msg = f"{path} is not an arff file: it has no line @data"
    raise WrongData(msg)


def _kind(path: Path, name: str, text: str) -> str:
    kind = "nominal" if text.startswith("{") else text.split()[0].lower()
    if kind not in (*_NUMBERS, "nominal", "string"):
        msg = f"{path}: column {name} is of the kind {kind!r}; give numbers or nominal columns"
        raise WrongData(msg)
    return kind
