"""Markdown of the generated pages: tables, links, docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

ADDRESS_END = r"(?=[.,;)]*(?:\s|$))"


def page(blocks: Iterable[str]) -> str:
    """Return the blocks that are not empty, apart by a blank line."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without the columns that are empty in every row; "" without any rows."""
    rows = [list(map(_cell, row)) for row in rows]
    if not rows:
        return ""
    kept = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line[i] for i in kept) + " |" for line in lines)


def listed(values: dict[str, str]) -> str:
    """Return a list of "key: value" of the values that are not empty."""
    return "\n".join(f"- {key}: {value}" for key, value in values.items() if value)


def linked(text: str) -> str:
    """Return a text with its DOIs, arXiv numbers and addresses as links."""
    text = re.sub(rf"\bdoi:(\S+?){ADDRESS_END}", r"[doi:\1](https://doi.org/\1)", text)
    text = re.sub(r"\barXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    text = re.sub(rf"(?<![/\w])(openreview\.net/\S+?){ADDRESS_END}", r"https://\1", text)
    return re.sub(rf"(?<!\()\b(https?://\S+?){ADDRESS_END}", r"<\1>", text)


def paragraphs(each: Any) -> str:
    """Return what a docstring says above its first section, without the keys of references."""
    text = re.split(r"^(?:Attributes|Args|Raises|Returns):", _doc(each), flags=re.M)[0]
    return re.sub(r"^Reference: \[.*\]$", "", text, flags=re.M).strip()


def docstring(each: Any) -> str:
    """Return a whole docstring, its sections as lists."""
    text = re.sub(r"^(Args|Attributes|Raises|Returns):$", r"**\1**\n", _doc(each), flags=re.M)
    return re.sub(r"^    (\w[\w, ]*): ", r"- `\1`: ", text, flags=re.M)


def attributes(cls: type) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of each attribute."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        text = inspect.cleandoc(each.__doc__ or "")
        section = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)*)", text, re.M)
        entries = re.findall(
            r"^    (\w.*?): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.M
        )
        for keys, meaning in entries:
            found |= dict.fromkeys(keys.split(", "), " ".join(meaning.split()))
    return found


def _doc(each: Any) -> str:
    return inspect.getdoc(each) or ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
