"""The command `bench reproduce`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.errors import Usage, usage
from bench.cli.options import (
    CORES,
    EXECUTION,
    FOLDER,
    OUTPUT,
    ROWS,
    Data,
    DeviceName,
    Format,
    Jobs,
    MemoryLimit,
    Results,
    Retry,
    option,
)
from bench.cli.output import console, write_file
from bench.cli.selection import failures, listed, mib, need_device
from bench.cli.stores import open_store
from bench.render.formats import TABLE
from bench.render.table import Column, Page, Plain, plain

if TYPE_CHECKING:
    from bench.reproduce.comparison import Cell, Kept, Place, Reproduction
    from bench.reproduce.published import PublishedTable
    from bench.store.records import Wanted

FEW = 4  # data sets that a message names


def reproduce(
    context: typer.Context,
    table: Annotated[
        str | None,
        typer.Argument(metavar="TABLE", help="name of a published table (default: list them)"),
    ] = None,
    detectors: Annotated[
        str | None,
        option(
            ROWS,
            "A,B",
            "detectors, by their names in the paper or here (default: all of the table)",
        ),
    ] = None,
    datasets: Annotated[
        str | None,
        option(
            ROWS, "X,Y", "data sets or patterns, by their names in the paper or here (default: all)"
        ),
    ] = None,
    device: Annotated[
        DeviceName,
        Format,
        option(ROWS, "auto|cpu|cuda", "device that trains deep models (default: cpu)"),
    ] = "cpu",
    jobs: Jobs = CORES,
    time_limit: Annotated[
        float,
        option(
            EXECUTION, "SECONDS", "time limit of a fit and of a read-out (default: 3600)", min=0.001
        ),
    ] = 3600.0,
    memory_limit: MemoryLimit = None,
    retry: Retry = None,
    strict: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "count the required cells, and exit 1 if one of them is off or failed (default: no)",
            "--strict",
        ),
    ] = False,
    format: Format = TABLE,
    write: Annotated[
        Path | None,
        option(
            OUTPUT,
            "FILE.md",
            "run nothing, and write a page of all tables, with their values in FILE.csv; "
            "values there whose rows are not stored here are kept (default: no)",
        ),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run a published table and compare it with the paper.

    Stored rows are not run again.
    """
    from bench.cli.running import run as run_suite
    from bench.render import formats
    from bench.render.reproduction import Overview, ReproductionDocument
    from bench.reproduce import kept as cells
    from bench.reproduce import published as tables
    from bench.run.session import Options

    again = failures(retry)
    if write is not None and table is not None:
        msg = "--write makes one page of all tables; leave out the name of the table"
        raise Usage(msg)
    idle = _given(context) if table is None else []
    if idle:
        instead = "leave it out" if len(idle) == 1 else "leave them out"
        msg = f"{', '.join(idle)}: only for one table; name it, without --write, or {instead}"
        raise Usage(msg)
    if write is not None:
        if write.suffix != ".md":
            msg = f"--write {write}: name the page FILE.md; its cells go beside it, into FILE.csv"
            raise Usage(msg)
        beside = write.with_suffix(".csv")
        every = [tables.read(name) for name in tables.names()]
        with usage():
            kept = cells.read(beside)
        made = _stored(every, data, device, results, kept)
        write_file(beside, cells.to_csv(made))
        write_file(write, formats.FORMATS["md"].write(Overview(made)))
        _say_kept(kept, {place: cell for one in made for place, cell in one.run.items()})
        return
    if table is None:
        listing = _listing([tables.read(name) for name in tables.names()], data)
        formats.show(Plain(listing), TABLE, console())
        return
    with usage():
        chosen = tables.select(tables.read(table), listed(detectors), listed(datasets))
    need_device(device)
    wanted = chosen.wanted(data, device)
    if chosen.runnable and not wanted:
        members = [member for each in chosen.members.values() for member in each]
        raise Usage(_no_data(f"of {datasets or table}", members, data))
    if wanted:
        from rich.console import Console

        options = Options(results, data, jobs, time_limit, mib(memory_limit), again, None)
        suite, *_ = chosen.suites(chosen.runnable[0], chosen.present(data))  # for name and title
        # Progress goes beside the table, so that a csv can be piped.
        shown_on = console() if format == TABLE else Console(stderr=True, highlight=False)
        # Two printed names may stand for the same rows.
        once = list({row.key: row for row in wanted}.values())
        run_suite(suite, once, options, shown_on, keep_board=False)
    compared = _compared(chosen, wanted, results)
    formats.show(ReproductionDocument(compared), format, console())
    if strict:
        for what, found, then in (
            ("not as printed", compared.off, "see docs/reproduction.md"),
            ("failed", compared.failed, "run them again with --retry all"),
        ):
            names = dict.fromkeys(f"{c.printed.detector} on {c.printed.dataset}" for c in found)
            if names:
                sys.stderr.write(f"bench: {what}: {', '.join(names)}; {then}\n")
        sys.stderr.write(f"bench: {compared.strict_summary}\n")
        if compared.off or compared.failed:
            raise typer.Exit(1)


