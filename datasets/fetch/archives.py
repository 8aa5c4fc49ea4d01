"""Unpack an official archive without trusting it: zip, tar, tar.gz, tar.bz2 and tar.xz.

An archive can name files outside its folder, hold links that lead out of it, grow a thousandfold
or hold two members of one name. Such an archive is refused whole: members are written to a folder
of their own beside the archive, and moved into place when the last one is right.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO, Literal, NoReturn, cast

FREE_BYTES = 64 << 20  # bytes that may come out of any archive, however small it is
MAX_PART_BYTES = 255  # of a file name, on common file systems
MAX_PATH_BYTES = 1024
CHUNK_BYTES = 1 << 20

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", cast("Callable[[IO[bytes]], IO[bytes]]", gzip.open)),
    (b"BZh", cast("Callable[[IO[bytes]], IO[bytes]]", bz2.open)),
    (b"\xfd7zXZ\x00", cast("Callable[[IO[bytes]], IO[bytes]]", lzma.open)),
)
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError)


class BadArchive(ValueError):
    """Raised for an archive that is damaged, or that would do what no data set needs."""


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to.

    Attributes:
        members: files and folders in it.
        n_bytes: bytes that come out of it.
        ratio: bytes that come out for each byte of it, beyond the first 64 MiB.
    """

    members: int = 2_000_000
    n_bytes: int = 64 << 30
    ratio: float = 200.0


_Kind = Literal["file", "folder", "link", "special file"]


