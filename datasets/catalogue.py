"""Data sets by name. Naming and describing them loads no data and imports no loader."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import parse_qsl

from datasets import families, files, own
from datasets.entry import Entry
from datasets.files import WrongData, data_folder
from datasets.record import About, Card, DataSet, values_sha256

_OTHER_VALUES = (
    "samples or labels differ from those of the published file; replace it, or load it as file:PATH"
)
_MANY = 15  # members of a group that a message still lists
_SAME_GROUP = 0.8  # similarity from which on a misspelled group is recognised


_ORDER = (
    *("embedded", "synthetic", "bags", "textures", "employees", "adbench", "odds", "classic"),
    *("mnist", "cifar", "svhn", "mnist_c", "mvtec", "visa", "products", "brats", "ucr", "nab"),
)
"""Modules of `datasets.families` in the order of `names`; others come after them, by name."""


def read_families() -> Iterator[Entry]:
    """Yield the entries of all modules below `datasets.families`, so that a new one is one file."""
    found = pkgutil.walk_packages(families.__path__, f"{families.__name__}.")
    modules = {name.rpartition(".")[2]: name for _, name, is_package in found if not is_package}
    for last in sorted(sorted(modules), key=lambda last: (*_ORDER, last).index(last)):
        yield from getattr(importlib.import_module(modules[last]), "ENTRIES", ())


TABLE: dict[str, Entry] = {entry.name: entry for entry in read_families()}


class UnknownDataSet(ValueError):
    """Raised for a name that is not in the catalogue; the message has the nearest ones."""


def names() -> tuple[str, ...]:
    """Return the name of every data set of the catalogue, present or not."""
    return tuple(TABLE)


def find(name: str) -> Entry:
    """Return the entry of a name in any case, which needs no files to be present.

    Options of the loader that a name may set follow it: "mvtec/bottle?size=128&grey=yes". The
    user's own data are named by path, see `datasets.own`.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
        ValueError: an option that the data set does not have, or a value it cannot take.
    """
    if known := _in_any_case(name):
        return known
    if entry := own.entry(name):
        return entry
    base, mark, query = name.rpartition("?")
    if mark and (known := _in_any_case(base)):
        return _with_options(known, f"{known.name}?{query}", query)
    path = Path(base or name)
    nearest = _nearest(base or name)
    if path.suffix.lower() in own.FORMATS or path.is_dir():
        hint = f"data of your own: {'folder' if path.is_dir() else 'file'}:{name}; "
    else:
        hint = f"the nearest: {', '.join(nearest)}; " if nearest else ""
    msg = f"unknown data set {name!r}; {hint}`bench list datasets` prints all {len(TABLE)}"
    raise UnknownDataSet(msg)


def _in_any_case(name: str) -> Entry | None:
    same = (entry for known, entry in TABLE.items() if known.casefold() == name.casefold())
    return TABLE.get(name) or next(same, None)


def matching(pattern: str) -> tuple[str, ...]:
    """Return the names of the catalogue that match a pattern such as "mnist/*", in any case."""
    return tuple(name for name in TABLE if fnmatchcase(name.casefold(), pattern.casefold()))


def card(name: str, data: Path | None = None) -> Card:
    """Return what is known of a data set, without loading it.

    Args:
        name: one of `names()`, with options or without.
        data: the data folder, see `data_folder`; read only where the entry has no digest of a
            file; that digest is then computed, once.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
        MissingData: a file whose digest is needed is missing.
        ValueError: a wrong option.
    """
    entry = find(name)
    return _card(entry, data_folder(data))


def present(name: str, data: Path | None = None) -> bool:
    """Return whether the files of a data set are in the data folder, right or wrong.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
    """
    return files.is_present(find(name), data_folder(data))


def load(name: str, data: Path | None = None) -> DataSet:
    """Load a data set and check it against its card and its files against their digests.

    Args:
        name: one of `names()`, with options or without.
        data: the data folder, see `data_folder`; embedded and generated sets need none.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
        MissingData: one of its files is missing; the message has the command to fetch it.
        WrongData: a file differs from its digest or its size in the entry.
        ValueError: its content differs from its card, or a wrong option.
    """
    entry, folder = find(name), data_folder(data)
    paths = files.locate(entry, folder)
    flaws = _flaws(entry, paths)
    if flaws and not entry.values_sha256:
        raise flaws[0]
    module, _, function = entry.loader.partition(":")
    loader: Callable[..., DataSet] = getattr(importlib.import_module(module), function)
    try:
        loaded = loader(_card(entry, folder), paths, **entry.options)
    except ValueError as error:
        if flaws:
            raise flaws[0] from None
        if isinstance(error, WrongData) or str(error).startswith(entry.name):
            raise
        msg = f"{entry.name}: {paths[0] if paths else entry.loader} cannot be read: {error}"
        raise WrongData(msg) from error
    _check_values(entry, loaded, flaws)
    return loaded


def sample_files(name: str, data: Path | None = None) -> list[str] | None:
    """Return the file of each sample, within the data set's folder; None unless each has one.

    A loader LOADER of images in a folder has a function `files_of_LOADER` beside it.

    Raises:
        ValueError: as `load` does; MissingData: the folder is missing.
    """
    entry = find(name)
    module, _, function = entry.loader.partition(":")
    listed = getattr(importlib.import_module(module), f"files_of_{function}", None)
    if listed is None:
        return None
    folder = files.locate(entry, data_folder(data))[0]
    return [str(path.relative_to(folder)) for path in listed(folder)]


def holds_values(entry: Entry, data: Path | None = None) -> bool:
    """Return whether the files of an entry hold the published samples and labels; loads them."""
    if not entry.values_sha256:
        return False
    try:
        return values_sha256(load(entry.name, data)) == entry.values_sha256
    except (OSError, ValueError):
        return False


def _flaws(entry: Entry, paths: list[Path]) -> list[WrongData]:
    """Return what is wrong with the files of an entry."""
    found = []
    for file, path in zip(entry.files, paths, strict=False):
        try:
            files.verify(file, path)
        except WrongData as error:
            found.append(error)
    return found


def _check_values(entry: Entry, loaded: DataSet, flaws: list[WrongData]) -> None:
    """Raise an error unless files are the published ones or hold the published values."""
    if all(file.pin for file in entry.files) and not flaws:
        return
    if entry.values_sha256 and values_sha256(loaded) != entry.values_sha256:
        raise (flaws or [WrongData(f"{entry.name}: {_OTHER_VALUES}")])[0]


def _card(entry: Entry, folder: Path) -> Card:
    about = {field.name: getattr(entry, field.name) for field in fields(About)}
    sizes = vars(entry.facts) if entry.facts else {}
    sha256, from_files = files.identity(entry, folder), not entry.content_sha256
    return Card(**about, **sizes, sha256=sha256, from_files=from_files)


def _with_options(entry: Entry, name: str, query: str) -> Entry:
    """Return an entry with the options of a name; sizes are then no longer pinned."""
    options = dict(entry.options)
    for key, text in parse_qsl(query, keep_blank_values=True) or [(query, "")]:
        if key not in entry.settable:
            known = ", ".join(entry.settable) or "none"
            msg = f"{entry.name} has no option {key!r} to set; it has: {known}"
            raise ValueError(msg)
        options[key] = own.value(f"{entry.name}?{key}", text, options[key])
    return replace(entry, name=name, options=options, facts=None, values_sha256="")


def _nearest(name: str) -> list[str]:
    """Return the nearest names: the members of a group for its name, a pattern or a number in it,
    or else names that resemble this one, in full or without their group.
    """
    group, _, member = name.partition("/")
    groups = [known.partition("/")[0] for known in TABLE if "/" in known]
    likely = get_close_matches(group, groups, 1, _SAME_GROUP)
    members = [known for known in TABLE if known.startswith(f"{likely[0]}/")] if likely else []
    if likely and f"{likely[0]}/{member}" in members:
        return [f"{likely[0]}/{member}"]
    if members and (not member or "*" in member or member.isdigit()):
        shown = members[:_MANY]
        return members if len(members) <= _MANY else [*shown, f"... ({len(members)} in all)"]
    full = {known.lower(): known for known in TABLE}
    ends = {known.rpartition("/")[2].lower(): known for known in TABLE}
    spellings = ends | full
    found = get_close_matches(name.lower(), spellings)
    return list(dict.fromkeys(spellings[match] for match in found))
