"""The reference pages of the data sets, from the catalogue: a page for each collection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from markup import linked, listed, page, table

import datasets
from datasets.entry import Entry

FILES_SHOWN = 4
IN_TABLE = ("kind", "related sets", "samples", "shape", "anomalies", "duplicates")
HEADS = ("collection", "sets", "kind", "samples", "shape", "files")


def data_sets() -> dict[str, str]:
    """Return the pages by file name: a page for each collection, and one that lists them."""
    entries = [datasets.find(name) for name in datasets.names()]
    collections = {
        collection: list(members)
        for collection, members in groupby(entries, lambda entry: entry.name.partition("/")[0])
    }
    pages = {f"{name}.md": page(_collection(name, made)) for name, made in collections.items()}
    introduction = (
        f"{len(entries)} data sets in {len(collections)} collections. Sets that *ship* come with "
        "the dependencies or are generated; the others are read from the data folder, see "
        "[Data sets and the data folder](../../guides/data.md). Files of your own need no entry: "
        "see [Your own data](../../tutorials/own-data.md)."
    )
    rows = [
        [
            f"[{name}]({name}.md)",
            str(len(made)),
            _range(entry.kind for entry in made),
            _range(str(entry.facts.n) for entry in made if entry.facts),
            _range(_shape(entry) for entry in made),
            "fetched" if made[0].files or made[0].folders else "ship",
        ]
        for name, made in collections.items()
    ]
    contents = "```{toctree}\n:hidden:\n\n" + "\n".join(collections) + "\n```"
    pages["index.md"] = page(["# Data sets", introduction, table(HEADS, rows), contents])
    return pages


def _collection(name: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Yield what all sets of a collection share, then what differs."""
    cards = {entry.name: _card(entry) for entry in entries}
    first = cards[entries[0].name]
    shared = {key: first[key] for key in first if len({c[key] for c in cards.values()}) == 1}
    yield f"# {name}"
    yield listed(shared)
    if len(entries) > 1:
        heads = [key for key in IN_TABLE if key not in shared]
        rows = [[f"`{each}`", *(card[key] for key in heads)] for each, card in cards.items()]
        yield table(["data set", *heads], rows)
    for each, card in cards.items():
        own = {key: card[key] for key in card if key not in shared and key not in IN_TABLE}
        if any(own.values()):
            yield f"## {each}"
            yield listed(own)


def _card(entry: Entry) -> dict[str, str]:
    facts = entry.facts
    files = [*(file.path for file in entry.files), *entry.folders]
    return {
        "kind": ("synthetic " if entry.synthetic else "") + entry.kind,
        "related sets": entry.family,
        "samples": str(facts.n) if facts else "",
        "shape": _shape(entry),
        "anomalies": f"{facts.n_anomalies} ({facts.n_anomalies / facts.n:.2%})" if facts else "",
        "duplicates": str(facts.duplicates) if facts and facts.duplicates is not None else "",
        "official split": "yes" if entry.has_official_split else "no",
        "symmetries": entry.symmetries,
        "source": linked(entry.source),
        "licence": entry.licence + (" (needs `--accept-licence`)" if entry.restricted else ""),
        "cite": linked(entry.citation),
        "known issues": "; ".join(entry.known_issues),
        "options in the name": ", ".join(f"`{option}`" for option in entry.settable),
        "files": ", ".join(f"`{path}`" for path in files[:FILES_SHOWN]),
    }


def _shape(entry: Entry) -> str:
    return " x ".join(map(str, entry.facts.shape)) if entry.facts else ""


def _range(values: Iterable[str]) -> str:
    """Return the one value, or the first and the last of several in order."""
    found = sorted({value for value in values if value}, key=_numbers)
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}" if found else ""


def _numbers(text: str) -> tuple[list[int], str]:
    return [int(part) for part in re.findall(r"\d+", text)], text