@dataclass(frozen=True)
class _Member:
    name: str
    kind: _Kind
    n_bytes: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, *, limits: Limits | None = None) -> dict[str, str]:
    """Unpack an archive into a folder, all of it or nothing.

    What stands in the folder already stays as it is. The folder of the work in progress,
    `.NAME.unpacking` beside the archive, is one for each archive: unpack it once at a time.

    Args:
        archive: a zip, or a tar, plain or compressed; told by content, not by name.
        folder: where its files go; made if it is not there.
        limits: what it may grow to; see `Limits`.

    Returns:
        The sha256 of each file in it, by path, whether or not another stood in its place.

    Raises:
        BadArchive: it is damaged or no archive, grows past a limit, or has a member with an
            absolute path, with "..", that is a link or a device, whose name is another's (also
            if only upper and lower case differ), or that no disk can hold.
        OSError: a file cannot be written.
    """
    work = archive.with_name(f".{archive.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        digests = _write_members(archive, work, limits or Limits())
        _merge(work, folder)
        return digests
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _merge(source: Path, target: Path) -> None:
    """Move what is in a folder to another, and leave what stands there."""
    target.mkdir(parents=True, exist_ok=True)
    for child in sorted(source.iterdir()):
        there = target / child.name
        if not there.exists():
            shutil.move(child, there)  # a rename, unless the folder is on another disk
        elif child.is_dir() and there.is_dir():
            _merge(child, there)


def _write_members(archive: Path, work: Path, limits: Limits) -> dict[str, str]:
    digests: dict[str, str] = {}
    growth = _Growth(archive, limits)
    names = _Names()
    try:
        with _members(archive, growth) as members:
            for member in members:
                growth.member(member.n_bytes)
                parts = _safe_parts(member.name)
                if member.kind not in ("file", "folder"):
                    _refuse(member.name, f"is a {member.kind}")
                names.add(member.name, parts, is_file=member.kind == "file")
                path = work.joinpath(*parts)
                if member.kind == "folder":
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as source, path.open("xb") as target:
                    digests["/".join(parts)] = _copy(source, target)
    except BadArchive as error:
        msg = f"{archive.name}: {error}; the archive is refused, nothing of it was kept"
        raise BadArchive(msg) from error
    except _DAMAGE as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.errno is None:  # so gzip and bz2 tell of damage
            raise _damaged(archive, error) from error
        raise
    return digests


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy to the end; return the sha256 of what was copied."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def _damaged(archive: Path, error: Exception) -> BadArchive:
    return BadArchive(f"{archive.name} is damaged, truncated or no archive ({error})")


def _safe_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a member's name, none of which leads out of a folder.

    Raises:
        BadArchive: the name is absolute, goes up, or is no name on some disk.
    """
    if name.startswith("/") or PureWindowsPath(name).drive:
        _refuse(name, "has an absolute path")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        _refuse(name, "leads out of its folder by '..'")
    if "\\" in name or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        _refuse(name, "has a backslash or a control character in its name")
    sizes = [len(part.encode()) for part in parts]
    if max(sizes, default=0) > MAX_PART_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        _refuse(name[:40] + "...", "has a name longer than a disk can hold")
    return parts


class _Names:
    """The names seen so far, told apart as the least able of common disks tells them apart."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[str, bool]] = {}

    def add(self, name: str, parts: tuple[str, ...], *, is_file: bool) -> None:
        """Take in a member's name and those of the folders it lies in.

        Raises:
            BadArchive: another member has this name, on disks that ignore case at least.
        """
        if is_file and not parts:
            _refuse(name, "is a file without a name")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            filed = is_file and depth == len(parts)
            key = unicodedata.normalize("NFC", path).casefold()
            if key not in self._kinds:
                self._kinds[key] = (path, filed)
                continue
            before, was_file = self._kinds[key]
            if before != path:
                _refuse(name, f"clashes with {before!r} on disks that ignore case")
            if filed and was_file:
                _refuse(name, "is there twice")
            if filed or was_file:
                _refuse(name, "is both a file and a folder")


class _Growth:
    """What came out of an archive so far, held to its limits."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._limits = limits
        by_ratio = FREE_BYTES + int(limits.ratio * archive.stat().st_size)
        self._n_bytes = min(limits.n_bytes, by_ratio)
        self._members = self._declared = 0

    def member(self, n_bytes: int) -> None:
        """Count a member of the size that it declares."""
        self._members += 1
        self._declared += n_bytes
        if self._members > self._limits.members:
            msg = f"it has more than {self._limits.members:,} members"
            raise BadArchive(msg)
        self.hold(self._declared)

    def hold(self, n_bytes: int) -> None:
        """Refuse more bytes than the archive may grow to."""
        if n_bytes > self._n_bytes:
            msg = f"it grows past {self._n_bytes:,} bytes, which no data set of its size does"
            raise BadArchive(msg)


class _Metered:
    """A stream that is held to a size while it is read, so that no bomb fills the memory."""

    def __init__(self, stream: IO[bytes], growth: _Growth) -> None:
        self._stream, self._growth, self._n_bytes = stream, growth, 0
        self.end = b""

    def read(self, n: int) -> bytes:
        """Read up to `n` bytes."""
        chunk = self._stream.read(n)
        self._n_bytes += len(chunk)
        self._growth.hold(self._n_bytes)
        self.end = (self.end + chunk[-tarfile.BLOCKSIZE :])[-tarfile.BLOCKSIZE :]
        return chunk


@contextmanager
def _members(archive: Path, growth: _Growth) -> Iterator[Iterator[_Member]]:
    with archive.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        if head.startswith(b"PK"):
            with zipfile.ZipFile(file) as packed:
                yield _zip_members(packed)
            return
        opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), nullcontext)
        with opener(file) as stream:
            yield _tar_members(_Metered(stream, growth))


def _zip_members(packed: zipfile.ZipFile) -> Iterator[_Member]:
    for info in packed.infolist():
        name = info.orig_filename  # `filename` is cut at a zero byte
        form = stat.S_IFMT(info.external_attr >> 16)
        kind: _Kind = "file"
        if info.is_dir():
            kind = "folder"
        elif form == stat.S_IFLNK:
            kind = "link"
        elif form not in (0, stat.S_IFREG):
            kind = "special file"
        if info.flag_bits & 0x1:
            _refuse(name, "is encrypted")
        if info.compress_type not in _ZIP_METHODS:
            _refuse(name, f"is packed by method {info.compress_type}, which is not supported")
        yield _Member(name, kind, info.file_size, partial(packed.open, info))


def _tar_members(stream: _Metered) -> Iterator[_Member]:
    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as packed:
        for info in packed:
            kind: _Kind = "special file"
            if info.isreg():
                kind = "file"
            elif info.isdir():
                kind = "folder"
            elif info.issym() or info.islnk():
                kind = "link"
            yield _Member(info.name, kind, info.size, partial(_tar_file, packed, info))
        while stream.read(CHUNK_BYTES):  # to the end: the checksum of the packing stands there
            pass
    if stream.end.strip(b"\0"):
        msg = "no end mark"
        raise tarfile.ReadError(msg)


def _tar_file(packed: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return cast("IO[bytes]", packed.extractfile(info))  # None for what is no file, refused before


def _refuse(name: str, reason: str) -> NoReturn:
    msg = f"its member {name!r} {reason}"
    raise BadArchive(msg)
