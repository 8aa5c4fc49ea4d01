"""The commands of `bench data`: list, fetch, verify, card, audit and cache."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.card import describe, lines
from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    FOLDER,
    FOLDERS,
    ROWS,
    Data,
    Drop,
    Format,
    Label,
    Normal,
    ProtocolName,
    Results,
    Scaler,
    TableOrJson,
    option,
)
from bench.cli.common.output import console, say
from bench.cli.common.selection import own_data
from bench.render.formats import TABLE
from bench.render.percent import percent
from bench.render.printable import printable
from bench.render.table import NONE

if TYPE_CHECKING:
    from rich.progress import TaskID

    from datasets import Entry
    from datasets.fetch.transfer import Report

FILES_SHOWN = 6
LOG_SECONDS = 10.0

NAMES = typer.Argument(
    metavar="NAME...", help="data sets, patterns such as 'mnist/*', suites, or all"
)
Names = Annotated[list[str], NAMES]
Listed = Annotated[list[str] | None, NAMES]


def list_sets(names: Listed = None, format: Format = TABLE, data: Data = None) -> None:
    """List data sets with size, anomaly rate and licence.

    Without NAME the list has all of them. Your own data are not on it: name them as file:PATH,
    groups:PATH, folder:PATH or ucr:PATH. Any data set of OpenML is openml/NUMBER or openml/NAME.
    Sets that are here are unverified if no published digest of their files is known.
    """
    import datasets
    from bench.render import formats
    from bench.render.table import Column, Page, Plain, plain
    from datasets.fetch.manifests import covers

    with usage(OSError):
        folder = datasets.data_folder(data)
        rows = []
        for name in _chosen(names or ["all"]):
            entry, here = datasets.find(name), datasets.present(name, folder)
            facts = entry.facts
            rows.append(
                [
                    name,
                    "synthetic" if entry.synthetic else entry.kind,
                    facts.n if facts else NONE,
                    math.prod(facts.shape) if facts else NONE,
                    percent(facts.n_anomalies, facts.n) if facts else NONE,
                    _size(_n_bytes(entry, folder)) if _has_files(entry) else NONE,
                    ("yes" if covers(entry, folder) else "unverified") if here else "no",
                    re.split(r";| \(", entry.licence)[0],
                ]
            )
    columns = (
        Column("data set", "name"), Column("kind", "text"), Column("n"), Column("d"),
        Column("anom."), Column("size"), Column("here", "text"), Column("licence", "prose"),
    )  # fmt: skip
    page = Page("Data sets", (plain("", columns, rows),))
    formats.show(Plain(page), format, console())


def fetch(
    names: Names,
    data: Data = None,
    accept_licence: Annotated[
        bool,
        option(
            FOLDERS,
            None,
            "accept licences that restrict use; the data folder remembers it (default: no)",
            "--accept-licence",
        ),
    ] = False,
) -> None:
    """Download missing files, resume partial ones and verify them."""
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
            missing = [name for name in problems if problems[name] == problem]
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            say(f"{missing[0]}{more}: {problem}")
        n_here = len(chosen) - len(problems)
        say(f"{n_here} of {len(chosen)} data sets are in {datasets.data_folder(data)}")
    if problems:
        raise typer.Exit(1)


def verify(names: Names, data: Data = None) -> None:
    """Compare files with their published digests.

    Exit status 1 if a file is wrong or missing.
    """
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
        say(f"{len(seen)} files and folders checked in {folder}, {wrong} wrong or missing")
    if wrong:
        raise typer.Exit(1)


def show_card(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a data set")],
    data: Data = None,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    protocol: Annotated[
        str | None,
        option(ROWS, "NAME", "protocol of the split (default: official, or else one-class)"),
    ] = None,
    seed: Annotated[
        int,
        option(ROWS, "N", "seed of the split (default: 0)", min=0),
    ] = 0,
    format: TableOrJson = "table",
) -> None:
    """Print the card of a data set.

    If the files are present, the card also counts values, duplicates and samples of a split.
    """
    if format not in ("table", "json"):
        msg = f"format: unknown {format!r}; table and json are known"
        raise Usage(msg)
    with usage(OSError):
        named = own_data([name], label=label, normal=normal, drop=drop) or [name]
        card = describe(named[0], data, protocol, seed)
    if format == "json":
        sys.stdout.write(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        return
    files = list(card["files"].items())
    if len(files) > FILES_SHOWN:
        more = f"... {len(files) - FILES_SHOWN} more"
        card["files"] = {**dict(files[:FILES_SHOWN]), more: "all are in --format json"}
    for key, value in card.items():
        for line in lines(key, value):
            say(line)


def audit(
    names: Names,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Say whether data sets can tell methods apart.

    The verdict on each, one-number confounds, what cheap baselines reach, the smallest difference
    that the test set resolves, copies and doubtful labels. Audits are kept in the results folder.
    """
    import datasets
    from bench.audit import kept
    from bench.audit.measure import measure
    from bench.protocols.named import NotApplicable, parse
    from bench.protocols.scalers import check_scaler
    from bench.render import formats
    from bench.render.documents.audit import AuditDocument

    with usage(OSError):
        named = own_data(list(names), label=label, normal=normal, drop=drop) or []
        wanted = {}
        for name, (its_protocol, its_scaler) in _audited(named).items():
            chosen = str(parse(protocol or its_protocol)), check_scaler(scaler or its_scaler)
            wanted[name] = chosen
    audits, problems = [], []
    for name, chosen in wanted.items():
        try:
            found = kept.find(results, datasets.card(name, data).sha256, *chosen)
            if found is None:
                sys.stderr.write(f"bench: auditing {printable(name)}\n")
                found = measure(datasets.load(name, data), *chosen)
                kept.keep(results, found)
            audits.append(found)
        except (OSError, datasets.WrongData, NotApplicable) as error:
            problems.append(str(error))
    if not audits:
        raise Usage("; ".join(problems))
    formats.show(AuditDocument(audits), format, console())
    for problem in problems:
        sys.stderr.write(f"bench: not audited: {printable(problem)}\n")
    if problems:
        raise typer.Exit(1)


