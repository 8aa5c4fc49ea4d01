"""The commands that move stored rows: export into tables, merge of results folders."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.errors import Usage, usage
from bench.cli.options import FOLDER, FOLDERS, OUTPUT, ROWS, Data, Results, option
from bench.cli.output import cannot_write, say
from bench.cli.selection import run_of
from bench.cli.stores import open_store


def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help=".parquet or .csv (default: rows.parquet in the results folder)"
        ),
    ] = None,
    table: Annotated[
        str,
        option(OUTPUT, "NAME", "rows, scores, extremes or diagnostics (default: rows)"),
    ] = "rows",
    run: Annotated[
        str | None,
        option(ROWS, "NAME|all", "run whose rows are written, or all (default: the last run)"),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Write stored rows, raw scores or diagnostics as a table.

    Each score has the number of its sample in the data set, or of its line in a table, from 0, and
    the file of an image of your own; `extremes` has the ten samples of each row judged worst, and
    the ten judged best.
    """
    from bench.render.printable import for_csv
    from bench.store.export import export as write

    path = file or results / f"{table}.parquet"
    with open_store(results) as store, usage():
        found = None if run == "all" else run_of(store, run)
        try:
            keys = found.keys if found else None
            at = data or (Path(found.data) if found and found.data else None)
            n_lines = write(store, table, path, for_csv, keys, at)
        except OSError as error:
            raise cannot_write(path, error) from error
        n_left = len(store.statuses().keys() - set(found.keys)) if found else 0
    say(f"{n_lines} lines in {path}")
    if found and n_left:
        say(f"{n_left} stored rows that the run {found.name} did not ask for: --run all")


def merge(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="results folders to read")
    ],
    prefer: Annotated[
        Path | None,
        option(
            FOLDERS, "DIR", "folder whose rows are kept where two contradict (default: an error)"
        ),
    ] = None,
    results: Results = FOLDER,
) -> None:
    """Add the rows of other results folders to this one."""
    from bench.store.folder import locked
    from bench.store.merge import merge as merge_stores
    from bench.store.store import Store

    if prefer is not None and prefer not in [*folders, results]:
        msg = f"--prefer {prefer} is not among the folders to merge"
        raise Usage(msg)
    with ExitStack() as stack, usage():
        sources = {folder: stack.enter_context(open_store(folder)) for folder in folders}
        stack.enter_context(locked(results))
        target = stack.enter_context(closing(Store(results)))
        preferred = {**sources, results: target}.get(prefer) if prefer else None
        done = merge_stores(list(sources.values()), target, preferred)
    rounded = f", {done.rounded} of them equal up to rounding" if done.rounded else ""
    say(f"{done.added} rows added to {results}; {done.there} already there{rounded}")
