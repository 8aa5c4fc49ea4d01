"""Names of the user's own data: paths with settings, turned into entries without reading data.

    file:PATH?label=COLUMN&normal=VALUE   a table: csv, tsv, parquet, feather, arff, npz or mat
    groups:PATH?group=COLUMN&label=...    a table whose rows are in groups, one label for each group
    folder:PATH                           a folder of images in the layout of MVTec AD
    folder:PATH?normal=CLASS              a folder of images with a folder for each class
    ucr:PATH?normal=CLASS                 time series, a line each, the class first
    openml/ID-or-name?normal=VALUE        a set of OpenML; label=COLUMN overrides its target

The settings of a table are in `datasets.formats.settings`. Commas separate the values of a setting
that takes several, "drop=id,name"; it may also be repeated. The characters & ? = % + and , of a
value are written as %26, %3F, ... A TOML card beside the file, of the same name with the ending
.toml, may hold the same settings, and family, source, licence, citation and known_issues; that of
images also symmetries (see `datasets.record.About`). A setting in the name overrides the card's.
The card of a folder photos.v2 is photos.v2.toml.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, unquote, unquote_plus

from datasets.entry import Entry, File
from datasets.formats.settings import CHOICES, Settings
from datasets.record import Symmetries

FORMATS = (".csv", ".tsv", ".parquet", ".feather", ".arff", ".npz", ".mat")

_GROUPS: dict[str, Any] = {"group": Settings().group}
_TABLE = {key: default for key, default in Settings()._asdict().items() if key not in _GROUPS}
_WITH_NAMES = {key: default for key, default in _TABLE.items() if key != "header"}
SEVERAL = tuple(key for key, default in _TABLE.items() if isinstance(default, tuple))
"""The settings of a table that take several values, separated by commas."""
_IMAGES: dict[str, Any] = {"size": 256, "grey": False, "symmetries": ""}
_MASKS: dict[str, Any] = {"masks": True}
_CLASSES: dict[str, Any] = {"normal": ()}
_SERIES: dict[str, Any] = {"normal": ""}
_ABOUT: dict[str, Any] = {
    "family": "",
    "source": "",
    "licence": "the owner's",
    "citation": "unpublished",
    "known_issues": (),
}
_CHOICES = {**CHOICES, "symmetries": get_args(Symmetries)[1:]}
_OPENML = "openml/"


class BadSetting(ValueError):
    """Raised for a setting that a name or a card cannot have, with what is accepted."""


Pairs = list[tuple[str, str]]


class _Parsed(NamedTuple):
    """A path, the settings after it in a name, and those of the card beside it."""

    path: Path
    in_name: Pairs
    card: Path
    on_card: Pairs


def entry(name: str) -> Entry | None:
    """Return the entry of the user's own data; None if the name does not mean such data.

    Raises:
        BadSetting: an unknown setting, or a value that is not accepted.
    """
    if name.casefold().startswith(_OPENML):
        return _openml(_OPENML + name[len(_OPENML) :])
    scheme, colon, rest = name.partition(":")
    scheme = scheme.casefold()
    return _SCHEMES[scheme](f"{scheme}:{rest}", rest) if colon and scheme in _SCHEMES else None


def _file(name: str, rest: str) -> Entry:
    return _tabular(name, _parse(rest), "datasets.families.tables:table", {})


def _groups(name: str, rest: str) -> Entry:
    found = _tabular(name, _parse(rest), "datasets.families.tables:groups", _GROUPS)
    if not found.options["group"]:
        msg = f"{name}: name the column that says which group a row is of (?group=COLUMN)"
        raise BadSetting(msg)
    return found


def _tabular(name: str, parsed: _Parsed, loader: str, further: Mapping[str, Any]) -> Entry:
    ending = parsed.path.suffix
    if ending.lower() not in FORMATS:
        if os.path.isdir(parsed.path):
            msg = f"{name}: {parsed.path} is a folder; for a folder of images, write folder:"
            raise BadSetting(msg + name.partition(":")[2].partition("?")[0])
        msg = f"{name}: cannot read {ending or 'a file without an ending'!r}; give one of: "
        raise BadSetting(msg + ", ".join(FORMATS))
    known = _TABLE if ending.lower() in (".csv", ".tsv") else _WITH_NAMES
    return _entry(name, parsed, loader, {**known, **further}, (parsed.path,))


def _folder(name: str, rest: str) -> Entry:
    parsed = _parse(rest, is_folder=True)
    if any(key == "normal" for key, _ in (*parsed.in_name, *parsed.on_card)):
        return _entry(name, parsed, "datasets.families.images.mvtec:classes", _IMAGES | _CLASSES)
    loader, known = "datasets.families.images.photos:category", _IMAGES | _MASKS
    return _entry(name, parsed, loader, known, has_official_split=True)


def _series(name: str, rest: str) -> Entry:
    parsed, loader = _parse(rest), "datasets.families.ucr:own_series"
    path = parsed.path
    if "_TRAIN" not in path.name:
        return _entry(name, parsed, loader, _SERIES, (path,))
    test = path.with_name(path.name.replace("_TRAIN", "_TEST"))
    return _entry(name, parsed, loader, _SERIES, (path, test), has_official_split=True)


def _openml(name: str) -> Entry:
    place, _, query = name.partition("?")
    settings = {**_WITH_NAMES, **_settings(name, _pairs(query), _WITH_NAMES)}
    key = place.removeprefix(_OPENML)
    if not re.fullmatch(r"[^\W_][^/\\]*", key):
        msg = f"{name}: {key!r} is not a data set of OpenML; give its number, or its name"
        raise BadSetting(msg)
    by_name = f"search?type=data&q={quote(key)}"
    site = f"https://www.openml.org/{f'd/{key}' if key.isdecimal() else by_name}"
    return Entry(
        name=name,
        kind="tabular",
        family=place,
        source=f"OpenML, {site}",
        licence="see the page of its source",
        citation=(
            "Vanschoren, van Rijn, Bischl and Torgo, OpenML: networked science in machine "
            "learning, SIGKDD Explorations 15(2), 2013, doi:10.1145/2641190.2641198"
        ),
        loader="datasets.families.openml:table",
        known_issues=("published for classification: check that its rare class is anomalous",),
        files=(File(f"{place}.arff", advice=f"get it as ARFF from {site}"),),
        beside=(f"{place}.json",),
        service="openml",
        options=settings,
    )


_SCHEMES: dict[str, Callable[[str, str], Entry]] = {
    "file": _file,
    "folder": _folder,
    "groups": _groups,
    "ucr": _series,
}


def _parse(rest: str, is_folder: bool = False) -> _Parsed:
    """Return the parts of a name after its scheme, and the settings of the card beside the path."""
    place, _, query = rest.partition("?")
    path = Path(unquote(place)).expanduser().absolute()
    card = path.parent / f"{path.name if is_folder else path.stem}.toml"
    return _Parsed(path, _pairs(query), card, _read_card(card))


def _pairs(query: str) -> Pairs:
    """Return the settings of a name, a pair for each value."""
    found = []
    for setting in query.split("&") if query else ():
        key, _, text = setting.partition("=")
        values = text.split(",") if key in SEVERAL else [text]
        found += [(key, unquote_plus(value)) for value in values]
    return found


def _entry(
    name: str,
    parsed: _Parsed,
    loader: str,
    defaults: Mapping[str, Any],
    files: tuple[Path, ...] = (),
    *,
    has_official_split: bool = False,
) -> Entry:
    """Return an entry of tabular data in files, or else of images in the folder that is named."""
    known = {**defaults, **_ABOUT}
    settings = {**known, **_settings(f"{name} ({parsed.card.name})", parsed.on_card, known)}
    settings.update(_settings(name, parsed.in_name, known))
    about = {key: settings.pop(key) for key in _ABOUT}
    symmetries = settings.pop("symmetries", "")  # of how images may be shown: none is read so
    return Entry(
        name=name,
        kind="tabular" if files else "image",
        family=about["family"] or parsed.path.stem,
        source=about["source"] or f"the user's own {'file' if files else 'folder'}",
        licence=about["licence"],
        citation=about["citation"],
        loader=loader,
        known_issues=tuple(about["known_issues"]),
        has_official_split=has_official_split,
        files=tuple(File(str(file)) for file in files),
        folders=() if files else (str(parsed.path),),
        symmetries=symmetries,
        options=settings,
    )


def _read_card(card: Path) -> Pairs:
    """Return the settings of a card, a pair for each value of a list; none without a card."""
    if not os.path.isfile(card):
        return []
    try:
        settings = tomllib.loads(card.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {card}: {error.strerror}"
        raise BadSetting(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{card} is not valid TOML: {error}"
        raise BadSetting(msg) from error
    return [
        (key, str(value))
        for key, values in settings.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _settings(name: str, given: Pairs, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by name, each converted to the type of its default."""
    found: dict[str, Any] = {}
    for key, text in given:
        if key not in known:
            normal = ", normal (for a folder for each class)" if "masks" in known else ""
            msg = f"{name}: unknown setting {key!r}; accepted: {', '.join(known)}{normal}"
            raise BadSetting(msg)
        if isinstance(known[key], tuple):
            found[key] = (*found.get(key, ()), text)
        elif key in found:
            msg = f"{name}: {key} is given more than once, and takes one value"
            raise BadSetting(msg)
        else:
            found[key] = value(f"{name}: {key}", text, known[key])
        if key in _CHOICES and found[key] not in _CHOICES[key]:
            msg = f"{name}: {key} is {text!r}; give one of: {', '.join(_CHOICES[key])}"
            raise BadSetting(msg)
    return found


def value(setting: str, text: str, default: Any) -> Any:
    """Return the value of a setting, converted to the type of its default.

    Raises:
        BadSetting: it cannot be converted.
    """
    if isinstance(default, bool):
        if text.lower() not in ("yes", "no", "true", "false"):
            msg = f"{setting} is {text!r}; give yes or no"
            raise BadSetting(msg)
        return text.lower() in ("yes", "true")
    if isinstance(default, int):
        if not text.isdecimal() or not int(text):
            msg = f"{setting} is {text!r}; give a positive whole number"
            raise BadSetting(msg)
        return int(text)
    return text
