"""Suites: TOML files that say which detectors run on which data sets, how, and how often."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

import datasets
from bench.plan.entrant import Entrant, expanded
from bench.plan.explained import Tables, explained
from bench.protocols.named import parse as parse_protocol
from bench.protocols.scalers import check_scaler
from bench.store.records import Wanted, digest
from detectors.settings import nearest
from detectors.spec import parse

FOLDER = Path(__file__).parent / "suites"
MAX_SEEDS = 10_000
WEIGHTS = "weights"  # the setting of a file of weights
MAX_NAME = 200  # bytes of a suite's name, which is part of names of files

Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]


class SuiteError(ValueError):
    """Raised for a suite that is not valid; says what is wrong and what is accepted."""


class Member(BaseModel):
    """A data set of a suite; written as its name alone where it has no protocol of its own.

    Attributes:
        name: of the data set.
        protocol: in place of the suite's; empty for the suite's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    protocol: Annotated[tuple[str, ...], Field(min_length=1)] = ()

    @field_validator("protocol", mode="before")
    @classmethod
    def _protocols(cls, value: object) -> object:
        return _protocols(value)

    @model_serializer
    def _written(self) -> str | dict[str, Any]:
        return {"name": self.name, "protocol": self.protocol} if self.protocol else self.name


class Suite(BaseModel):
    """What one invocation compares.

    Attributes:
        name: the suite's name, from its file.
        title: one line for boards.
        detectors: at least one, of different names.
        datasets: by name, with a protocol of their own if they are given one; a pattern such as
            "digits/*" stands for all that match.
        protocol: how all other data are split; with several, boards rank by the first.
        scaler: fitted on the training rows.
        seeds: different seeds; a number N stands for 0 ... N - 1.
        pixels: whether scores of pixels are evaluated too, if images have masks and the
            detector gives such scores.
        volumes: whether the volumes of level sets are measured too, if samples are vectors; every
            protocol has to hold training samples out.
        budget: CPU seconds of training of a method on a data set, over its seeds; no configuration
            starts after them. None for no limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    detectors: Annotated[tuple[Entrant, ...], Field(min_length=1)]
    datasets: Annotated[tuple[Member, ...], Field(min_length=1)]
    protocol: Annotated[tuple[str, ...], Field(min_length=1)] = ("one-class",)
    scaler: str = "standard"
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2, 3, 4)
    pixels: Annotated[bool, Field(strict=True)] = False
    volumes: Annotated[bool, Field(strict=True, exclude_if=lambda value: not value)] = False
    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )

    @field_validator("budget", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        found = re.fullmatch(r"\s*([\d.]+)\s*s\s*", value) if isinstance(value, str) else None
        if found is None and (not isinstance(value, int | float) or isinstance(value, bool)):
            msg = f'{value!r} is no time; give CPU seconds, such as 60 or "60 s"'
            raise ValueError(msg)
        return value if found is None else found[1]

    @field_validator("volumes")
    @classmethod
    def _held_out(cls, volumes: bool, info: ValidationInfo) -> bool:
        members: tuple[Member, ...] = info.data.get("datasets", ())
        common: tuple[str, ...] = info.data.get("protocol", ())
        for text in (text for one in members for text in one.protocol or common):
            if volumes and "calibration" not in parse_protocol(text).parameters:
                msg = (
                    f"masses are those of held-out samples, of which {text} has none; give the "
                    "protocol calibration = 0.3"
                )
                raise ValueError(msg)
        return volumes

    @property
    def varied(self) -> dict[str, str]:
        """The method of each configuration beside its default, both by name."""
        names = {entrant.name for entrant in self.detectors}
        return {one.name: one.of for one in self.detectors if one.of in names}

    def on_boards(self, rows: Iterable[Wanted]) -> list[Wanted]:
        """Return the rows without the configurations beside defaults.

        A board would choose the best of them by its labels.
        """
        varied = self.varied
        return [row for row in rows if row.label not in varied]

    @property
    def unranked(self) -> str:
        """What a board says of the configurations that it leaves out; empty if there are none."""
        varied = self.varied
        return bool(varied) * (
            f"{len(varied)} configurations of {len(set(varied.values()))} methods are not ranked: "
            f"the best of them would be chosen by labels; `bench tuning {self.name}` compares them."
        )

    @field_validator("name")
    @classmethod
    def _nameable(cls, name: str) -> str:
        if not name.isprintable() or "/" in name or not 0 < len(name.encode()) <= MAX_NAME:
            msg = f"{name!r} cannot name files; use up to {MAX_NAME} bytes, no / and no line break"
            raise ValueError(msg)
        return name

    @field_validator("detectors", "datasets", mode="before")
    @classmethod
    def _tables(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, list | tuple):
            return value
        key = "spec" if info.field_name == "detectors" else "name"
        return tuple({key: entry} if isinstance(entry, str) else entry for entry in value)

    @field_validator("detectors")
    @classmethod
    def _different_names(cls, entrants: tuple[Entrant, ...]) -> tuple[Entrant, ...]:
        entrants = expanded(entrants)
        names = [entrant.name for entrant in entrants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = (
                f"two detectors are called {twice[0]!r}; name others, or give one of them a label "
                "of its own in a suite file"
            )
            raise ValueError(msg)
        return entrants

    @field_validator("datasets")
    @classmethod
    def _known_datasets(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
        found: dict[str, Member] = {}
        for member in members:
            for name in matching(member.name):
                one = member.model_copy(update={"name": name})
                if found.setdefault(name, one) != one:
                    msg = f"{name} is listed with different protocols; list it once, with all"
                    raise ValueError(msg)
        return tuple(found.values())

    @field_validator("protocol", mode="before")
    @classmethod
    def _protocols(cls, value: object) -> object:
        return _protocols(value)

    @field_validator("scaler")
    @classmethod
    def _known_scaler(cls, name: str) -> str:
        return check_scaler(name)

    @field_validator("seeds", mode="before")
    @classmethod
    def _counted_seeds(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            if not 1 <= value <= MAX_SEEDS:
                msg = f"{value} seeds are not possible; give a number from 1 to {MAX_SEEDS}"
                raise ValueError(msg)
            return tuple(range(value))
        return value

    @field_validator("seeds")
    @classmethod
    def _different_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(seeds))


def _protocols(value: object) -> tuple[str, ...]:
    """Return the canonical texts of one protocol, or of a list of them."""
    found: list[str] = []
    for part in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(part, str | dict):
            msg = f'{part!r} is neither a name nor a table such as {{ name = "one-class" }}'
            raise ValueError(msg)
        found.append(str(parse_protocol(part)))
    return tuple(dict.fromkeys(found))


def matching(pattern: str) -> tuple[str, ...]:
    """Return the names of the data sets that match a name or a pattern.

    Raises:
        UnknownDataSet: none does; the message has the nearest names.
    """
    return datasets.matching(pattern) or (datasets.find(pattern).name,)


def names() -> tuple[str, ...]:
    """Return the names of the suites that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read(name: str) -> Suite:
    """Return a suite by name, or by the path of a TOML file.

    Raises:
        SuiteError: there is none of that name, or the file does not describe a valid suite.
    """
    if not name.endswith(".toml") and name not in names():
        msg = f"unknown suite {name!r}, and not the path of a .toml file; {nearest(name, names())}"
        raise SuiteError(msg)
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = (
            f"cannot read the suite {path}: {error.strerror}; suites by name: {', '.join(names())}"
        )
        raise SuiteError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not valid TOML: {error}"
        raise SuiteError(msg) from None
    return build({"name": path.stem, "title": path.stem, **content}, str(path))


