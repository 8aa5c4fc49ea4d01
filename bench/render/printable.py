r"""Texts of suites, files and detectors, made safe to print: one rule for every format.

A sign that shows nothing itself but changes what is around it (control signs such as ESC and BEL,
marks of direction, ends of lines) is written as an escape, such as \x1b. In CSV a text that a
spreadsheet would calculate gets a quote before it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format, surrogate; separators of lines
FORMULA = re.compile(r"[=@]|[+-](?![\d.,+\- \[\]%]*(to[\d.,+\- ]*)?$)")


def printable(text: str, keep: str = "") -> str:
    """Return a text with its hidden signs as escapes, but for those to keep."""
    if text.isprintable():
        return text
    return "".join(
        sign.encode("unicode_escape").decode()
        if unicodedata.category(sign) in HIDDEN and sign not in keep
        else sign
        for sign in text
    )


def printable_all(value: Any) -> Any:
    """Return a value of dictionaries and lists with all its texts printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable_all(key): printable_all(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [printable_all(part) for part in value]
    return value


def uncalculated(value: Any) -> Any:
    """Return what CSV holds of a value: of a text, one that no spreadsheet calculates."""
    if not isinstance(value, str):
        return value
    text = printable(value, keep="\n")
    return f"'{text}" if FORMULA.match(text) else text


def for_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as CSV holds it."""
    return table.map(uncalculated).rename(columns=printable)
