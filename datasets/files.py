"""Files of data sets in the data folder: where they are, and whether they match their digests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple, NoReturn

from datasets.digests import cache_folder, digest, digests
from datasets.entry import Entry, File

_POINTER = b"version https://git-lfs."
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<?xml")


class MissingData(FileNotFoundError):
    """Raised when a file of a data set is missing, with the command that fetches it."""


class WrongData(ValueError):
    """Raised when a file is not the expected one, with how it differs."""


def data_folder(data: Path | None = None) -> Path:
    """Return the folder of local data: `data`, else `$BENCH_DATA`, else the user's cache folder."""
    if data is not None:
        return Path(data).expanduser()
    if chosen := os.environ.get("BENCH_DATA"):
        return Path(chosen).expanduser()
    return cache_folder()


def is_present(entry: Entry, folder: Path) -> bool:
    """Return whether every file and folder of an entry is present, right or wrong."""
    files = all(os.path.isfile(folder / file.path) for file in entry.files)
    return files and all(holds_files(folder / name) for name in entry.folders)


def locate(entry: Entry, folder: Path) -> list[Path]:
    """Return the paths of an entry's files, then its folders.

    Raises:
        MissingData: one is missing.
        WrongData: something in a folder is not a regular file, such as a link to nothing.
    """
    for file in entry.files:
        if not os.path.isfile(folder / file.path):
            _missing(entry, file.path, folder, file.advice)
    for name in entry.folders:
        if not holds_files(folder / name):
            _missing(entry, f"{name}/", folder, entry.advice)
        for path in files_under(folder / name):
            if not os.path.isfile(path):  # to open a pipe would wait for ever
                msg = f"{path} is neither a file nor a link to one; remove it"
                raise WrongData(msg)
    return [folder / name for name in (*(file.path for file in entry.files), *entry.folders)]


def verify(file: File, path: Path) -> None:
    """Check a file against its size and digest in the entry; digests are cached.

    Raises:
        OSError: it cannot be read.
        WrongData: it is empty, a web page, truncated, or has another digest.
    """
    if reason := flaw(file, path):
        own = Path(file.path).is_absolute()
        act = "replace it with the right one" if own else "remove it and fetch it again"
        msg = f"{path} {reason}; {act}"
        raise WrongData(msg)


def flaw(file: File, path: Path, read: Callable[[Path, str], str] = digest) -> str:
    """Return how a file differs from its size and digest in the entry, as a predicate, or "".

    Args:
        file: as the entry describes it.
        path: where the file is.
        read: computes digests; `datasets.digests.compute` does without the cache.

    Raises:
        OSError: it cannot be read.
    """
    n_bytes = path.stat().st_size
    if not n_bytes:
        return "is empty"
    with path.open("rb") as opened:
        start = opened.read(64).lstrip().lower()
    if start.startswith(_PAGE_STARTS):
        return "is a web page, not data: the server sent a message instead of the file"
    if start.startswith(_POINTER):
        return "is a pointer of Git LFS to a file, not the file (git lfs pull)"
    if file.sha256 and file.unpacked_sha256 and not flaw(_unwrapped(file), path, read):
        return ""
    if file.n_bytes is not None and n_bytes < file.n_bytes:
        return f"is truncated: {n_bytes:,} of {file.n_bytes:,} bytes"
    if file.n_bytes is not None and n_bytes > file.n_bytes:
        return f"has {n_bytes:,} bytes, expected {file.n_bytes:,}: it is not the published file"
    method, _, expected = file.pin.partition(":")
    if not expected:
        return ""
    try:
        found = read(path, method)
    except ValueError as error:
        return str(error)
    if found == expected:
        return ""
    return f"has {method} {found}, expected {expected}: it is not the published file"


def _unwrapped(file: File) -> File:
    """Return a file as it is known by its unpacked content alone."""
    return File(file.path, unpacked_sha256=file.unpacked_sha256)


