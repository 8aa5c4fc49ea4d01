"""The detectors of a suite, and the configurations of one whose settings are lists or ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.plan.configurations import MOST, Range, drawn, grid, range_of
from detectors.spec import parse

GRID = "grid"
# What a run sets for each of its rows, and where a user sets it instead.
SET_BY_RUN = {"seed": "seeds of a suite are its key `seeds`", "device": "it is `--device`"}


class Entrant(BaseModel):
    """A detector of a suite.

    Attributes:
        spec: its canonical name.
        label: its name on boards; by default the spec with its explicit settings.
        settings: explicit settings; those of a head under "head".
        configurations: a number of them, the default among them, or "grid" for every combination
            beside the default; then a list among the settings is one of values, and a text such as
            "2..64" or "log 1e-4..1e-2" a range. None for the settings as they are.
        draw: seed of the draw of configurations.
        of: the name of the method of which this is a configuration; empty for a default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: str
    label: str = ""
    settings: dict[str, Any] = {}
    # Left out where they say nothing: names of runs are made from what is written.
    configurations: int | str | None = Field(default=None, exclude_if=lambda value: value is None)
    draw: int = Field(default=0, ge=0, strict=True, exclude_if=lambda value: value == 0)
    of: str = Field(default="", exclude_if=lambda value: value == "")

    @field_validator("spec")
    @classmethod
    def _canonical(cls, spec: str) -> str:
        return str(parse(spec))

    @field_validator("settings")
    @classmethod
    def _plain(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(settings.get("head", {}), dict):
            msg = "settings of a head are a table, such as head.n_neighbors = 20"
            raise ValueError(msg)
        for key, value in flat(settings).items():
            if (name := key.rpartition(".")[2]) in SET_BY_RUN:
                msg = f"{key} is not a setting; {SET_BY_RUN[name]}"
                raise ValueError(msg)
            if not _is_plain(value):
                msg = f"{key} = {value} is not accepted; give a number, text, boolean or list"
                raise ValueError(msg)
        return settings

    @field_validator("configurations", mode="before")
    @classmethod
    def _countable(cls, value: object) -> object:
        is_number = isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= MOST
        if value is not None and value != GRID and not is_number:
            msg = f'{value!r} is not accepted; give a number from 2 to {MOST}, or "{GRID}"'
            raise ValueError(msg)
        return value

    @property
    def name(self) -> str:
        """The label, or else the spec with its explicit settings, `lof[n_neighbors=5]`."""
        return self.label or label_of(self.spec, self.settings)

    def expanded(self) -> tuple[Entrant, ...]:
        """Return the default and the other configurations; one without any is itself.

        Raises:
            ValueError: nothing varies, or values are not accepted; or something that varies has no
                number of configurations.
        """
        values = flat(self.settings)
        ranges = {name: found for name, value in values.items() if (found := range_of(value))}
        if self.configurations is None:
            if ranges:
                msg = f"{next(iter(ranges))} of {self.name} is a range; give configurations = 20"
                raise ValueError(msg)
            return (self,)
        varied: dict[str, list[Any] | Range] = {
            name: ranges.get(name, value) for name, value in values.items()
            if name in ranges or isinstance(value, list)
        }  # fmt: skip
        if not varied or any(found == [] for found in varied.values()):
            msg = f'{self.spec}: no setting varies; give one a list of values or a range "2..64"'
            raise ValueError(msg)
        fixed = {name: value for name, value in values.items() if name not in varied}
        default = Entrant(spec=self.spec, label=self.label, settings=_nested(fixed))
        try:
            if isinstance(self.configurations, int):
                chosen = drawn(varied, self.configurations - 1, self.draw)
            else:
                chosen = grid(varied)
        except ValueError as error:
            msg = f"{default.name}: {error}"
            raise ValueError(msg) from None
        return default, *(
            Entrant(
                spec=self.spec,
                label=self.label and label_of(self.label, one),
                settings=_nested(fixed | one),
                of=default.name,
            )
            for one in chosen
        )


def expanded(entrants: Iterable[Entrant]) -> tuple[Entrant, ...]:
    """Return entrants with all their configurations, each default before the others."""
    return tuple(one for entrant in entrants for one in entrant.expanded())


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by name, those of a head as `head.NAME`."""
    pairs: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, dict)
        pairs |= flat(value, f"{prefix}{key}.") if nested else {prefix + key: value}
    return pairs


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as `flat` takes them."""
    settings: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        place = settings
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return settings


def label_of(name: str, settings: Mapping[str, Any]) -> str:
    """Return a name with explicit settings, `lof[n_neighbors=5]`."""
    text = ", ".join(f"{key}={value}" for key, value in flat(settings).items())
    return f"{name}[{text}]" if text else name


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_plain(part) for part in value)
    return isinstance(value, bool | int | float | str)
