"""The command `bench reproduce`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.common.errors import Usage, given_of, usage
from bench.cli.common.options import (
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
from bench.cli.common.output import check_file, console, console_of_progress, write_file
from bench.cli.common.selection import failures, listed, mib, need_device
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE
from bench.render.table import Column, Page, Plain, plain

if TYPE_CHECKING:
    from bench.reproduce.comparison import Cell, Kept, Place, Reproduction
    from bench.reproduce.published import PublishedTable
    from bench.run.session import Options
    from bench.store.records import Wanted

FEW = 4  # data sets that a message names
OF_ONE_TABLE = (
    "detectors", "datasets", "jobs", "time_limit", "memory_limit", "retry", "format", "strict",
)  # fmt: skip


def reproduce(
    context: typer.Context,
    table: Annotated[
        str | None,
        typer.Argument(metavar="TABLE", help="name of a published table (default: list them)"),
    ] = None,
    detectors: Annotated[
        list[str] | None,
        option(
            ROWS,
            "A,B",
            "detectors, by their names in the paper or here (default: all of the table)",
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
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
            callback=check_file,
        ),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run a published table and compare it with the paper.

    Stored rows are not run again.
    """
    from bench.render import formats
    from bench.render.documents.reproduction import ReproductionDocument
    from bench.reproduce import published as tables
    from bench.run.session import Options

    again = failures(retry)
    if write is not None and table is not None:
        msg = "--write makes one page of all tables; leave out the name of the table"
        raise Usage(msg)
    if table is None:
        _refuse_options_of_one_table(context)
        every = [tables.read(name) for name in tables.names()]
        if write is not None:
            _write_overview(write, every, data, device, results)
        else:
            formats.show(Plain(_listing(every, data)), TABLE, console())
        return
    with usage():
        chosen = tables.select(tables.read(table), listed(detectors), listed(datasets))
    need_device(device)
    wanted = chosen.wanted(data, device)
    if chosen.runnable and not wanted:
        members = [member for each in chosen.members.values() for member in each]
        raise Usage(_no_data(f"of {','.join(datasets or [table])}", members, data))
    if wanted:
        options = Options(results, data, jobs, time_limit, mib(memory_limit), again, None)
        _run(chosen, wanted, options, is_piped=format != TABLE)
    compared = _compared(chosen, wanted, results)
    formats.show(ReproductionDocument(compared), format, console())
    if strict:
        _check_required_cells(compared)


def _run(
    table: PublishedTable, wanted: Sequence[Wanted], options: Options, *, is_piped: bool
) -> None:
    """Run the rows of a table; progress goes to stderr where the table is piped."""
    from bench.cli.common.running import run as run_suite

    suite, *_ = table.suites(table.runnable[0], table.present(options.data))  # for name and title
    shown_on = console_of_progress(is_piped=is_piped)
    once = {row.key: row for row in wanted}  # two detectors of the paper may share their rows
    run_suite(suite, list(once.values()), options, shown_on, keep_board=False)


def _check_required_cells(compared: Reproduction) -> None:
    """Print how many required cells agree, and exit with status 1 if one is off or failed."""
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


def _refuse_options_of_one_table(context: typer.Context) -> None:
    """Refuse options that do nothing where no table is named.

    Raises:
        Usage: one was given.
    """
    if given := given_of(context, OF_ONE_TABLE):
        instead = "leave it out" if len(given) == 1 else "leave them out"
        msg = f"{', '.join(given)}: only for one table; name it, without --write, or {instead}"
        raise Usage(msg)


def _write_overview(
    page: Path,
    every: Sequence[PublishedTable],
    data: Path | None,
    device: DeviceName,
    results: Path,
) -> None:
    """Write the page of all tables and the csv of their values.

    Raises:
        Usage: the name of the page does not end in .md, or there is nothing to write.
    """
    from bench.render import formats
    from bench.render.documents.reproduction import Overview
    from bench.reproduce import kept as cells

    if page.suffix != ".md":
        msg = f"--write {page}: name the page FILE.md; its cells go beside it, into FILE.csv"
        raise Usage(msg)
    beside = page.with_suffix(".csv")
    with usage():
        kept = cells.read(beside)
    made = _stored(every, data, device, results, kept)
    write_file(beside, cells.to_csv(made))
    write_file(page, formats.FORMATS["md"].write(Overview(made)))
    _say_kept(kept, {place: cell for one in made for place, cell in one.run.items()})


def _stored(
    every: Sequence[PublishedTable],
    data: Path | None,
    device: DeviceName,
    results: Path,
    kept: Mapping[Place, Kept],
) -> list[Reproduction]:
    """Return the stored and kept values of tables.

    Raises:
        Usage: no cell has all its rows, and no value is kept.
    """
    wanted = [one.wanted(data, device) for one in every]
    made = [_compared(*pair, results, kept) for pair in zip(every, wanted, strict=True)]
    if not any(one.run for one in made):
        if not any(wanted):
            raise Usage(_no_data("of the tables", (), data))
        msg = (
            f"no cell of a table has all its rows in {results}; run `bench reproduce NAME` first, "
            "or name another with --results"
        )
        raise Usage(msg)
    return made


def _say_kept(kept: Mapping[Place, Kept], run: Mapping[Place, Cell]) -> None:
    """Print how many kept values were left out or replaced."""
    if n := len(kept.keys() - run.keys()):
        console().print(f"left out: {n} kept values of other settings, of other data or of no cell")
    both = kept.keys() & run.keys()
    if n := sum(run[p].agreement == "failed" and not kept[p].ours.failure for p in both):
        console().print(f"replaced: {n} kept values by failures of rows that are stored here")


def _no_data(whose: str, members: Sequence[str], data: Path | None) -> str:
    """Return what to do when all data are missing; `members` are their names in the catalogue."""
    from datasets import data_folder

    names = shlex.join(members) if 0 < len(members) <= FEW else "NAME"
    return (
        f"none of the data {whose} are in {data_folder(data)}; run `bench data fetch {names}`, or "
        "name another folder with --data or $BENCH_DATA"
    )


def _compared(
    table: PublishedTable,
    wanted: Sequence[Wanted],
    results: Path,
    kept: Mapping[Place, Kept] | None = None,
) -> Reproduction:
    from bench.reproduce.comparison import reproduce
    from bench.store.folder import STORE

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
            len(table.values),
            len(table.detectors),
            f"{len(table.present(data))} of {len(table.datasets)}",
            f"{table.description.title}\n{table.description.paper}",
        ]
        for table in tables
    )
    return Page("Published tables", (plain("", columns, rows),))
