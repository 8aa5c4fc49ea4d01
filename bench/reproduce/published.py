"""Published tables: values as printed, and how each row is run again.

A table is two files in `bench/reproduce/tables`: NAME.toml says where it was published, the
protocol, and which detector with which settings each printed name stands for; NAME.csv has the
values, one line each: dataset, detector, metric, value, std (empty if none was printed) and source.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

import datasets
from bench.plan.planning import Device, wanted_rows
from bench.plan.suite import Seed, Suite, build, matching
from bench.store.codeid import SHOWN_DIGITS, origin, own_code_id
from bench.store.records import Wanted, digest
from detectors.settings import nearest
from detectors.spec import parse

FOLDER = Path(__file__).parent / "tables"


class UnknownTable(ValueError):
    """Raised for an unknown table, or part of one; the message names known ones."""


class Contender(BaseModel):
    """What a printed name stands for.

    Attributes:
        spec: the detector; empty if there is none.
        settings: its settings as published.
        by_dataset: by printed data set, settings that replace those or are added to them.
        scaler: if it is not the table's.
        seeds: likewise.
        deterministic: whether its values are required to be the printed ones, but for exceptions.
        absent: why no detector can compute its values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    spec: str = ""
    settings: dict[str, Any] = {}
    by_dataset: dict[str, dict[str, Any]] = {}
    scaler: str = ""
    seeds: tuple[Seed, ...] = ()
    deterministic: bool = False
    absent: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Contender:
        if bool(self.spec) == bool(self.absent):
            msg = "give either the detector, as spec, or why there is none, as absent"
            raise ValueError(msg)
        return self


class Reason(BaseModel):
    """An exception: why cells are not expected to agree, or are not run; they are not required.

    Attributes:
        detectors: printed names; empty for all.
        datasets: printed names; empty for all.
        metrics: empty for all.
        absent: whether they are not run at all.
        why: one sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    detectors: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    absent: bool = False
    why: str

    def covers(self, dataset: str, detector: str, metric: str) -> bool:
        """Return whether it is an exception for a cell."""
        return (
            (not self.detectors or detector in self.detectors)
            and (not self.datasets or dataset in self.datasets)
            and (not self.metrics or metric in self.metrics)
        )


class Description(BaseModel):
    """What a table's TOML file says.

    Attributes:
        title: one line.
        paper: with DOI or arXiv id.
        protocol: how data are split.
        scaler: that is fitted on the training rows (or as the protocol says).
        seeds: of the published repetitions.
        points: printed units in one percentage point: 1 for percent, 0.01 for shares.
        decimals: as printed.
        rounds: decimals that each repetition was rounded to before the mean, if it was.
        pixels: whether values are of scores of pixels.
        called: share of the tested rows that were called anomalous, by printed data set; without
            one, as many rows as there are anomalies.
        notes: where the text and its tables disagree, and what else a reader has to know.
        detectors: by printed name.
        datasets: name in the catalogue by printed name, or a pattern such as "adbench-nlp/20news_*"
            if means over all that match were printed.
        reasons: exceptions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    paper: str
    protocol: str
    scaler: str = "standard"
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    points: float = 1.0
    decimals: int = 2
    rounds: int | None = None
    pixels: bool = False
    called: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    detectors: dict[str, Contender]
    datasets: dict[str, str]
    reasons: tuple[Reason, ...] = ()

    @model_validator(mode="after")
    def _settings_of_known_sets(self) -> Description:
        for name, contender in self.detectors.items():
            for dataset in contender.by_dataset:
                if dataset not in self.datasets:
                    near = nearest(dataset, tuple(self.datasets))
                    msg = f"{name} has settings for the unknown data set {dataset!r}; {near}"
                    raise ValueError(msg)
        return self