def _given(context: typer.Context) -> list[str]:
    """Return the options of one table that were given."""
    names = (
        "detectors",
        "datasets",
        "jobs",
        "time_limit",
        "memory_limit",
        "retry",
        "format",
        "strict",
    )
    default = ("DEFAULT", "DEFAULT_MAP")
    sources = {name: context.get_parameter_source(name) for name in names}
    return [
        f"--{name.replace('_', '-')}"
        for name, source in sources.items()
        if source is not None and source.name not in default
    ]


def _stored(
    every: Sequence[PublishedTable],
    data: Path | None,
    device: DeviceName,
    results: Path,
    kept: Mapping[Place, Kept],
) -> list[Reproduction]:
    """Return the stored and kept values of tables.

    Raises:
        Usage: no cell is whole, and none kept.
    """

    wanted = [one.wanted(data, device) for one in every]
    made = [_compared(*pair, results, kept) for pair in zip(every, wanted, strict=True)]
    if not any(one.run for one in made):
        if not any(wanted):
            raise Usage(_no_data("of the tables", (), data))
        msg = (
            f"no whole cell of a table in {results}; run `bench reproduce NAME` first, "
            "or name another with --results"
        )
        raise Usage(msg)
    return made


def _say_kept(kept: Mapping[Place, Kept], run: Mapping[Place, Cell]) -> None:
    """Print how many kept values were left out or replaced."""
    if n := len(kept.keys() - run.keys()):
        console().print(f"left out: {n} kept values of other settings or data, or of no cell")
    both = kept.keys() & run.keys()
    if n := sum(run[p].agreement == "failed" and not kept[p].ours.failure for p in both):
        console().print(f"replaced: {n} kept values by failures of rows that are stored here")


def _no_data(whose: str, members: Sequence[str], data: Path | None) -> str:
    """Return what to do when none of the data are there, for data sets by their names here."""
    from datasets import data_folder

    names = shlex.join(members) if 0 < len(members) <= FEW else "NAME"
    return (
        f"none of the data {whose} are in {data_folder(data)}; `bench data fetch {names}` brings "
        "them, or name another folder with --data or $BENCH_DATA"
    )


def _compared(
    table: PublishedTable,
    wanted: Sequence[Wanted],
    results: Path,
    kept: Mapping[Place, Kept] | None = None,
) -> Reproduction:
    from bench.reproduce.comparison import reproduce
    from bench.store.store import STORE

    if not (results / STORE).is_file():
        return reproduce(table, wanted, {}, lambda key: None, kept)
    with open_store(results) as store, usage():
        records = {record["key"]: record for record in store.records({w.key for w in wanted})}
        return reproduce(table, wanted, records, store.scores, kept)


def _listing(tables: Sequence[PublishedTable], data: Path | None) -> Page:
    columns = (Column("table", "name"), Column("cells"), Column("detectors"),
               Column("data here", "text"), Column("title", "prose"))  # fmt: skip
    rows = (
        [
            table.name,
            len(table.figures),
            len(table.detectors),
            f"{len(table.present(data))} of {len(table.datasets)}",
            f"{table.told.title}\n{table.told.paper}",
        ]
        for table in tables
    )
    return Page("Published tables", (plain("", columns, rows),))
