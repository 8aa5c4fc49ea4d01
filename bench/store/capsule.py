"""A capsule: rows with their scores in one file that others can read and verify.

The file is a ZIP of `manifest.json` (format, version, suite, machine, and the sha256 and size of
every other member), `suite.json`, `rows.json` (records as stored), `scores.parquet` (key, index,
truth, score) and `requirements.txt` (the version of every installed distribution). Nothing in it is
executed when it is read, and sizes are checked before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.store.folder import replacing
from bench.store.provenance import provenance
from bench.store.records import RECORD, SCORED, canonical
from bench.store.store import Store

FORMAT, VERSION = "fathom-capsule", 1
MANIFEST = "manifest.json"
MEMBERS = ("suite.json", "rows.json", "scores.parquet", "requirements.txt")
MOST_BYTES = 1 << 32  # of all members, unpacked
MOST_SCORES = 1 << 28
Scores = tuple[NDArray[np.int8], NDArray[np.float64]]


class CapsuleError(ValueError):
    """Raised for a file that is no sound capsule; the message is one sentence."""


@dataclass(frozen=True)
class Capsule:
    """A capsule as read: its manifest, records by key, and labels and scores of scored rows."""

    manifest: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]
    scores: Mapping[str, Scores]


def write(store: Store, keys: list[str], suite: Mapping[str, Any], file: Path) -> None:
    """Write stored rows into a capsule, whole or not at all.

    Args:
        store: that has them.
        keys: of the rows.
        suite: that they are of, as JSON has it.
        file: the capsule.

    Raises:
        OSError: the file cannot be written.
    """
    import pandas as pd

    parquet = io.BytesIO()
    columns = {"key": str, "index": np.int64, "truth": np.int8, "score": np.float64}
    frames = [pd.DataFrame({name: np.array([], kind) for name, kind in columns.items()})]
    for key in keys:
        if (scored := store.scores_and_held(key)) is not None:
            truth, values = scored
            index = np.arange(len(values))
            own = {"key": key, "index": index, "truth": truth, "score": values}
            frames.append(pd.DataFrame(own))
    pd.concat(frames).to_parquet(parquet, index=False)
    lock = sorted({f"{each.name}=={each.version}" for each in distributions()})
    parts = dict(zip(MEMBERS, (
        canonical(suite).encode(), canonical(list(store.records(keys))).encode(),
        parquet.getvalue(), ("\n".join(lock) + "\n").encode(),
    ), strict=True))  # fmt: skip
    manifest = {
        "format": FORMAT, "version": VERSION, "suite": suite["name"], "made_by": provenance(),
        "files": {name: {"sha256": _sha256(part), "bytes": len(part)}
                  for name, part in parts.items()},
    }  # fmt: skip
    with (
        replacing(file) as draft,
        zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.comment = FORMAT.encode()  # which is not compressed, and says whose file it is
        for name, part in {MANIFEST: canonical(manifest).encode(), **parts}.items():
            archive.writestr(name, part)


def read(file: Path) -> Capsule:
    """Read a capsule and check it against its manifest.

    Raises:
        CapsuleError: it is damaged, truncated, changed, too large, or of another version.
        OSError: it cannot be read.
    """
    with _damaged(file), zipfile.ZipFile(file) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
            msg = f"{file} unpacks to more than {MOST_BYTES >> 30} GiB; no capsule does"
            raise CapsuleError(msg)
        if MANIFEST not in sizes:
            msg = f"{file} is a ZIP file without {MANIFEST}, and no capsule"
            raise CapsuleError(msg)
        manifest = json.loads(archive.read(MANIFEST))
        if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
            msg = (
                f"{file} is a {manifest.get('format')} of version {manifest.get('version')}; this "
                f"program reads {FORMAT} of version {VERSION}"
            )
            raise CapsuleError(msg)
        if sorted(map(str, archive.namelist())) != sorted((MANIFEST, *MEMBERS)):
            msg = f"{file} has other members than a capsule: {', '.join(sorted(sizes))}"
            raise CapsuleError(msg)
        parts = {name: archive.read(name) for name in MEMBERS}
        for name, part in parts.items():
            if _sha256(part) != manifest["files"][name]["sha256"]:
                msg = f"{name} in {file} is not what its manifest says; the file was changed"
                raise CapsuleError(msg)
        records = {record["key"]: record for record in json.loads(parts["rows.json"])}
        if absent := sorted(RECORD - set.intersection(*(set(each) for each in records.values()))):
            msg = f"rows without {', '.join(absent)}"
            raise ValueError(msg)
        return Capsule(manifest, records, _scores(parts["scores.parquet"], records))


def _scores(part: bytes, records: Mapping[str, Mapping[str, Any]]) -> dict[str, Scores]:
    """Return labels and scores by key.

    Raises:
        ValueError: there are too many, or not those of the scored rows.
    """
    from pyarrow import parquet

    table = parquet.ParquetFile(io.BytesIO(part))
    if table.metadata.num_rows > MOST_SCORES:
        msg = f"{table.metadata.num_rows} scores are more than {MOST_SCORES}"
        raise ValueError(msg)
    frame = table.read(["key", "index", "truth", "score"]).to_pandas()
    found = {
        str(key): (own["truth"].to_numpy(np.int8), own["score"].to_numpy(np.float64))
        for key, own in frame.sort_values("index", kind="stable").groupby("key", sort=False)
    }
    wanted = {key for key, record in records.items() if record["status"] in SCORED}
    if not wanted <= found.keys() <= records.keys():
        msg = "its scores are not those of its rows"
        raise ValueError(msg)
    return found


@contextmanager
def _damaged(file: Path) -> Iterator[None]:
    """Report what a damaged file raises as one sentence."""
    try:
        yield
    except CapsuleError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
            ValueError, TypeError, KeyError, AttributeError) as error:  # fmt: skip
        msg = f"{file} is no sound capsule, or was truncated: {error}"
        raise CapsuleError(msg) from error


def _sha256(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()
