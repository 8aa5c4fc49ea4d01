"""Checking of settings against the annotated fields of a detector's dataclass."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" with up to three close names, or the whole list if none is."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(choices)}"


def check_settings(cls: type, settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return `settings` with every value checked against the field of `cls` it sets.

    Lists become tuples where the field is a tuple. `name` is how messages call the detector.

    Raises:
        ValueError: no such setting, or a value of the wrong type or out of range.
    """
    fields = _fields(cls)
    checked = {}
    for key, value in settings.items():
        if key not in fields:
            msg = f"{name} has no setting {key!r}; {nearest(key, fields)}"
            raise ValueError(msg)
        value = tuple(value) if isinstance(value, list) else value
        try:
            checked[key] = fields[key].validate_python(value, strict=True)
        except ValidationError as error:
            accepted = "; ".join(e["msg"].removeprefix("Input ") for e in error.errors())
            msg = f"{name}: {key} = {value!r} is not accepted: {accepted}"
            raise ValueError(msg) from None
    return checked


@cache
def _fields(cls: type) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(cls, include_extras=True)
    config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)
    return {f.name: TypeAdapter(hints[f.name], config=config) for f in dataclasses.fields(cls)}
