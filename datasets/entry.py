"""An entry of the catalogue: static facts of a data set, its files with digests, and its loader.

To add a data set, write a module of `datasets.families` with its loader, a function
`(card, paths, **options) -> DataSet`, and its `ENTRIES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datasets.record import About


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Attributes:
        path: relative to the data folder, with "/" between its parts.
        urls: official sources, tried in turn; empty if the file can only be obtained manually.
        sha256: of the content, where known.
        git_blob: sha1 of "blob SIZE", a zero byte and the content, as git names it.
        unpacked_sha256: of the unpacked content, where mirrors compress it differently. A file
            with this content is right, whatever its other digests.
        md5: of the content, where its source publishes no better digest.
        n_bytes: size, where known.
        advice: where to get the file, if `urls` is empty.
    """

    path: str
    urls: tuple[str, ...] = ()
    sha256: str = ""
    git_blob: str = ""
    unpacked_sha256: str = ""
    md5: str = ""
    n_bytes: int | None = None
    advice: str = ""

    @property
    def pin(self) -> str:
        """The strongest known digest, as "method:digest"; "" if there is none."""
        pins = (
            ("sha256", self.sha256),
            ("unpacked-sha256", self.unpacked_sha256),
            ("git-blob", self.git_blob),
            ("md5", self.md5),
        )
        return next((f"{method}:{digest}" for method, digest in pins if digest), "")


@dataclass(frozen=True)
class Archive:
    """An archive that is fetched and unpacked for the files and folders of a data set.

    Attributes:
        file: the archive itself, kept in the data folder until it is unpacked.
        into: folder for its members, relative to the data folder.
    """

    file: File
    into: str


@dataclass(frozen=True)
class Facts:
    """Pinned sizes of a data set: content of other sizes is refused.

    Attributes:
        n: number of samples.
        shape: of one sample.
        n_anomalies: number of samples with label 1.
        duplicates: number of samples that equal an earlier one; None if not counted.
    """

    n: int
    shape: tuple[int, ...]
    n_anomalies: int
    duplicates: int | None = None


OFFICIAL = "official split: "  # begins a known issue that holds for that split alone


@dataclass(frozen=True, kw_only=True)
class Entry(About):
    """What is known of a data set without its files.

    Attributes, besides those of `About`:
        loader: "package.module:function", called with (card, paths, **options).
        restricted: whether the licence restricts use and must be accepted before fetching.
        files: what the loader reads, in the order of its `paths`.
        folders: folders relative to the data folder that the loader reads, after the files.
        beside: files that the loader also reads if they are present, relative to the data folder.
        archives: archives that hold the files and folders that have no URLs of their own.
        service: the service that is asked for the addresses of the files, "openml" or "".
        advice: where to get the folders, if no archive can be fetched.
        options: arguments of the loader, part of the identity.
        settable: options that a name may set, as in "mvtec/bottle?size=128".
        content_sha256: of the samples, for sets without files.
        values_sha256: of samples and labels, see `datasets.record.values_sha256`; a copy of the
            files with these values is right, whatever its format and digests. Files with other
            values are refused; folders of images are unverified, since their values also depend
            on how images are resized.
        facts: sizes, where known.
    """

    loader: str
    restricted: bool = False
    files: tuple[File, ...] = ()
    folders: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()
    service: str = ""
    advice: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    settable: tuple[str, ...] = ()
    content_sha256: str = ""
    values_sha256: str = ""
    facts: Facts | None = None

    @property
    def can_be_fetched(self) -> bool:
        """Whether the address of any of its files is known or can be asked for."""
        addressed = any(file.urls for file in self.files)
        return addressed or bool(self.archives or self.service)

    @property
    def is_pinned(self) -> bool:
        """Whether the content is known beforehand, so that its card needs no files."""
        pinned = all(file.pin or self.values_sha256 for file in self.files) and not self.folders
        return bool(self.content_sha256) or pinned
