"""Checks of settings against the annotated fields of a detector's dataclass."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

_WORDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a string",
    type(None): "none",
}
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "min_length": "of length >="}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" with up to three close names, or the whole list if none is."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(choices)}"


def check_settings(cls: type, settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return `settings` with every value checked against the field of `cls` it sets.

    Lists become tuples where the field is a tuple, and numbers of numpy those of Python. Messages
    call the detector `name`.

    Raises:
        ValueError: no such setting, or a value of the wrong type or out of range.
    """
    fields = _fields(cls)
    checked = {}
    for key, value in settings.items():
        if key not in fields:
            msg = f"{name} has no setting {key!r}; {nearest(key, fields)}"
            raise ValueError(msg)
        value = _plain(value)
        try:
            checked[key] = fields[key].validate_python(value, strict=True)
        except ValidationError:
            accepted = describe(get_type_hints(cls, include_extras=True)[key])
            msg = f"{name}: {key} = {value!r} is not accepted: {accepted}"
            raise ValueError(msg) from None
    return checked


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def describe(hint: Any) -> str:
    """Return in words what a field of this type accepts, for instance "an integer >= 1"."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = [
            f"{sign} {getattr(mark, name)}"
            for mark in arguments[1:]
            for name, sign in _SIGNS.items()
            if hasattr(mark, name)
        ]
        return f"{describe(arguments[0])} {' and '.join(bounds)}".rstrip()
    if origin is Literal:
        return " or ".join(repr(choice) for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(describe(part) for part in arguments)
    if origin is tuple:
        return f"a list with each entry {describe(arguments[0])}"
    return str(hint)


@cache
def _fields(cls: type) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(cls, include_extras=True)
    config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)
    return {f.name: TypeAdapter(hints[f.name], config=config) for f in dataclasses.fields(cls)}
