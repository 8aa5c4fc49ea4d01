"""An entry of the registry: what is known about a detector without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detectors.contract import Family
from detectors.settings import nearest
from detectors.source import class_names, declared, source_file


class UnknownDetector(ValueError):
    """Raised for a name that is not registered, with the nearest ones that are."""


@dataclass(frozen=True)
class Entry:
    """What planning knows about a method without importing it.

    Attributes:
        target: "package.module:Class" or "path/to/file.py:Class".
        family: deep, shallow, hybrid, or "control" for a baseline.
        readouts: names of the scores of a fitted model, the default first; empty for a single one.
        encodes: whether the model has codes for a head.
        trains_together: whether seeds train as one batched model (`fit_together`).
        takes_device: whether one can choose the device that it trains on; others run on the CPU.
        takes_epochs: whether it has a setting `epochs`, which `untrained-` sets to 0.
        transductive: whether a score depends on the other test rows.
        images_only: whether samples must be images.
        takes_groups: whether samples are groups of rows.
        files: settings that are paths of files, whose content counts.
        localizes: pooling of the map of each read-out that has one, as of `Localizer`.
        preset: settings that the name fixes.
        preload: further modules to import before processes are forked.
    """

    target: str
    family: Family = "shallow"
    readouts: tuple[str, ...] = ()
    encodes: bool = False
    trains_together: bool = False
    takes_device: bool = False
    takes_epochs: bool = False
    transductive: bool = False
    images_only: bool = False
    takes_groups: bool = False
    files: tuple[str, ...] = ()
    localizes: Mapping[str, str] = field(default_factory=dict)
    preset: Mapping[str, Any] = field(default_factory=dict)
    preload: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the class is in this package, so that the project's tests check it."""
        return self.file is None and self.target.startswith("detectors.")

    @property
    def file(self) -> Path | None:
        """The user's file that defines the class; None for a module."""
        module = self.target.rpartition(":")[0]
        return Path(module) if module.endswith(".py") else None


def read_entry(target: str, preset: Mapping[str, Any] | None = None) -> Entry:
    """Return the entry of a class, read from its source without importing it.

    Raises:
        UnknownDetector: the file has no such class.
        FileNotFoundError: there is no such file or module.
        ValueError: a declaration is no literal, or a file is not valid python.
    """
    path, name = source_file(target), target.rpartition(":")[2]
    known = class_names(path)
    if name not in known:
        msg = f"{target}: no class {name!r} there; {nearest(name, known)}"
        raise UnknownDetector(msg)
    return Entry(target, **declared(path, name), preset=preset or {})
