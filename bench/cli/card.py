"""The card of a data set as values and as lines of text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.render.table import NONE

if TYPE_CHECKING:
    from datasets import DataSet, Entry

WIDTH = 100
UNVERIFIED = "unverified: no published digest is known"


def describe(
    name: str, data: Path | None = None, protocol: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return the card of a data set as plain values; "counted" is None if it is not present.

    Args:
        name: of the data set.
        data: the data folder, see `datasets.data_folder`.
        protocol: whose split is counted; None for "official", or "one-class" where there is none.
        seed: of the split.

    Raises:
        ValueError: the name or the protocol is unknown, or its content is not what the table says.
        MissingData: a file or folder of the user's own is not there.
    """
    import datasets
    from bench.protocols.named import parse
    from datasets.families import openml
    from datasets.files import locate, pinned

    entry, folder = datasets.find(name), datasets.data_folder(data)
    split = str(parse(protocol or ("official" if entry.has_official_split else "one-class")))
    here = datasets.present(name, folder)
    if entry.name.startswith(("file:", "folder:", "groups:", "ucr:")):
        locate(entry, folder)
    loaded = datasets.load(name, folder) if here else None
    sizes = loaded.card if loaded else entry.facts
    n, n_anomalies = (sizes.n, sizes.n_anomalies) if sizes else (None, None)
    return {
        "name": entry.name,
        "kind": entry.kind,
        "synthetic": entry.synthetic,
        "family": entry.family,
        "source": entry.source,
        "licence": entry.licence,
        "restricted": entry.restricted,
        "citation": entry.citation,
        "sha256": loaded.card.sha256 if loaded else None,
        "n": n,
        "shape": list(sizes.shape) if sizes and sizes.shape else None,
        "anomalies": n_anomalies,
        "anomaly_rate": n_anomalies / n if n and n_anomalies else None,
        "official_split": entry.has_official_split,
        **({"symmetries": entry.symmetries or None} if entry.kind == "image" else {}),
        "known_issues": list((loaded.card if loaded else entry).known_issues),
        **({"columns": dict(loaded.card.columns)} if loaded and loaded.card.columns else {}),
        "files": (
            {path: pin for path, _, pin in pinned(entry, folder)}
            if here
            else {file.path: file.pin or None for file in entry.files}
        ),
        "present": here,
        "digest": _verified(openml.recall(entry, folder), folder, loaded),
        "counted": _counted(loaded, split, seed) if loaded else None,
    }


def _verified(entry: Entry, folder: Path, loaded: DataSet | None) -> str:
    """Return whether a published digest of a data set is known, and its content has it."""
    from datasets.fetch.manifests import covers
    from datasets.record import values_sha256

    if loaded and entry.folders and entry.values_sha256 not in ("", values_sha256(loaded)):
        return "unverified: the samples differ from those of the published set"
    return "published" if covers(entry, folder) else UNVERIFIED


def _counted(data: DataSet, protocol: str, seed: int) -> dict[str, Any]:
    from bench.protocols.named import NotApplicable, split
    from datasets.facts import content, overlap, row_ids
    from datasets.symmetry import unlike_others

    ids = row_ids(data.x)
    counts = asdict(content(data, ids))
    for stands_above in ("n", "shape", "n_anomalies"):
        del counts[stands_above]
    for extreme in ("minimum", "maximum"):
        if not math.isfinite(counts[extreme]):  # which json has no word for
            counts[extreme] = str(counts[extreme])
    if shares := unlike_others(data):
        counts["unlike_others_after"] = shares
    place = f"{protocol} split, seed {seed}"
    try:
        chosen = split(protocol, data, seed)
    except NotApplicable as error:
        return {**counts, place: str(error)}
    return {**counts, place: asdict(overlap(data, chosen.train, chosen.test, ids))}


def lines(key: str, value: Any, indent: int = 0) -> Iterator[str]:
    """Lay out an entry of a card in lines of at most `WIDTH` cells."""
    start = " " * indent + (key if "/" in key else key.replace("_", " ")) + ":"
    if isinstance(value, dict) and value:
        yield start
        for inner, each in value.items():
            yield from lines(inner, each, indent + 2)
    elif isinstance(value, list) and value and isinstance(value[0], str):
        yield start
        for item in value:
            yield from textwrap.wrap(
                item, WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False
            )
    else:
        yield from textwrap.wrap(
            f"{start} {_plain(value)}",
            WIDTH,
            subsequent_indent=" " * (indent + 4),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _plain(value: Any) -> str:
    if value is None or value == {} or value == []:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " x ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
