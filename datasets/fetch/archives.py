"""Unpack an official archive without trusting it: zip, tar, tar.gz, tar.bz2 and tar.xz.

`zipfile` and tarfile's data filter keep files inside the folder. They do not refuse
links, two members of one name, names that some disks cannot hold, or a size that grows a
thousandfold. An archive with such a member is refused as a whole: members are written to a separate
folder beside the archive, and moved into place only if all of them are accepted.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NoReturn, cast

from datasets.digests import compute

FREE_BYTES = 64 << 20  # bytes that any archive may unpack to, however small it is
MAX_PART_BYTES = 255  # of a file name, on common file systems
MAX_PATH_BYTES = 1024
CHUNK_BYTES = 1 << 20

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", cast("Callable[[IO[bytes]], IO[bytes]]", gzip.open)),
    (b"BZh", cast("Callable[[IO[bytes]], IO[bytes]]", bz2.open)),
    (b"\xfd7zXZ\x00", cast("Callable[[IO[bytes]], IO[bytes]]", lzma.open)),
)
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DAMAGE = (  # what zipfile, tarfile and the unpackers raise for wrong bytes
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_DAMAGE_ERRNO = (None, errno.EINVAL)  # of gzip and bz2, and of zipfile at an offset below 0


class BadArchive(ValueError):
    """Raised for an archive that is damaged, or that has a member which no data set needs."""


@dataclass(frozen=True)
class Limits:
    """The largest size that an archive may have.

    Attributes:
        members: number of files and folders.
        n_bytes: unpacked bytes.
        ratio: unpacked bytes for each byte of the archive, beyond the first 64 MiB.
    """

    members: int = 2_000_000
    n_bytes: int = 64 << 30
    ratio: float = 200.0


def unpack(archive: Path, folder: Path, *, limits: Limits | None = None) -> dict[str, str]:
    """Unpack an archive into a folder, all of it or nothing.

    Files that are in the folder already stay as they are. The folder of the work in progress is
    `.NAME.unpacking` beside the archive, so only one process may unpack an archive at a time.

    Args:
        archive: a zip, or a tar, plain or compressed; recognised by content, not by name.
        folder: where its files go; created if it does not exist.
        limits: its largest size; see `Limits`.

    Returns:
        The sha256 of each file in it, by path, whether or not the file was in the folder already.

    Raises:
        BadArchive: it is damaged or no archive, grows past a limit, or has a member that is a link
            or a device, or whose path is absolute, has "..", is that of another member (also if
            only upper and lower case differ), or is too long for a disk.
        OSError: a file cannot be written.
    """
    work = archive.with_name(f".{archive.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir()
        _extract(archive, work, _Checks(archive, limits or Limits()))
        files = [path for path in work.rglob("*") if path.is_file()]
        digests = {path.relative_to(work).as_posix(): compute(path, "sha256") for path in files}
        _merge(work, folder)
        return digests
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _merge(source: Path, target: Path) -> None:
    """Move the content of a folder to another, except what is there already."""
    target.mkdir(parents=True, exist_ok=True)
    for child in source.iterdir():
        there = target / child.name
        if not there.exists():
            shutil.move(child, there)  # a rename, unless the folder is on another disk
        elif child.is_dir() and there.is_dir():
            _merge(child, there)


def _extract(archive: Path, work: Path, checks: _Checks) -> None:
    try:
        with archive.open("rb") as file:
            head = file.read(8)
            file.seek(0)
            if head.startswith(b"PK"):
                _extract_zip(file, work, checks)
                return
            openers = (opener for magic, opener in _OPENERS if head.startswith(magic))
            with next(openers, nullcontext)(file) as stream:
                _extract_tar(_Metered(stream, checks), work, checks)
    except BadArchive as error:
        msg = f"{archive.name}: {error}; the archive is refused, and none of its files was kept"
        raise BadArchive(msg) from error
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _DAMAGE_ERRNO:
            raise
        msg = f"{archive.name} is damaged, truncated or no archive ({error})"
        raise BadArchive(msg) from error


def _extract_zip(file: IO[bytes], work: Path, checks: _Checks) -> None:
    with zipfile.ZipFile(file) as packed:
        for info in packed.infolist():
            name = info.orig_filename  # `filename` is cut at a zero byte
            form = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 0x1:
                _refuse(name, "is encrypted")
            if info.compress_type not in _ZIP_METHODS:
                _refuse(name, f"is packed by method {info.compress_type}, which is not supported")
            if form == stat.S_IFLNK:
                _refuse(name, "is a link")
            if form not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(name, "is a special file")
            checks.member(name, info.file_size, is_file=not info.is_dir())
        packed.extractall(work)


def _extract_tar(stream: _Metered, work: Path, checks: _Checks) -> None:
    def checked(info: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
        if info.issym() or info.islnk():
            _refuse(info.name, "is a link")
        if not info.isreg() and not info.isdir():
            _refuse(info.name, "is a special file")
        name = checks.member(info.name, info.size, is_file=info.isreg())
        kept = tarfile.data_filter(info, path)
        # Without mode and time, the file gets those of any new file.
        return kept.replace(name=name, mode=None, mtime=None, deep=False)  # type: ignore[arg-type]

    with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as packed:
        packed.extractall(work, filter=checked)
        while stream.read(CHUNK_BYTES):  # to the end, where the checksum of the compression is
            pass
    if stream.end.strip(b"\0"):
        msg = "no end mark"
        raise tarfile.ReadError(msg)


class _Checks:
    """The size and the names of the members seen so far.

    Names are compared as on the disk that distinguishes the fewest of them.
    """

    def __init__(self, archive: Path, limits: Limits) -> None:
        by_ratio = FREE_BYTES + int(limits.ratio * archive.stat().st_size)
        self._limits, self._max_bytes = limits, min(limits.n_bytes, by_ratio)
        self._members = self._declared = 0
        self._kinds: dict[str, tuple[str, bool]] = {}

    def member(self, name: str, n_bytes: int, *, is_file: bool) -> str:
        """Add a file or a folder of the size that it declares; return its path in the folder.

        Raises:
            BadArchive: the archive grows past a limit, the name is unsafe, or another member has
                it, at least on disks that ignore case.
        """
        self._members += 1
        self._declared += n_bytes
        if self._members > self._limits.members:
            msg = f"it has more than {self._limits.members:,} members"
            raise BadArchive(msg)
        self.hold(self._declared)
        parts = _safe_parts(name)
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
                _refuse(name, "occurs twice")
            if filed or was_file:
                _refuse(name, "is both a file and a folder")
        return "/".join(parts)

    def hold(self, n_bytes: int) -> None:
        """Refuse more bytes than the archive may unpack to."""
        if n_bytes > self._max_bytes:
            msg = f"it grows past {self._max_bytes:,} bytes, which no data set of its size does"
            raise BadArchive(msg)


class _Metered:
    """A stream that is held to a size while it is read, so that no bomb fills the memory."""

    def __init__(self, stream: IO[bytes], checks: _Checks) -> None:
        self._stream, self._checks, self._n_bytes = stream, checks, 0
        self.end = b""

    def read(self, n: int) -> bytes:
        """Read up to `n` bytes."""
        chunk = self._stream.read(n)
        self._n_bytes += len(chunk)
        self._checks.hold(self._n_bytes)
        self.end = (self.end + chunk[-tarfile.BLOCKSIZE :])[-tarfile.BLOCKSIZE :]
        return chunk


def _safe_parts(name: str) -> tuple[str, ...]:
    """Return the parts of a member's name, none of which leads out of a folder.

    Raises:
        BadArchive: the name is absolute, goes up, or is not valid on some disk.
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or PureWindowsPath(name).drive:
        _refuse(name, "has an absolute path")
    if ".." in parts:
        _refuse(name, "leads out of its folder by '..'")
    if "\\" in name or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        _refuse(name, "has a backslash or a control character in its name")
    sizes = [len(part.encode()) for part in parts]
    if max(sizes, default=0) > MAX_PART_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        _refuse(name[:40] + "...", "has a name longer than a disk can hold")
    return parts


def _refuse(name: str, reason: str) -> NoReturn:
    msg = f"its member {name!r} {reason}"
    raise BadArchive(msg)