@dataclass(frozen=True)
class PrintedValue:
    """One printed value; `std` is None if none was printed."""

    dataset: str
    detector: str
    metric: str
    value: float
    std: float | None
    source: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Its data set, detector and metric."""
        return self.dataset, self.detector, self.metric


@dataclass(frozen=True)
class PublishedTable:
    """A table, or the part of one that was asked for.

    Attributes:
        name: that of its files.
        description: its TOML file, with what was not asked for, too.
        values: those asked for, in the order of its CSV file.
    """

    name: str
    description: Description
    values: tuple[PrintedValue, ...]

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Printed names of the data sets, in the table's order."""
        return tuple(dict.fromkeys(value.dataset for value in self.values))

    @cached_property
    def detectors(self) -> tuple[str, ...]:
        """Printed names of the detectors, in the table's order."""
        return tuple(dict.fromkeys(value.detector for value in self.values))

    @cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Names in the catalogue by printed name of a data set."""
        return {name: matching(self.description.datasets[name]) for name in self.datasets}

    @cached_property
    def runnable(self) -> tuple[str, ...]:
        """Printed names of the detectors that can be run."""
        return tuple(name for name in self.detectors if self.description.detectors[name].spec)

    def seeds(self, detector: str) -> tuple[int, ...]:
        """Return the seeds of a detector's repetitions."""
        return self.description.detectors[detector].seeds or self.description.seeds

    def present(self, data: Path | None) -> tuple[str, ...]:
        """Return the printed names of the data sets whose files are all here."""
        return tuple(
            name
            for name, members in self.members.items()
            if all(datasets.present(member, data) for member in members)
        )

    def settings(self, detector: str, dataset: str) -> dict[str, Any]:
        """Return the settings of a detector on a data set, by printed names."""
        contender = self.description.detectors[detector]
        return {**contender.settings, **contender.by_dataset.get(dataset, {})}

    def recipe(self, detector: str, dataset: str) -> str:
        """Return a short digest of how values of a detector on a data set are computed.

        It covers detector, settings, scaler, protocol, seeds, data sets, rows called anomalous,
        rounding and units.
        """
        description, contender = self.description, self.description.detectors[detector]
        made_of = {
            "spec": contender.spec,
            "settings": self.settings(detector, dataset),
            "scaler": contender.scaler or description.scaler,
            "protocol": description.protocol,
            "seeds": self.seeds(detector),
            "datasets": self.members[dataset],
            "called": description.called.get(dataset),
            "rounds": description.rounds,
            "points": description.points,
        }
        return digest(made_of)[:SHOWN_DIGITS]

    def code(self, detector: str, dataset: str) -> str:
        """Return a short digest of the code that computes a detector's values on a data set."""
        spec = self.description.detectors[detector].spec
        member = self.members[dataset][0]
        return _code(spec, self.description.protocol, member, self.description.pixels)

    def suites(self, detector: str, names: Sequence[str]) -> list[Suite]:
        """Return the suites of one detector, one for the data sets of equal settings."""
        alike: list[tuple[dict[str, Any], list[str]]] = []
        for name in names:
            settings = self.settings(detector, name)
            its = next((sets for known, sets in alike if known == settings), None)
            if its is None:
                alike.append((settings, [name]))
            else:
                its.append(name)
        return [self._suite(detector, *group) for group in alike]

    def _suite(self, detector: str, settings: dict[str, Any], names: Sequence[str]) -> Suite:
        contender = self.description.detectors[detector]
        entrant = {"spec": contender.spec, "settings": settings, "label": detector}
        content = {
            "name": self.name,
            "title": self.description.title,
            "detectors": [entrant],
            "datasets": [self.description.datasets[name] for name in names],
            "protocol": self.description.protocol,
            "scaler": contender.scaler or self.description.scaler,
            "seeds": self.seeds(detector),
            "pixels": self.description.pixels,
        }
        return build(content, f"table {self.name}")

    def wanted(self, data: Path | None, device: Device = "cpu") -> list[Wanted]:
        """Return the rows of the data sets that are here; deep models are for a device."""
        here = self.present(data)
        if not here:
            return []
        suites = [suite for detector in self.runnable for suite in self.suites(detector, here)]
        return [row for suite in suites for row in wanted_rows(suite, device, data)]


@cache
def _code(spec: str, protocol: str, dataset: str, of_pixels: bool) -> str:
    judging = [
        "bench.metrics.thresholded:OF_CALLED",
        "bench.metrics.thresholded:above",
        "bench.metrics.thresholded:most_anomalous",
        "bench.metrics.scored:compute",
        *(["bench.metrics.pixels:compute"] * of_pixels),
    ]
    return own_code_id(origin(parse(spec), protocol, dataset), judging)[:SHOWN_DIGITS]


def names() -> tuple[str, ...]:
    """Return the names of the tables, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read(name: str) -> PublishedTable:
    """Return a table by name.

    Raises:
        UnknownTable: there is none of that name.
    """
    if name not in names():
        msg = f"unknown table {name!r}; {nearest(name, names())}"
        raise UnknownTable(msg)
    content = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        values = tuple(
            PrintedValue(
                line["dataset"],
                line["detector"],
                line["metric"],
                float(line["value"]),
                float(line["std"]) if line["std"] else None,
                line["source"],
            )
            for line in csv.DictReader(file)
        )
    return PublishedTable(name, Description.model_validate(content), values)


def select(
    table: PublishedTable, detectors: Sequence[str] | None, datasets: Sequence[str] | None
) -> PublishedTable:
    """Return the part of a table with these detectors and data sets.

    They are named as printed or as here, or by patterns such as "w*".

    Raises:
        UnknownTable: the table has none of a name, or no name is given.
    """
    specs = {name: contender.spec for name, contender in table.description.detectors.items()}
    chosen = _chosen("detector", detectors, table.detectors, specs)
    sets = _chosen("data set", datasets, table.datasets, table.description.datasets)
    values = tuple(v for v in table.values if v.detector in chosen and v.dataset in sets)
    return replace(table, values=values)


def _chosen(
    what: str, asked: Sequence[str] | None, printed: Sequence[str], here: dict[str, str]
) -> set[str]:
    if asked is None:
        return set(printed)
    if not asked:
        known = nearest("", printed)
        msg = f"no {what} is named; name some, or leave the option out for all; {known}"
        raise UnknownTable(msg)
    chosen: set[str] = set()
    for word in asked:
        names = {
            name
            for name in printed
            if any(fnmatchcase(each.lower(), word.lower()) for each in (name, here[name]))
        }
        if not names:
            msg = f"the table has no {what} {word!r}; {nearest(word, printed)}"
            raise UnknownTable(msg)
        chosen |= names
    return chosen
