"""Names of the user's own data, which are paths with settings: what they mean, without reading.

    file:PATH?label=COLUMN&normal=VALUE   a table: csv, tsv, parquet, feather, npz or mat
    folder:PATH                           a folder of images in the layout of MVTec AD
    folder:PATH?normal=CLASS              a folder of images with a folder for each class
    ucr:PATH?normal=CLASS                 time series, a line each, the class first
    openml/ID-or-name?normal=VALUE        a set of OpenML; label=COLUMN for another than its own

A setting that takes several values is repeated: "drop=id&drop=name". Characters that have a
meaning here (& ? = % + and, on the command line, commas) are written as %26, %3F, ... A TOML card
beside the file, of the same name with the ending .toml, may hold the same settings, and family,
source, licence, citation and traps; the name goes before the card.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from datasets.record import Kind
from datasets.sources import Entry, File

FORMATS = (".csv", ".tsv", ".parquet", ".feather", ".arff", ".npz", ".mat")
CATEGORICAL = ("refuse", "one-hot", "ordinal")
MISSING = ("refuse", "keep", "drop-rows")

_TABLE: dict[str, Any] = {
    "label": "",
    "normal": (),
    "drop": (),
    "na": (),
    "categorical": "refuse",
    "missing": "refuse",
}
_IMAGES: dict[str, Any] = {"size": 256, "grey": False}
_MASKS: dict[str, Any] = {"masks": True}
_CLASSES: dict[str, Any] = {"normal": ()}
_SERIES: dict[str, Any] = {"normal": ""}
_ABOUT: dict[str, Any] = {
    "family": "",
    "source": "",
    "licence": "the owner's",
    "citation": "unpublished",
    "traps": (),
}
_OPENML = "openml/"
_ALLOWED = {"categorical": CATEGORICAL, "missing": MISSING}


class BadSetting(ValueError):
    """Raised for a setting that a name or a card cannot have, with what it can."""


def entry(name: str) -> Entry | None:
    """Return the entry of a name of the user's own data; None if the name is not of that kind.

    Raises:
        BadSetting: a setting that is not known, or a value that it cannot have.
    """
    if name.startswith(_OPENML):
        return _openml(name)
    scheme, colon, rest = name.partition(":")
    return _SCHEMES[scheme](name, rest) if colon and scheme in _SCHEMES else None


def _file(name: str, rest: str) -> Entry:
    path, said = _parse(rest)
    ending = path.suffix.lower()
    if ending not in FORMATS:
        msg = f"{name}: cannot read {path.suffix or 'a file without an ending'!r}; give one of: "
        raise BadSetting(msg + ", ".join(FORMATS))
    return _entry(name, path, said, _TABLE, "datasets.tabular:table", "tabular")


def _folder(name: str, rest: str) -> Entry:
    path, said = _parse(rest)
    if any(key == "normal" for key, _ in said):
        return _entry(name, path, said, _IMAGES | _CLASSES, "datasets.mvtec:classes", "image")
    return _entry(name, path, said, _IMAGES | _MASKS, "datasets.mvtec:category", "image")


def _series(name: str, rest: str) -> Entry:
    path, said = _parse(rest)
    return _entry(name, path, said, _SERIES, "datasets.ucr:series", "tabular")


def _openml(name: str) -> Entry:
    place, _, query = name.partition("?")
    said = parse_qsl(query, keep_blank_values=True)
    settings = {**_TABLE, **_settings(name, said, _TABLE)}
    key = place.removeprefix(_OPENML)
    if not re.fullmatch(r"[^\W_][^/\\]*", key):
        msg = f"{name}: {key!r} is no set of OpenML; give its number, or its name"
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
        loader="datasets.openml:table",
        traps=("made for classification: whether its rare class is anomalous is your claim",),
        files=(File(f"{place}.arff", advice=f"get it as ARFF from {site}"),),
        beside=(f"{place}.json",),
        service="openml",
        options=settings,
    )


_SCHEMES: dict[str, Callable[[str, str], Entry]] = {
    "file": _file,
    "folder": _folder,
    "ucr": _series,
}


def _parse(rest: str) -> tuple[Path, list[tuple[str, str]]]:
    """Return the absolute path of a name, and the settings that follow it."""
    place, _, query = rest.partition("?")
    path = Path(unquote(place)).expanduser().absolute()
    return path, parse_qsl(query, keep_blank_values=True)


def _entry(
    name: str,
    path: Path,
    said: list[tuple[str, str]],
    defaults: Mapping[str, Any],
    loader: str,
    kind: Kind,
) -> Entry:
    known = {**defaults, **_ABOUT}
    settings = {**known, **_card_beside(name, path, known)}
    settings.update(_settings(name, said, known))
    about = {key: settings.pop(key) for key in _ABOUT}
    is_series, is_folder = "ucr" in loader, kind == "image"
    files = () if is_folder else tuple(File(str(part)) for part in _parts(path, is_series))
    return Entry(
        name=name,
        kind=kind,
        family=about["family"] or path.stem,
        source=about["source"] or f"a {'folder' if is_folder else 'file'} of the user's own",
        licence=about["licence"],
        citation=about["citation"],
        loader=loader,
        traps=tuple(about["traps"]),
        has_official_split=loader.endswith(":category") or len(files) == 2,
        files=files,
        folders=(str(path),) if is_folder else (),
        options=settings,
    )


def _parts(path: Path, is_series: bool) -> tuple[Path, ...]:
    """Return the file, and for the training part of a UCR set the test part after it."""
    if is_series and "_TRAIN" in path.name:
        return path, path.with_name(path.name.replace("_TRAIN", "_TEST"))
    return (path,)


def _card_beside(name: str, path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    card = path.with_suffix(".toml")
    if not card.is_file():
        return {}
    try:
        said = tomllib.loads(card.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{card} is no TOML: {error}"
        raise BadSetting(msg) from error
    pairs = [
        (key, str(value))
        for key, values in said.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return _settings(f"{name} ({card.name})", pairs, known)


def _settings(name: str, said: list[tuple[str, str]], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by name, each of the type of its default."""
    found: dict[str, Any] = {}
    for key, text in said:
        if key not in known:
            normal = ", normal (for a folder a class)" if "masks" in known else ""
            msg = f"{name}: unknown setting {key!r}; there are: {', '.join(known)}{normal}"
            raise BadSetting(msg)
        if isinstance(known[key], tuple):
            found[key] = (*found.get(key, ()), text)
        else:
            found[key] = value(f"{name}: {key}", text, known[key])
        if key in _ALLOWED and found[key] not in _ALLOWED[key]:
            msg = f"{name}: {key} is {text!r}; give one of: {', '.join(_ALLOWED[key])}"
            raise BadSetting(msg)
    return found


def value(setting: str, text: str, default: Any) -> Any:
    """Return a setting's value as the type of its default.

    Raises:
        BadSetting: it is not of that type.
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
