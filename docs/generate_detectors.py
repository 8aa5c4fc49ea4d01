"""The reference page of the detectors, from the registry and their classes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

from markup import attributes, listed, page, paragraphs, table

from bench.render.references import Reference, of_detector
from detectors.contract import Detector
from detectors.entry import Entry
from detectors.factory import load_class
from detectors.pyod.table import PYOD, UNUSABLE
from detectors.registry import find, names
from detectors.settings import describe
from detectors.training.base import DeepDetector

TYPES = {
    "shallow": "Shallow detectors",
    "deep": "Deep detectors",
    "hybrid": "Hybrid detectors",
    "control": "Baselines",
}
VENUES = ("journal", "booktitle", "institution", "publisher", "howpublished")
COLUMNS = ("setting", "default", "accepted", "meaning")
INTRODUCTION = """\
A name takes a read-out (`vae:elbo`) or a head (`ae+lof`); see
[Models, read-outs and heads](../concepts/readouts.md). `untrained-NAME` is a deep detector without
a training step, `path.py:CLASS` a class in a file of yours. Every detector has the setting `seed`,
which suites and `--seeds` set."""
PYOD_INTRODUCTION = """\
`pyod:CLASS` is the class of that name in PyOD, with PyOD's own settings and defaults. A
transductive detector, whose scores depend on the other test samples, runs only where the protocol
allows it."""


def detectors() -> str:
    """Return the page."""
    entries = {name: find(name) for name in names()}
    by_type = {kind: [n for n, entry in entries.items() if entry.family == kind] for kind in TYPES}
    overview = [
        [TYPES[kind], ", ".join(f"[{name}](#{anchor(name)})" for name in members)]
        for kind, members in by_type.items()
        if members
    ]
    overview.append(["PyOD", "[pyod:CLASS](#detectors-of-pyod)"])
    blocks = ["# Detectors", INTRODUCTION, table(["type", "detectors"], overview)]
    for kind, members in by_type.items():
        if not members:
            continue
        blocks.append(f"## {TYPES[kind]}")
        if kind == "deep":
            shared = table(COLUMNS, _settings(DeepDetector, {"seed"}))
            blocks += ["### Settings of all deep detectors", shared]
        for name in members:
            blocks += _detector(name, entries[name])
    return page([*blocks, *_pyod()])


def _detector(name: str, entry: Entry) -> Iterator[str]:
    cls = load_class(entry.target)
    yield f"({anchor(name)})=\n### {name}"
    yield paragraphs(cls)
    preset = ", ".join(f"`{key} = {_literal(value)}`" for key, value in entry.preset.items())
    yield listed(
        {
            "class": f"`{entry.target}`",
            "fixed by the name": preset,
            "read-outs": ", ".join(f"`{name}:{readout}`" for readout in entry.readouts),
            "head": f"`{name}+HEAD`" if entry.encodes else "",
            "maps": ", ".join(f"`{name}:{r}`" if r else f"`{name}`" for r in entry.localizes),
            "samples": "images only" if entry.images_only else "",
            "transductive": "yes" if entry.transductive else "",
            "papers": "; ".join(map(cited, of_detector(name))),
        }
    )
    base = DeepDetector if issubclass(cls, DeepDetector) else None
    settings = _settings(cls, {"seed", *entry.preset}, base)
    if settings:
        yield table(COLUMNS, settings)
    if base:
        yield "It also takes the [settings of all deep detectors](#settings-of-all-deep-detectors)."
    elif not settings:
        yield "It has no settings."


def _settings(
    cls: type[Detector], skip: set[str], base: type[Detector] | None = None
) -> list[list[str]]:
    """Return a row for each setting of a class but those that `base` has with an equal default."""
    hints = get_type_hints(cls, include_extras=True)
    meanings = attributes(cls)
    shared = {field.name: _default(field) for field in dataclasses.fields(base)} if base else {}
    return [
        [
            f"`{field.name}`",
            f"`{_literal(_default(field))}`",
            describe(hints[field.name]),
            meanings.get(field.name, ""),
        ]
        for field in dataclasses.fields(cls)
        if field.name not in skip and shared.get(field.name, ...) != _default(field)
    ]


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _literal(value: Any) -> str:
    """Return a value as a suite spells it."""
    return repr(list(value) if isinstance(value, tuple) else value)


def _pyod() -> Iterator[str]:
    yield "## Detectors of PyOD"
    yield PYOD_INTRODUCTION
    usable = [[f"`pyod:{name}`", one.family, one.companions] for name, one in sorted(PYOD.items())]
    yield table(["name", "type", "transductive, because"], usable)
    yield "These classes of PyOD cannot be used:"
    yield table(["class", "reason"], [[f"`{name}`", why] for name, why in UNUSABLE.items()])


def cited(reference: Reference) -> str:
    """Return authors, title with its address, venue and year."""
    text = {name: re.sub(r"[{}]", "", value) for name, value in reference.fields.items()}
    authors = [name.partition(", ")[0] for name in text["author"].split(" and ")]
    named = ", ".join(authors).replace(", others", " et al.")
    address = (
        ("doi" in text and f"https://doi.org/{text['doi']}")
        or ("eprint" in text and f"https://arxiv.org/abs/{text['eprint']}")
        or text.get("url")
    )
    title = f"[{text['title']}](<{address}>)" if address else f"*{text['title']}*"
    venue = next((text[name] for name in VENUES if name in text), "")
    return ", ".join(part for part in (named, title, venue, text["year"]) if part)


def anchor(name: str) -> str:
    """Return the anchor of a detector's section."""
    return "detector-" + name.replace("--", "-minus-minus")
