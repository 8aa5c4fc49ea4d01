"""The digests of the files of an unpacked archive, so that they can be verified later.

The list `ARCHIVE.files.sha256` replaces the archive. It has the format of `sha256sum`, with paths
relative to the data folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from datasets.digests import compute
from datasets.entry import Archive, Entry
from datasets.files import files_under

_ENDING = ".files.sha256"
_SHOWN = 3


def write(archive: Archive, digests: Mapping[str, str], folder: Path) -> None:
    """Keep the digests of an archive's members.

    Args:
        archive: the archive.
        digests: sha256 of each member, by its path within the archive.
        folder: the data folder.

    Raises:
        OSError: the list cannot be written.
    """
    into = PurePosixPath(archive.into)
    lines = [f"{value}  {into / name}\n" for name, value in sorted(digests.items())]
    path = folder / f"{archive.file.path}{_ENDING}"
    draft = path.with_name(f".{path.name}.part")
    draft.write_text("".join(lines), encoding="utf-8")
    draft.replace(path)


def read(entry: Entry, folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of an entry's archives, by path in the data folder."""
    found: dict[str, str] = {}
    for archive in entry.archives:
        path = folder / f"{archive.file.path}{_ENDING}"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            pairs = (line.partition("  ") for line in lines)
            found |= {name: value for value, _, name in pairs}
    return found


def covers(entry: Entry, folder: Path) -> bool:
    """Return whether published digests of all files of an entry are known.

    They are in the entry, or those of its archives are and its files were unpacked from them.
    """
    if entry.values_sha256:
        return True
    if entry.is_pinned or not all(archive.file.pin for archive in entry.archives):
        return entry.is_pinned
    unpacked = read(entry, folder)
    known = {str(parent) for name in unpacked for parent in PurePosixPath(name).parents}
    known |= {file.path for file in entry.files if file.pin or file.path in unpacked}
    return known.issuperset([*(file.path for file in entry.files), *entry.folders])


def differences(known: Mapping[str, str], folder: Path, top: str) -> str:
    """Return how the files under a folder now differ from what was unpacked; "" if not.

    Args:
        known: what `read` returns.
        folder: the data folder.
        top: the folder, relative to it.
    """
    wanted = {name: value for name, value in known.items() if name.startswith(f"{top}/")}
    wanted = {name: value for name, value in wanted.items() if not _is_hidden(name)}
    here = {path.relative_to(folder).as_posix(): path for path in files_under(folder / top)}
    missing = sorted(wanted.keys() - here.keys())
    added = sorted(here.keys() - wanted.keys())
    changed = [
        name
        for name in sorted(here.keys() & wanted.keys())
        if compute(here[name], "sha256") != wanted[name]
    ]
    changes = [
        f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{', ...' if names[_SHOWN:] else ''})"
        for what, names in (("missing", missing), ("changed", changed), ("added", added))
        if names
    ]
    return ", ".join(changes)


def _is_hidden(name: str) -> bool:
    return PurePosixPath(name).name.startswith(".")
