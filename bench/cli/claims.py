"""The command `bench claims`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.common.errors import Usage, given_of, usage
from bench.cli.common.options import (
    CORES,
    EXECUTION,
    FOLDER,
    MOST,
    Data,
    Device,
    FigureFile,
    Format,
    Jobs,
    MemoryLimit,
    MostRows,
    Results,
    Retry,
    RunFirst,
    TimeLimit,
    option,
)
from bench.cli.common.output import console, console_of_progress, say, write_figure
from bench.cli.common.selection import failures, mib, need_device, need_few, rows_of
from bench.cli.common.stores import open_store, statuses
from bench.render.formats import TABLE

if TYPE_CHECKING:
    from bench.claims.claim import Claims
    from bench.claims.judge import Judgement
    from bench.run.session import Options
    from bench.store.records import Wanted

OF_RUNS = ("most", "jobs", "time_limit", "memory_limit", "retry")


def claims(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="claims: a .toml file, `lectures` or `lectures-adbench`"
        ),
    ],
    freeze: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "note in the results folder that the file has its present content, and when "
            "(default: no)",
            "--freeze",
        ),
    ] = False,
    run: RunFirst = False,
    most: MostRows = MOST,
    device: Device = "auto",
    jobs: Jobs = CORES,
    time_limit: TimeLimit = 600.0,
    memory_limit: MemoryLimit = None,
    retry: Retry = None,
    figure: FigureFile = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Judge claims by stored rows: supported, refuted or undecided."""
    from bench.claims.claim import read
    from bench.render import formats
    from bench.render.documents.claims import ClaimsDocument, forest

    again = failures(retry)
    if not run and (given := given_of(context, OF_RUNS)):
        msg = f"{', '.join(given)}: only for a run; give --run as well, or leave it out"
        raise Usage(msg)
    found = read(file)
    if run:
        need_few(found.n_rows, most)
    need_device(device)
    wanted = [rows_of(suite, device, data) for suite in found.suites]
    if freeze or not run:
        _check(wanted, results)
    if freeze:
        _freeze(found, results)
        if not run:
            return
    if run:
        from bench.run.session import Options

        options = Options(results, data, jobs, time_limit, mib(memory_limit), again, None)
        _run(found, wanted, options, is_piped=format != TABLE)
    made = _judged(found, wanted, results)
    formats.show(ClaimsDocument(made), format, console())
    if made.missing and format == TABLE:
        place = [] if results == FOLDER else ["--results", str(results)]
        say(f"to run what is missing: {shlex.join(['bench', 'claims', file, '--run', *place])}")
    write_figure(figure, lambda: forest(made))


def _check(wanted: Sequence[Sequence[Wanted]], results: Path) -> None:
    """Check the detectors of the rows that are not stored, as a run does.

    Raises:
        Usage: a detector cannot be made, or its settings are not accepted.
    """
    from bench.plan.planning import missing
    from bench.run.check import check_rows

    if todo := missing([row for rows in wanted for row in rows], statuses(results), ()):
        with usage():
            check_rows(todo)


def _freeze(found: Claims, results: Path) -> None:
    """Note the digest of a file of claims in the results folder, and print since when it is."""
    from bench.run.session import opened

    with opened(results) as store:
        store.freeze({found.digest: datetime.now(UTC).isoformat(timespec="seconds")})
        date = store.frozen()[found.digest]
    say(f"{found.name}: frozen at {date}, sha256 {found.digest}")


def _run(
    found: Claims, wanted: Sequence[Sequence[Wanted]], options: Options, *, is_piped: bool
) -> None:
    """Run the rows of claims; progress goes to stderr where the verdicts are piped.

    Claims with the same data sets and protocols are one run: their models are fitted once, and each
    run has a board.
    """
    from bench.cli.common.running import run as run_suite

    groups: dict[object, dict[str, Wanted]] = {}
    for suite, rows in zip(found.suites, wanted, strict=True):
        group = groups.setdefault((suite.datasets, suite.protocol), {})
        group.update((row.key, row) for row in rows)
    shown_on = console_of_progress(is_piped=is_piped)
    titled = found.suites[0].model_copy(update={"title": found.title})
    for group in groups.values():
        run_suite(titled, list(group.values()), options, shown_on, keep_board=False)


def _judged(found: Claims, wanted: Sequence[Sequence[Wanted]], results: Path) -> Judgement:
    from bench.claims.judge import judge
    from bench.store.folder import STORE

    if not (results / STORE).is_file():
        return judge(found, wanted, {}, None)
    keys = {row.key for rows in wanted for row in rows}
    with open_store(results) as store:
        records = {record["key"]: record for record in store.records(keys)}
        return judge(found, wanted, records, store.frozen().get(found.digest))
