"""The commands `bench data`: what data sets there are, fetching, verifying and describing them."""

from __future__ import annotations

import json
import math
import re
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.errors import Usage, usage
from bench.cli.options import Data
from bench.cli.output import console, say
from bench.render.percent import percent

if TYPE_CHECKING:
    from rich.progress import TaskID

    from datasets import DataSet, Entry
    from datasets.fetch.transfer import Report

app = typer.Typer(
    help="List, fetch, verify and describe data sets.",
    rich_markup_mode=None,
)

NONE = "\N{EN DASH}"
WIDTH = 100
NAME_WIDTH = 32  # a longer name moves its row to the right, so that the licence of others fits
FILES_SHOWN = 6
LOG_SECONDS = 10.0
HEADS = ("data set", "kind", "n", "d", "anom.", "size", "here", "licence")
FLUSH_LEFT = ("data set", "kind", "here", "licence")

NAMES = typer.Argument(
    metavar="NAME...", help="data sets, patterns such as 'mnist/*', a suite, or all"
)
Names = Annotated[list[str], NAMES]
Listed = Annotated[list[str] | None, NAMES]


@app.command("list")
def list_sets(names: Listed = None, data: Data = None) -> None:
    """List data sets: kind, size, anomaly rate, licence, and whether each is present.

    Data of your own have names too, which need no list: file:PATH, folder:PATH, ucr:PATH; and
    openml/NUMBER or openml/NAME is any set of OpenML.
    """
    import datasets

    with usage(OSError):
        folder = datasets.data_folder(data)
        rows = [HEADS]
        for name in _chosen(names or ["all"]):
            entry, here = datasets.find(name), datasets.present(name, folder)
            facts = entry.facts
            rows.append(
                (
                    name,
                    "synthetic" if entry.synthetic else entry.kind,
                    str(facts.n) if facts else NONE,
                    str(math.prod(facts.shape)) if facts else NONE,
                    percent(facts.n_anomalies, facts.n) if facts else NONE,
                    _size(_n_bytes(entry, folder)) if _has_files(entry) else NONE,
                    "yes" if here else "no",
                    re.split(r";| \(", entry.licence)[0],
                )
            )
        say("\n".join(_columns(rows, console().width)))


@app.command()
def fetch(
    names: Names,
    data: Data = None,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence",
            help="accept licences that restrict use; remembered in the data folder",
        ),
    ] = False,
) -> None:
    """Fetch what is missing of data sets; verified, resumed where it broke off."""
    import datasets
    from datasets.fetch.fetching import FetchError
    from datasets.fetch.fetching import fetch as fetch_files

    with usage(OSError):
        chosen = _chosen(names)
        with _bars() as report:
            try:
                problems = fetch_files(
                    chosen,
                    data,
                    accept_licence=accept_licence,
                    say=say,
                    report=report,
                )
            except FetchError as error:
                problems = dict.fromkeys(chosen, str(error))
        for problem in dict.fromkeys(problems.values()):
            lacking = [name for name in problems if problems[name] == problem]
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            say(f"{lacking[0]}{more}: {problem}")
        n_here = len(chosen) - len(problems)
        say(f"{n_here} of {len(chosen)} data sets are in {datasets.data_folder(data)}")
    if problems:
        raise typer.Exit(1)


@app.command()
def verify(names: Names, data: Data = None) -> None:
    """Compare the files of data sets with their published digests; exit 1 if one is wrong."""
    import datasets
    from datasets.fetch.fetching import verify as verify_files

    with usage(OSError):
        chosen, everything = _chosen(names), list(names) == ["all"]
        seen: set[str] = set()
        wrong = 0
        for name in chosen:
            if not _has_files(datasets.find(name)) and not everything:
                say(f"{name}: comes without files")
            for found in verify_files(name, data):
                if found.path in seen or (everything and found.state == "missing"):
                    continue
                seen.add(found.path)
                wrong += found.state in ("wrong", "missing")
                line = f"{found.state}: {found.path} {found.sentence}"
                say(line)
        folder = datasets.data_folder(data)
        say(f"{len(seen)} files and folders looked at in {folder}, {wrong} wrong or missing")
    if wrong:
        raise typer.Exit(1)


