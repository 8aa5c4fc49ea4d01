"""What is wrong in a TOML file, from what pydantic says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from detectors.settings import nearest

Tables = Mapping[object, tuple[type[BaseModel], str]]
_WORDS = {
    "dict_type": "should be a table",
    "missing": "is missing",
    "model_type": "should be a name, or a table such as {example}",
    "string_too_short": "is empty; give a text",
    "string_type": "should be a text",
    "too_short": "is empty; name at least one",
    "tuple_type": "should be a list",
}


def explained(
    error: ValidationError,
    where: str,
    whole: type[BaseModel],
    tables: Tables,
) -> str:
    """Return what is wrong in a file in one sentence, which begins with `where`, if any.

    Args:
        error: of pydantic.
        where: the file.
        whole: what the file describes.
        tables: what the entries of its lists are, by key, each with an example.
    """
    errors = error.errors()
    # A list without a valid member is also reported as too short; its members say why.
    first = ([e for e in errors if e["type"] != "too_short"] or errors)[:3]
    text = "; ".join(_explain(e, whole, tables) for e in first)
    return f"{where}: {text}" if where else text


def _explain(error: Any, whole: type[BaseModel], tables: Tables) -> str:
    place = ".".join(str(part) for part in error["loc"])
    within = [tables[part] for part in error["loc"][:-1] if part in tables]
    if error["type"] == "extra_forbidden":
        keys = (within[-1][0] if within else whole).model_fields
        return f"unknown key {place!r}; {nearest(str(error['loc'][-1]), keys)}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    example = within[-1][1] if within else ""
    words = _WORDS.get(error["type"], message).replace("{example}", example)
    verb = words.startswith(("is ", "should "))
    return f"{place}{' ' if verb else ': '}{words}" if place else words
