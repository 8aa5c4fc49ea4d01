"""The code id: a digest of the code and the library versions that a row's scores depend on.

It covers every definition of the project that a score can reach: from the detector, the protocol,
the loader of the data set, the preparation of samples and the child's own code. Each counts by its
syntax tree, wherever it stands (see `bench.store.definitions`). Tables of names are not followed:
what a row takes from them is in its key itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from sys import stdlib_module_names
from typing import Any, NamedTuple

import datasets
from bench.protocols import named
from bench.store.definitions import HOME, Definitions
from bench.store.modules import Place
from bench.store.records import Wanted, digest
from bench.store.syntax import Definition
from detectors.entry import Entry
from detectors.pyod.table import PYOD
from detectors.source import source_file
from detectors.spec import Spec, parse

SHOWN_DIGITS = 12  # of a digest
# What a library is called where its modules have another name, and what its results rest on.
DISTRIBUTIONS = {
    "PIL": ("pillow",),
    "pyod": ("pyod", "numpy", "scikit-learn", "scipy"),
    "pywt": ("PyWavelets",),
    "sklearn": ("scikit-learn", "numpy", "scipy"),
}
# Code of the harness, of detectors and of data sets that every score depends on.
EVERY_SCORE = (
    "bench.run.prepare:prepare",
    "bench.run.scoring:ONE_THREAD",
    "bench.run.scoring:build",
    "bench.run.scoring:fit",
    "bench.run.scoring:score",
    "bench.run.scoring:seed_generators",
    "datasets.catalogue:load",
)
OF_HEADS = ("bench.run.scoring:with_head",)
OF_GROUPS = tuple(f"bench.run.grouped:{name}" for name in ("by_group", "to_fit", "to_score"))
# Look-ups and what they return, which is in the key of a row. Checks, which accept or refuse. And a
# cache, which returns what it is passed a function for.
NOT_FOLLOWED = (
    "bench.protocols.named:Named",
    "bench.protocols.named:find",
    "bench.protocols.named:parse",
    "datasets.catalogue:_card",
    "datasets.catalogue:_check_values",
    "datasets.catalogue:_flaws",
    "datasets.catalogue:find",
    "datasets.files:data_folder",
    "datasets.files:locate",
    "datasets.files:verify",
    "datasets.formats.decoded:once",
    "datasets.record:Card",
    "datasets.record:content_sha256",
    "detectors.pyod.table:PYOD",
    "detectors.spec:Spec",
    "detectors.factory:load_class",
    "detectors.spec:parse",
    "detectors.settings:check_settings",
    "detectors.settings:nearest",
)


class Origin(NamedTuple):
    """What decides which code makes a row's scores.

    Attributes:
        spec: the detector.
        protocol: name of the protocol.
        loader: "module:function" that loads the data set.
        cap: largest share of anomalies in its test sets; None for no limit.
    """

    spec: Spec
    protocol: str
    loader: str
    cap: float | None


def origin(spec: Spec, protocol: str, dataset: str) -> Origin:
    """Return the origin of rows of a detector on a data set, by its name."""
    entry = datasets.find(dataset)
    name = named.parse(protocol).name
    return Origin(spec, name, entry.loader, entry.max_test_anomaly_rate)


def code_id(made: Origin) -> str:
    """Return the digest of all that makes scores of this origin, libraries included."""
    known = (str(made.spec), *made[1:])
    if known not in _ids:
        _ids[known] = digest({"own": own_code_id(made), "versions": _versions(made)})
    return _ids[known]


_ids: dict[tuple[object, ...], str] = {}


def is_current(row: Wanted) -> bool:
    """Return whether a row is of the present code; none is of a detector or data unknown here."""
    try:
        return row.code_id == _current(row.spec, row.protocol, row.dataset)
    except (OSError, ValueError):
        return False


@cache
def _current(spec: str, protocol: str, dataset: str) -> str:
    return code_id(origin(parse(spec), protocol, dataset))


def own_code_id(made: Origin, further: Iterable[str] = ()) -> str:
    """Return the digest of the project's code alone that makes scores.

    `further` adds definitions, as "module:name", that make something of the scores.
    """
    found = definitions()
    every = [*starts(made).values(), *map(found.find, further)]
    return digest({"definitions": [found.digest(start) for start in every], **_chosen(made)})


def code_parts(made: Origin) -> dict[str, Any]:
    """Return what the code id is made of, for a reader who asks why two of them differ.

    `files` gives a digest of the definitions of each file that a score can reach, by its path in
    the project (of a user's file, its name); `presets` what the tables of detectors and protocols
    say; `versions` the version of each library.
    """
    found = definitions()
    by_file: dict[Path, list[str]] = {}
    for one in _reached(made):
        by_file.setdefault(one.file, []).append(found.own_digest(one))
    files = {_shown(file): digest(sorted(parts)) for file, parts in by_file.items()}
    return {
        "files": {name: files[name][:SHOWN_DIGITS] for name in sorted(files)},
        "presets": list(_chosen(made).values()),
        "versions": _versions(made),
    }


def digest_of(*targets: str) -> str:
    """Return the digest of definitions of the project, "module:name", and of all they reach."""
    found = definitions()
    return digest([found.digest(found.find(target)) for target in targets])


@cache
def definitions() -> Definitions:
    """Return the definitions of the project as this process first reads them."""
    return Definitions(cut=NOT_FOLLOWED)


def starts(made: Origin) -> dict[str, Definition]:
    """Return the definitions that scores of an origin come from, by target."""
    protocol = named.find(made.protocol)
    choose = protocol.choose
    every = EVERY_SCORE + OF_HEADS * bool(made.spec.head) + OF_GROUPS * protocol.scores_groups
    targets = [*every, f"{choose.__module__}:{choose.__qualname__}", made.loader]
    classes = {entry.target: _class(entry.target) for entry in _entries(made.spec)}
    return {target: definitions().find(target) for target in targets} | classes


def libraries(spec: Spec) -> set[str]:
    """Return the top-level names of libraries that the classes of a detector refer to."""
    classes = [definitions().reached(_class(entry.target)) for entry in _entries(spec)]
    return definitions().libraries(set().union(*classes))


def _class(target: str) -> Definition:
    """Return the definition of a detector's class; outside the project, its whole module."""
    module, _, _ = target.partition(":")
    if module.partition(".")[0] == "detectors":
        return definitions().find(target)
    file = source_file(target).resolve()
    file_digest(file)  # so that a change from now on is noticed
    if module.endswith(".py"):
        return definitions().whole(file, Place(file.parent))
    package = module.partition(".")[0]
    return definitions().whole(file, Place(file.parents[module.count(".")], package))


def _reached(made: Origin) -> set[Definition]:
    return set().union(*map(definitions().reached, starts(made).values()))


def _entries(spec: Spec) -> list[Entry]:
    return [entry for entry in (spec.entry, spec.head_entry) if entry]


def _chosen(made: Origin) -> dict[str, str]:
    """Return what the tables of detectors and protocols say of an origin, texts aside."""
    presets = [sorted(entry.preset.items()) for entry in _entries(made.spec)]
    pyod = [PYOD[str(name)] for each in presets for key, name in each if key == "class_name"]
    protocol = named.find(made.protocol)
    rules = [
        (field.name, getattr(protocol, field.name))
        for field in fields(protocol)
        if field.name not in ("summary", "choose", "paper", "flaw", "scores_groups")
    ]
    chosen = {"presets": presets, "pyod": pyod, "protocol": rules, "cap": made.cap}
    return {name: repr(value) for name, value in chosen.items()}


def _versions(made: Origin) -> dict[str, str]:
    preloaded = {module for entry in _entries(made.spec) for module in entry.preload}
    return versions(definitions().libraries(_reached(made)) | preloaded)


def _shown(path: Path) -> str:
    return path.relative_to(HOME).as_posix() if path.is_relative_to(HOME) else path.name


@cache
def file_digest(path: Path) -> str:
    """Return the sha256 of a file as it was when this process first asked, when planning."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions behind imported modules, where they have one."""
    found: dict[str, str] = {}
    for module in modules:
        package = module.partition(".")[0]
        if package and package not in stdlib_module_names:
            for distribution in DISTRIBUTIONS.get(package, (package,)):
                found |= _version(distribution)
    return found


@cache
def _version(distribution: str) -> dict[str, str]:
    try:
        return {distribution: version(distribution)}
    except PackageNotFoundError:
        return {}
