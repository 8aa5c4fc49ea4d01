"""Fetch the files of data sets, and verify each before loaders can find it.

Mirrors are tried in turn, licences that restrict use must be accepted once, and an archive is
unpacked into its folder. Only `bench data fetch` calls this: loading and running read local files.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from datasets import files
from datasets.catalogue import find, holds_values
from datasets.digests import compute
from datasets.entry import Archive, Entry, File
from datasets.families import openml
from datasets.fetch import manifests, openml_service
from datasets.fetch.archives import BadArchive, unpack
from datasets.fetch.transfer import Report, Unreachable, Unusable, bring

ACCEPTED = "accepted-licences.txt"
LOCK = ".fetching.lock"

State = Literal["ok", "missing", "wrong", "unverifiable"]


class FetchError(RuntimeError):
    """Raised when files cannot be fetched, with what was tried and what to do."""


@dataclass(frozen=True)
class Finding:
    """What `verify` found for one file or folder of a data set.

    Attributes:
        path: relative to the data folder; ends in "/" for a folder.
        state: ok, missing, wrong, or unverifiable if no digest is known.
        sentence: what was found, and what to do about it.
    """

    path: str
    state: State
    sentence: str


def verify(name: str, data: Path | None = None) -> list[Finding]:
    """Compare the files of a data set with their digests, without the cache of digests.

    Args:
        name: a data set's name.
        data: the data folder, see `datasets.data_folder`.

    Returns:
        A finding for each file and folder, and for an archive that is present; none for a set
        without files.

    Raises:
        UnknownDataSet: no data set has this name; the message has the nearest ones.
        OSError: a file cannot be read.
    """
    folder = files.data_folder(data)
    entry = openml.recall(find(name), folder)
    unpacked = manifests.read(entry, folder)
    known = [
        file if file.pin else replace(file, sha256=unpacked.get(file.path, ""))
        for file in entry.files
    ]
    findings = [_look_at(entry, file, folder) for file in known]
    findings += [_look_at_folder(entry, path, folder, unpacked) for path in entry.folders]
    packed = [archive.file for archive in entry.archives]
    there = [file for file in packed if (folder / file.path).is_file()]
    states = {found.state for found in findings}
    if states & {"wrong", "unverifiable"} and holds_values(entry, folder):
        reason = "has the samples and labels of the published file"
        findings = [Finding(found.path, "ok", reason) for found in findings]
    return findings + [_look_at(entry, file, folder) for file in there]


def fetch(
    names: Sequence[str],
    data: Path | None = None,
    *,
    accept_licence: bool = False,
    say: Callable[[str], None] = lambda line: None,
    report: Report = lambda path, here, size: None,
) -> dict[str, str]:
    """Fetch the missing files of data sets; files that are present stay as they are.

    Only one process at a time may fetch into a data folder.

    Args:
        names: data sets' names.
        data: the data folder, see `datasets.data_folder`.
        accept_licence: accept the licences that restrict use; remembered in the data folder.
        say: called with each line to show, such as licences.
        report: called as bytes come in.

    Returns:
        For each name that could not be fetched, the reason and what to do about it.

    Raises:
        UnknownDataSet: no data set has one of these names; nothing is fetched.
        FetchError: the data folder cannot be written to, or another process fetches into it.
    """
    work = _Work(files.data_folder(data), accept_licence, say, report)
    problems: dict[str, str] = {}
    missing = [entry for entry in map(find, names) if not work.has(entry)]
    if missing:
        with _locked(work.folder):
            for entry in missing:
                try:
                    work.get(entry)
                except FetchError as error:
                    problems[entry.name] = str(error)
                except OSError as error:
                    reason = f"{error.filename or work.folder}: {error.strerror}"
                    problems[entry.name] = (
                        f"{reason}; free space there, or name another with --data"
                    )
    return problems


class _Work:
    """One call of `fetch`: its options, and what it has learned so far."""

    def __init__(
        self, folder: Path, accept_licence: bool, say: Callable[[str], None], report: Report
    ) -> None:
        self.folder, self._accept, self._say, self._report = folder, accept_licence, say, report
        self._flaws: dict[File, str] = {}
        self._failed: dict[File | Archive, str] = {}
        self._unreachable: dict[str, Unreachable] = {}
        self._refusals: dict[str, str] = {}

    def has(self, entry: Entry) -> bool:
        """Return whether all files of an entry are present and right."""
        there = all(files.holds_files(self.folder / path) for path in entry.folders)
        flaws = {self._flaw(file) for file in entry.files}
        return there and (flaws <= {""} or holds_values(entry, self.folder))

    def get(self, entry: Entry) -> None:
        """Fetch the missing files of an entry.

        Raises:
            FetchError: they cannot be fetched.
            OSError: a file cannot be written.
        """
        if entry.service:
            entry = self._asked(entry)
        if entry.can_be_fetched:
            self._check_licence(entry)
        for file in entry.files:
            self._refuse_flawed(file)
            if file.urls or not entry.archives:
                self._get_file(file)
        if not self.has(entry):
            for archive in entry.archives:
                self._once(archive, partial(self._get_archive, archive))
        if not self.has(entry):
            for file in entry.files:
                self._refuse_flawed(file)
            raise FetchError(_absence(entry, self.folder))

    def _asked(self, entry: Entry) -> Entry:
        for file in entry.files:
            self._refuse_flawed(file)
        try:
            return openml_service.ask(entry, self.folder)
        except openml_service.NotKnown as error:
            raise FetchError(str(error)) from error

    def _check_licence(self, entry: Entry) -> None:
        self._say(f"{entry.name}: licence {entry.licence}; {entry.source}")
        packed = [self.folder / archive.file.path for archive in entry.archives]
        by_hand = bool(packed) and all(path.is_file() for path in packed)
        if not entry.restricted or by_hand:
            return
        line = f"{entry.name.partition('/')[0]}: {entry.licence}"
        accepted = self.folder / ACCEPTED
        if accepted.is_file() and line in accepted.read_text(encoding="utf-8").splitlines():
            return
        if not self._accept:
            msg = (
                f"the licence restricts use ({entry.licence}); read it at its source, then accept "
                f"it once with `bench data fetch {entry.name} --accept-licence`"
            )
            raise FetchError(self._refusals.setdefault(line, msg))  # one for all sets under it
        with accepted.open("a", encoding="utf-8") as opened:
            opened.write(f"{line}\n")

    def _flaw(self, file: File) -> str | None:
        """Return what is wrong with a file, "" if nothing is, None if it is missing."""
        path = self.folder / file.path
        if not path.is_file():
            return None
        if file not in self._flaws:
            self._flaws[file] = files.flaw(file, path)
        return self._flaws[file]

    def _refuse_flawed(self, file: File) -> None:
        if flaw := self._flaw(file):
            msg = f"{self.folder / file.path} {flaw}; move it away, and fetch it again"
            raise FetchError(msg)

    def _get_file(self, file: File) -> None:
        self._refuse_flawed(file)
        if self._flaw(file) is None:
            self._once(file, partial(self._download, file))

    def _download(self, file: File) -> None:
        """Download a missing file from the first mirror that has it."""
        path = self.folder / file.path
        if not file.urls:
            msg = f"{file.path} has no address to fetch it from; {_advice(file, path)}"
            raise FetchError(msg)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        reasons = []
        for url in file.urls:
            host = urlsplit(url).netloc
            try:
                if host in self._unreachable:  # asked once: each failure can take a minute
                    raise self._unreachable[host]
                bring(url, file, part, self._report)
            except Unusable as reason:
                reasons.append(f"{url} {reason}")
                if isinstance(reason, Unreachable):
                    self._unreachable[host] = reason
            else:
                part.replace(path)
                return
        tried = "; ".join(reasons)
        msg = f"{file.path} could not be fetched: {tried}; try later, or {_advice(file, path)}"
        raise FetchError(msg)

    def _get_archive(self, archive: Archive) -> None:
        path = self.folder / archive.file.path
        was_there = path.exists()
        self._get_file(archive.file)
        self._say(f"unpacking {archive.file.path}")
        try:
            digests = unpack(path, self.folder / archive.into)
        except BadArchive as error:
            raise FetchError(str(error)) from error
        manifests.write(archive, digests, self.folder)
        if not was_there:  # an archive of the user stays
            path.unlink()

    def _once(self, thing: File | Archive, act: Callable[[], None]) -> None:
        """Do once what several data sets need, and raise the same error for each of them."""
        if thing not in self._failed:
            self._failed[thing] = ""
            try:
                act()
            except FetchError as error:
                self._failed[thing] = str(error)
        if self._failed[thing]:
            raise FetchError(self._failed[thing])


def _look_at(entry: Entry, file: File, folder: Path) -> Finding:
    path = folder / file.path
    if not path.is_file():
        return Finding(file.path, "missing", f"is not in {folder}; {_remedy(entry)}")
    if flaw := files.flaw(file, path, compute):
        advice = "move it away, and fetch it again"
        return Finding(file.path, "wrong", f"{flaw}; {advice}")
    if not file.pin:
        reason = "has no known digest; its content is checked when it is loaded"
        return Finding(file.path, "unverifiable", reason)
    return Finding(file.path, "ok", f"has the {file.pin.partition(':')[0]} of the published file")


def _look_at_folder(entry: Entry, path: str, folder: Path, unpacked: Mapping[str, str]) -> Finding:
    top = f"{path}/"
    if not files.holds_files(folder / path):
        return Finding(top, "missing", f"is not in {folder}; {_remedy(entry)}")
    if not any(name.startswith(top) for name in unpacked):
        reason = (
            "was put there manually, and no digests of its files are known; results name the "
            "digests of its files, which `bench data card` lists"
        )
        return Finding(top, "unverifiable", reason)
    if changes := manifests.differences(unpacked, folder, path):
        reason = f"differs from what was unpacked: {changes}; move it away, and fetch it again"
        return Finding(top, "wrong", reason)
    return Finding(top, "ok", f"has the {len(files.files_under(folder / path))} files unpacked")


def _remedy(entry: Entry) -> str:
    if entry.can_be_fetched:
        return f"run `bench data fetch {entry.name.partition('?')[0]}`"
    return _manually(entry)


def _manually(entry: Entry) -> str:
    """Return how to get files that have no known address."""
    known = [*(file.advice for file in entry.files), entry.advice]
    advice = "; ".join(dict.fromkeys(filter(None, known)))
    return f"{advice}, and put it there" if advice else "put it there manually"


def _absence(entry: Entry, folder: Path) -> str:
    """Return what is still missing of an entry after all its downloads."""
    absent = [file.path for file in entry.files if not (folder / file.path).is_file()]
    absent += [f"{path}/" for path in entry.folders if not files.holds_files(folder / path)]
    reason = f"{', '.join(absent)} is not in {folder}, and no download contains it"
    return f"{reason}; {_manually(entry)}"


def _advice(file: File, path: Path) -> str:
    return f"{file.advice}, and put it at {path}" if file.advice else f"put it at {path} manually"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from fetching into a folder, which is created if necessary.

    Raises:
        FetchError: it cannot be written to, or another process fetches into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        msg = (
            f"the data folder {folder} cannot be written to ({error.strerror}); "
            "name another with --data or $BENCH_DATA"
        )
        raise FetchError(msg) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another `bench data fetch` is running in {folder}; wait until it has ended"
            raise FetchError(msg) from error
        yield