def select(
    suite: Suite,
    detectors: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    protocol: str | None = None,
    scaler: str | None = None,
    seeds: int | Sequence[int] | None = None,
    weights: str | None = None,
) -> Suite:
    """Return the suite with some of its parts replaced.

    `weights` are a file for all detectors that have such a setting.

    A detector that the suite names or labels so keeps the suite's settings; any other has its
    defaults. A data set keeps a protocol of its own, unless a protocol is given, which is for all.

    Raises:
        SuiteError: a part that is not valid.
    """
    content: dict[str, Any] = suite.model_dump()
    given = {
        "detectors": detectors,
        "datasets": datasets,
        "protocol": protocol,
        "scaler": scaler,
        "seeds": seeds,
    }
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if chosen:
        others = ", ".join(chosen).replace("datasets", "data sets")
        content["title"] = " and ".join(f"{suite.name} with other {others}".rsplit(", ", 1))
    if detectors is not None:
        known = {entrant.spec: entrant for entrant in reversed(suite.detectors)}
        known |= {entrant.name: entrant for entrant in suite.detectors}
        chosen["detectors"] = [
            known[text].model_dump() if text in known else _entrant(text, known)
            for text in detectors
        ]
    made = build(content | chosen)
    if weights is not None:
        made = _with_weights(made, weights)
    own = {} if protocol is not None else {member.name: member for member in suite.datasets}
    members = tuple(own.get(member.name, Member(name=member.name)) for member in made.datasets)
    return made.model_copy(update={"datasets": members})