def cache(
    clear: Annotated[
        bool, option(FOLDERS, None, "remove what is kept (default: no)", "--clear")
    ] = False,
) -> None:
    """Say what is kept of decoded images and of their features.

    Photographs are decoded once for all runs, and pass a network once. Files that were not used for
    longest are removed where there is no room for others.
    """
    from datasets.kept import KINDS, MOST_BYTES

    verb = "removed" if clear else "kept"
    for name, kind in KINDS.items():
        found = kind.sizes()
        with usage(OSError):
            for path in [*found] * clear:
                path.unlink(missing_ok=True)
        sizes = f"{_size(sum(found.values()))} of at most {_size(MOST_BYTES)}"
        say(f"{verb}: {len(found)} files of {name}, {sizes}, in {kind.folder}")


def _audited(words: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the protocol and the scaler of each data set: a suite's own, or the usual ones."""
    import datasets
    from bench.plan import suite

    found: dict[str, tuple[str, str]] = {}
    for word in words:
        if word in suite.names() or word.endswith(".toml"):
            own = suite.read(word)
            found |= {m.name: ((m.protocol or own.protocol)[0], own.scaler) for m in own.datasets}
            continue
        for name in _chosen([word]):
            official = datasets.find(name).has_official_split
            found[name] = "official" if official else "one-class", "standard"
    return found


def _chosen(words: Sequence[str]) -> list[str]:
    """Return the data sets that words stand for, in the order of the table for a pattern.

    Raises:
        ValueError: a word stands for none; the message has the nearest names.
    """
    import datasets

    found: list[str] = []
    for word in words:
        matching = datasets.matching("*" if word == "all" else word)
        found += matching or _members(word) or [datasets.find(word).name]
    return list(dict.fromkeys(found))


def _members(word: str) -> tuple[str, ...]:
    from bench.plan import suite

    if word in suite.names() or word.endswith(".toml"):
        return tuple(member.name for member in suite.read(word).datasets)
    return ()


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


@contextmanager
def _bars() -> Iterator[Report]:
    """Show a bar for each file on a terminal, and a line now and then in a log file."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    tasks: dict[str, TaskID] = {}
    printed = time.monotonic()
    with Progress(
        *columns,
        TimeRemainingColumn(compact=True),
        console=console(),
        transient=True,
        disable=not console().is_terminal,
    ) as bars:

        def report(path: str, here: int, size: int | None) -> None:
            nonlocal printed
            if path not in tasks:
                tasks[path] = bars.add_task(path)
            bars.update(tasks[path], completed=here, total=size, visible=here != size)
            if not console().is_terminal and time.monotonic() - printed > LOG_SECONDS:
                printed = time.monotonic()
                say(f"{path}: {_size(here)} of {_size(size)}")

        yield report
