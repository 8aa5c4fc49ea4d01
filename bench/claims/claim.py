"""Claims: TOML files that say what is to be shown of detectors, and how it is tested.

A claim is about a true mean over families of data sets: of the difference between two sets of
detectors, of the change between two protocols, or of the difference between two such changes.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.claims.resolution import resolution
from bench.metrics import scored
from bench.plan.entrant import Entrant, expanded
from bench.plan.explained import Tables, explained
from bench.plan.suite import Suite, SuiteError, build
from bench.stats.bayes import ROPE
from detectors.settings import nearest

FOLDER = Path(__file__).parent
LIMITS = {"superiority": (1.0, math.inf), "non-inferiority": (-1.0, math.inf),
          "equivalence": (-1.0, 1.0)}  # fmt: skip
SHARED = ("metric", "datasets", "protocol", "margin", "analysis")  # a claim's, or its file's

Analysis = Literal["superiority", "non-inferiority", "equivalence"]
Text = Annotated[str, Field(min_length=1)]


class Claim(BaseModel):
    """What is claimed of detectors.

    Attributes:
        sentence: the claim in words.
        source: who says so.
        detectors: one or several, whose mean counts.
        against: those that they are compared with; empty for a change between protocols alone.
        analysis: superiority: the difference is above the margin; non-inferiority: above minus the
            margin; equivalence: between both.
        margin: of the metric; 0 is a margin of superiority only.
        metric: of quality.
        datasets: names or patterns, as in a suite.
        protocol: how data are split.
        against_protocol: if given, every value is that under `protocol` less that under this one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sentence: Text
    source: Text
    detectors: Annotated[tuple[Entrant, ...], Field(min_length=1)]
    against: tuple[Entrant, ...] = ()
    analysis: Analysis = "superiority"
    margin: Annotated[float, Field(ge=0, lt=1)] = ROPE
    metric: str = "auroc"
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    protocol: str | dict[str, Any] = "one-class"
    against_protocol: str | dict[str, Any] | None = None

    @field_validator("detectors", "against", mode="before")
    @classmethod
    def _entrants(cls, value: object) -> object:
        parts = value if isinstance(value, list | tuple) else [value]
        return tuple({"spec": part} if isinstance(part, str) else part for part in parts)

    @field_validator("detectors", "against")
    @classmethod
    def _configured(cls, entrants: tuple[Entrant, ...]) -> tuple[Entrant, ...]:
        return expanded(entrants)

    @field_validator("datasets", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("metric")
    @classmethod
    def _of_scores(cls, name: str) -> str:
        if scored.of_quality(name).name in scored.OF_PIXELS:
            msg = f"{name} is a metric of pixels; a claim takes a metric of whole samples"
            raise ValueError(msg)
        return name

    @model_validator(mode="after")
    def _has_a_contrast(self) -> Claim:
        if self.against_protocol is None and set(map(repr, self.detectors)) == set(
            map(repr, self.against)
        ):
            msg = "detectors and against are the same; their difference is always 0"
            raise ValueError(msg)
        if not self.against and self.against_protocol is None:
            msg = "nothing to compare with; give against, against_protocol or both"
            raise ValueError(msg)
        if self.margin == 0 and self.analysis != "superiority":
            msg = f"no data show {self.analysis} with a margin of 0; give a larger margin"
            raise ValueError(msg)
        return self

    @property
    def region(self) -> tuple[float, float]:
        """The limits between which the true difference is claimed to be."""
        low, high = LIMITS[self.analysis]
        return low * self.margin, high * self.margin if math.isfinite(high) else high


TABLES: Tables = {
    "claims": (Claim, '{ sentence = "A beats B", detectors = "knn", against = "lof" }'),
    "detectors": (Entrant, '{ spec = "lof" }'),
    "against": (Entrant, '{ spec = "lof" }'),
}


class Claims(BaseModel):
    """A file of claims, judged together.

    Attributes:
        name: of the file, by default.
        title: one line.
        digest: the sha256 of the file, which the program sets.
        scaler: as in a suite.
        seeds: as in a suite; values are averaged over them.
        error: chance, about, that a verdict of the file is wrong, if the spread of the families at
            hand is that of all families; a difference that fewer than one family in ten carries may
            be in none of them.
        claims: at least one; what all share may stand above them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: Text
    digest: str = ""
    scaler: str = "standard"
    seeds: int | tuple[int, ...] = 3
    error: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    claims: Annotated[tuple[Claim, ...], Field(min_length=1)]

    @cached_property
    def suites(self) -> tuple[Suite, ...]:
        """What each claim needs, with all its detectors and protocols.

        Raises:
            SuiteError: rows that cannot exist.
        """
        return tuple(self._suite(number, claim) for number, claim in enumerate(self.claims, 1))

    def _suite(self, number: int, claim: Claim) -> Suite:
        every = {entrant.model_dump_json(): entrant for entrant in claim.detectors + claim.against}
        under = [claim.protocol, claim.against_protocol]
        content = {
            "name": self.name,
            "title": claim.sentence,
            "detectors": list(every.values()),
            "datasets": list(claim.datasets),
            "protocol": [each for each in under if each is not None],
            "scaler": self.scaler,
            "seeds": self.seeds if isinstance(self.seeds, int) else list(self.seeds),
        }
        where = f"{self.name}: claim {number}"
        made = build(content, where)
        if claim.against_protocol is not None and len(made.protocol) == 1:
            msg = f"{where}: protocol and against_protocol are the same; their change is always 0"
            raise SuiteError(msg)
        return made

    @property
    def n_rows(self) -> int:
        """How many rows the claims need, shared ones counted each time."""
        return sum(
            len(s.detectors) * len(s.datasets) * len(s.protocol) * len(s.seeds) for s in self.suites
        )


def names() -> tuple[str, ...]:
    """Return the names of the files that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read(name: str) -> Claims:
    """Return the claims of a file, by its path or the name of one that comes with the project.

    Raises:
        SuiteError: there is none of that name, or it does not describe claims that can be tested.
    """
    if not name.endswith(".toml") and name not in names():
        msg = f"unknown claims {name!r}, and not the path of a .toml file; {nearest(name, names())}"
        raise SuiteError(msg)
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        text = path.read_bytes()
        content = tomllib.loads(text.decode())
    except OSError as error:
        msg = f"cannot read the claims {path}: {error.strerror}; by name: {', '.join(names())}"
        raise SuiteError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not valid TOML: {error}"
        raise SuiteError(msg) from None
    return _checked(content, path).model_copy(update={"digest": hashlib.sha256(text).hexdigest()})


def _checked(content: dict[str, Any], path: Path) -> Claims:
    """Return the claims in the content of a file, those that can be tested."""
    shared = {key: content.pop(key) for key in SHARED if key in content}
    claims = content.get("claims", [])
    if isinstance(claims, list):
        content["claims"] = [shared | one if isinstance(one, dict) else one for one in claims]
    try:
        found = Claims.model_validate({"name": path.stem, "title": path.stem, **content})
    except ValidationError as error:
        raise SuiteError(explained(error, str(path), Claims, TABLES)) from None
    named: dict[str, Entrant] = {}
    for entrant in (e for claim in found.claims for e in claim.detectors + claim.against):
        if named.setdefault(entrant.name, entrant) != entrant:
            msg = f"{path}: two detectors are called {entrant.name!r}; give one another label"
            raise SuiteError(msg)
    for number, (claim, suite) in enumerate(zip(found.claims, found.suites, strict=True), 1):
        least = resolution(suite.datasets)
        if 0 < claim.margin < least:
            msg = (
                f"{path}: claim {number}: the margin {claim.margin:g} is below {least:.2g}, what "
                "one anomaly of each test set is worth in the mean; give a larger one, or more data"
            )
            raise SuiteError(msg)
    return found