@app.command()
def card(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a data set")],
    data: Data = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="whose split is counted; by default official, or else one-class"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the split")] = 0,
    format: Annotated[str, typer.Option(help="table, json")] = "table",
) -> None:
    """Print what is known of a data set, and what counting shows if its files are present."""
    if format not in ("table", "json"):
        msg = f"format: unknown {format!r}; table and json are known"
        raise Usage(msg)
    with usage(OSError):
        told = describe(name, data, protocol, seed)
    if format == "json":
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    files = list(told["files"].items())
    if len(files) > FILES_SHOWN:
        more = f"... {len(files) - FILES_SHOWN} more"
        told["files"] = {**dict(files[:FILES_SHOWN]), more: "all are in --format json"}
    for key, value in told.items():
        for line in _lines(key, value):
            say(line)


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
    from datasets.files import locate, pinned

    entry, folder = datasets.find(name), datasets.data_folder(data)
    split = str(parse(protocol or ("official" if entry.has_official_split else "one-class")))
    here = datasets.present(name, folder)
    if name.startswith(("file:", "folder:", "ucr:")):
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
        "known_issues": list(entry.known_issues),
        "files": (
            {path: pin for path, _, pin in pinned(entry, folder)}
            if here
            else {file.path: file.pin or None for file in entry.files}
        ),
        "present": here,
        "counted": _counted(loaded, split, seed) if loaded else None,
    }


def _counted(data: DataSet, protocol: str, seed: int) -> dict[str, Any]:
    from bench.protocols.named import NotApplicable, split
    from datasets.facts import content, overlap, row_ids

    ids = row_ids(data.x)
    told = asdict(content(data, ids))
    for stands_above in ("n", "shape", "n_anomalies"):
        del told[stands_above]
    for extreme in ("minimum", "maximum"):
        if not math.isfinite(told[extreme]):  # which json has no word for
            told[extreme] = str(told[extreme])
    place = f"{protocol} split, seed {seed}"
    try:
        chosen = split(protocol, data, seed)
    except NotApplicable as error:
        return {**told, place: str(error)}
    return {**told, place: asdict(overlap(data, chosen.train, chosen.test, ids))}


def _chosen(words: Sequence[str]) -> list[str]:
    """Return the data sets that words stand for, in the order of the table for a pattern.

    Raises:
        ValueError: a word stands for none; the message has the nearest names.
    """
    import datasets

    found: list[str] = []
    for word in words:
        matching = [name for name in datasets.names() if word == "all" or fnmatch(name, word)]
        found += matching or _members(word) or [datasets.find(word).name]
    return list(dict.fromkeys(found))


def _members(word: str) -> tuple[str, ...]:
    from bench.plan import suite

    if word in suite.names() or word.endswith(".toml"):
        return suite.read(word).datasets
    return ()


def _columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Lay out rows below their heads in lines of at most `width` cells; the last column is cut.

    A table of rich takes 0.6 s for 300 rows, which is most of what listing may take.
    """
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sizes[0] = min(sizes[0], NAME_WIDTH)
    for row in rows:
        cells = [
            cell.ljust(size) if head in FLUSH_LEFT else cell.rjust(size)
            for head, cell, size in zip(rows[0], row, sizes, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        yield line if len(line) <= width else line[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _has_files(entry: Entry) -> bool:
    return bool(entry.files or entry.folders)


def _n_bytes(entry: Entry, folder: Path) -> int | None:
    """Return the size of what is fetched, or else of what is here; None where neither is known."""
    wanted = [file for file in entry.files if file.urls or not entry.archives]
    if len(wanted) < len(entry.files) or entry.folders:
        wanted += [archive.file for archive in entry.archives]
        if not entry.archives:
            return None
    sizes = [file.n_bytes or _size_here(folder / file.path) for file in wanted]
    return None if None in sizes else sum(size for size in sizes if size)


def _size_here(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _size(n_bytes: int | None) -> str:
    if n_bytes is None:
        return NONE
    kilo, mega, giga = 1e3, 1e6, 1e9
    if n_bytes >= giga:
        return f"{n_bytes / giga:,.1f} GB"
    return f"{n_bytes / mega:,.1f} MB" if n_bytes >= mega / 10 else f"{n_bytes / kilo:,.1f} kB"


def _lines(key: str, value: Any, indent: int = 0) -> Iterator[str]:
    """Lay out an entry of a card in lines of at most `WIDTH` cells."""
    start = " " * indent + (key if "/" in key else key.replace("_", " ")) + ":"
    if isinstance(value, dict) and value:
        yield start
        for inner, told in value.items():
            yield from _lines(inner, told, indent + 2)
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


@contextmanager
def _bars() -> Iterator[Report]:
    """Show a bar for each file on a terminal, and a line now and then in a log file."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    tasks: dict[str, TaskID] = {}
    told = time.monotonic()
    with Progress(
        *columns,
        TimeRemainingColumn(compact=True),
        console=console(),
        transient=True,
        disable=not console().is_terminal,
    ) as bars:

        def report(path: str, here: int, size: int | None) -> None:
            nonlocal told
            if path not in tasks:
                tasks[path] = bars.add_task(path)
            bars.update(tasks[path], completed=here, total=size, visible=here != size)
            if not console().is_terminal and time.monotonic() - told > LOG_SECONDS:
                told = time.monotonic()
                say(f"{path}: {_size(here)} of {_size(size)}")

        yield report