def _with_weights(suite: Suite, path: str) -> Suite:
    takers = {
        entrant.spec for entrant in suite.detectors if WEIGHTS in parse(entrant.spec).entry.files
    }
    if not takers:
        msg = "--weights is for detectors on pretrained features, such as padim; name one"
        raise SuiteError(msg)
    content = suite.model_dump()
    for entrant in content["detectors"]:
        if entrant["spec"] in takers and entrant["settings"].get("pretrained", True):
            entrant["settings"] = {**entrant["settings"], WEIGHTS: path}
    return build(content)


def named(chosen: Suite, whole: Suite | None, name: str | None) -> Suite:
    """Return a selection under the name given, or its suite's, or one of its own.

    Args:
        chosen: the selection.
        whole: the suite that it was selected from; None where none was named.
        name: given by the user; None for the suite's, if the suite has all that is selected, or a
            short hash of the selection.

    Raises:
        SuiteError: a name that is not accepted.
    """
    if name is None and whole is not None and _is_part(chosen, whole):
        return chosen
    if name is not None and (name in names() or name.endswith(".toml")):
        msg = f"--name {name!r} would name a suite; choose another"
        raise SuiteError(msg)
    content: dict[str, Any] = chosen.model_dump(exclude={"name", "title"})
    own = f"run-{digest(content)[:6]}" if name is None else name
    title = own if whole is None else f"{own}: {chosen.title}"
    return build(content | {"name": own, "title": title})


def _is_part(chosen: Suite, whole: Suite) -> bool:
    """Return whether every row of a selection is one of the suite."""
    lists = ("detectors", "datasets", "protocol", "seeds")
    parts = (part in getattr(whole, name) for name in lists for part in getattr(chosen, name))
    return all(parts) and all(
        getattr(chosen, name) == getattr(whole, name) for name in ("scaler", "pixels", "volumes")
    )


def _entrant(text: str, known: dict[str, Entrant]) -> dict[str, Any]:
    try:
        spec = str(parse(text))
    except ValueError as error:
        raise SuiteError(str(error)) from None
    return known[spec].model_dump() if spec in known else {"spec": spec}


def build(content: dict[str, Any], where: str = "") -> Suite:
    """Return the suite that `content` describes; messages begin with `where`, if any.

    Raises:
        SuiteError: unknown keys (with the nearest valid ones) or values that are not accepted.
    """
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise SuiteError(explained(error, where, Suite, TABLES)) from None


TABLES: Tables = {
    "detectors": (Entrant, '{ spec = "lof" }'),
    "datasets": (Member, '{ name = "wine", protocol = "one-class" }'),
}