def identity(entry: Entry, folder: Path) -> str:
    """Return the sha256 that identifies a data set in results.

    It covers the digests of its files and the options of its loader. It depends neither on where
    the files are nor on where the loader's code is: the code id of a result covers that code.
    Pinned digests need no file; others are computed from the files.

    Raises:
        MissingData: a file whose digest is not pinned is missing.
    """
    if entry.content_sha256:
        return entry.content_sha256
    content = {"files": pins(entry, folder), "options": dict(entry.options)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def pins(entry: Entry, folder: Path) -> list[str]:
    """Return the digests of an entry's files, with the names of those in its folders.

    Raises:
        MissingData: a file whose digest is not pinned is missing.
    """
    if entry.is_pinned:
        return [file.pin or f"values:{entry.values_sha256}" for file in entry.files]
    return [f"{name} {pin}" if name else pin for _, name, pin in pinned(entry, folder)]


class Pinned(NamedTuple):
    """A file of a data set with its digest.

    Attributes:
        path: relative to the data folder; absolute for the user's own data.
        name: in the identity of the data set; "" for a file of the entry, which its position names.
        pin: the digest, as `File.pin` writes it.
    """

    path: str
    name: str
    pin: str


def pinned(entry: Entry, folder: Path) -> list[Pinned]:
    """Return the files of an entry, then those in its folders, with their digests.

    Digests that the entry does not have are computed.

    Raises:
        MissingData: a file or folder is missing.
    """
    paths = locate(entry, folder)
    found = [
        Pinned(file.path, "", file.pin or f"sha256:{digest(path)}")
        for file, path in zip(entry.files, paths, strict=False)
    ]
    within = [(top, files_under(folder / top)) for top in entry.folders]
    within += [(".", [folder / name]) for name in entry.beside if os.path.isfile(folder / name)]
    for top, files in within:
        names = [path.relative_to(folder / top).as_posix() for path in files]
        found += [
            Pinned((PurePosixPath(top) / name).as_posix(), name, f"sha256:{value}")
            for name, value in zip(names, digests(files), strict=True)
        ]
    return found


def files_under(folder: Path) -> list[Path]:
    """Return every file under a folder except hidden ones, sorted by relative path."""
    return sorted(_walk(folder), key=lambda path: path.relative_to(folder).as_posix())


def holds_files(folder: Path) -> bool:
    """Return whether a folder exists and has a file in it, or below it, that is not hidden."""
    return any(True for _ in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield every file under a folder except hidden ones, also those in linked folders.

    A link to a folder that holds the link is left out, since there would be no end.
    """
    for parent, within, names in os.walk(folder, followlinks=True):
        here = Path(parent)
        above = [p.resolve() for p in (here, *here.parents) if p.is_relative_to(folder)]
        inner = ((name, (here / name).resolve()) for name in within)
        within[:] = [name for name, to in inner if not any(p.is_relative_to(to) for p in above)]
        yield from (here / name for name in names if not name.startswith("."))


def _missing(entry: Entry, path: str, folder: Path, advice: str) -> NoReturn:
    if Path(path).is_absolute():
        is_there = os.path.lexists(path)
        reason = "is neither a file nor a link to one" if is_there else "does not exist"
        reason += "; give the path of a file or folder"
        if os.path.isfile(path.rstrip("/")):
            reason = "is a file; for a table, write file:PATH"
        elif os.path.isdir(path) and path.endswith("/"):
            reason = "has no files; put the images there, or give another path"
        elif os.path.isdir(path):
            reason = "is a folder; for a folder of images, write folder:PATH"
        msg = f"{entry.name}: {path} {reason}"
        raise MissingData(msg)
    by_hand = f"{advice}, and put it there" if advice and not entry.can_be_fetched else ""
    act = by_hand or f"run `bench data fetch {entry.name.partition('?')[0]}`"
    if packed := [a.file.path for a in entry.archives if os.path.isfile(folder / a.file.path)]:
        act = f"{act}, which unpacks {packed[0]}"
    around = sorted((folder / path).parent.glob("[!.]*/"))
    beside = [other.name for other in around if other != folder / path]
    if path.endswith("/") and "/" in path[:-1] and beside:
        act = f"found beside it: {', '.join(beside)}; {act}"
    found = "has no files" if os.path.isdir(folder / path) else "is not"
    msg = f"{entry.name}: {path} {found} in {folder}; {act}, or name another folder with --data"
    raise MissingData(msg)
