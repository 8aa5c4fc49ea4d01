"""The commands that move stored rows: export, merge, and capsules for others to verify."""

from __future__ import annotations

import secrets
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    CORES,
    EXECUTION,
    FOLDER,
    FOLDERS,
    OUTPUT,
    ROWS,
    Data,
    Jobs,
    Results,
    StoredName,
    option,
)
from bench.cli.common.output import cannot_write, check_file, check_ours, say
from bench.cli.common.selection import rows_of, run_of, stored_suite
from bench.cli.common.stores import open_store
from bench.render.printable import printable


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
    check_file(path)
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


def import_scores(
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE.csv", help="columns dataset, seed, sample and score"),
    ],
    name: Annotated[str, option(ROWS, "NAME", "name of the method (no default)")],
    kind: Annotated[
        Literal["deep", "shallow", "hybrid"],
        option(ROWS, "deep|shallow|hybrid", "type of the method (no default)", "--type"),
    ],
    protocol: Annotated[
        str,
        option(ROWS, "NAME", "protocol that split the data sets (default: one-class)"),
    ] = "one-class",
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Store scores of a method that cannot run here, as imported.

    Boards of the same data sets, protocol and seeds show them with the mark.
    """
    from bench.run.session import opened
    from bench.store.imported import read

    with usage(OSError):
        rows = read(table, name, kind, protocol, data)
    with opened(results) as store:
        n_replaced = len(store.statuses().keys() & {row.wanted.key for row in rows})
        for row in rows:
            store.add(row)
    replaced = f", {n_replaced} of them in place of earlier ones" if n_replaced else ""
    say(f"{len(rows)} rows of {rows[0].wanted.label} stored{replaced}; boards of these data sets "
        f"under {rows[0].wanted.protocol} show them")  # fmt: skip


def capsule(
    suite: StoredName = None,
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            "FILE",
            "file to write (default: named after the suite)",
            "--output",
            "-o",
            callback=check_file,
        ),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Write the rows of a suite into a file that others can verify.

    It holds scores, digests, versions and the machine.
    """
    from bench.store.capsule import FORMAT, write

    with open_store(results) as store:
        chosen, device, data = stored_suite(store, suite, "auto", data)
        wanted, stored = rows_of(chosen, device, data), store.statuses()
        keys = [row.key for row in wanted if row.key in stored]
        if not keys:
            msg = f"no row of {chosen.name} is stored with the present code; run it first"
            raise Usage(msg)
        file = output or Path(f"{chosen.name}.capsule.zip")
        try:
            check_ours(file, FORMAT)
            write(store, keys, chosen.model_dump(mode="json"), file)
        except OSError as error:
            raise cannot_write(file, error) from error
    say(f"{len(keys)} of {len(wanted)} rows in {file}")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a capsule")],
    sample: Annotated[
        int,
        option(EXECUTION, "N", "rows that are drawn and run again (default: 45)", min=0),
    ] = 45,
    seed: Annotated[
        int | None,
        option(EXECUTION, "N", "seed of the draw (default: one that nobody can foresee)", min=0),
    ] = None,
    tolerance: Annotated[
        float,
        option(
            EXECUTION,
            "X",
            "share of the range of a row's scores by which those of another kind of processor may "
            "differ (default: 1e-6); on the same kind they are compared bit for bit",
            min=0,
        ),
    ] = 1e-6,
    jobs: Jobs = CORES,
    data: Data = None,
) -> None:
    """Check a capsule: digests, metrics, and some rows by a rerun.

    Exit status 1 if a row is wrong.
    """
    from bench.run.again import verify as verifying
    from bench.store.capsule import read

    with usage(OSError):
        found = read(file)
    by = found.manifest["made_by"]
    say(f"{len(found.records)} rows of {found.manifest['suite']}, {by['processor']}, commit "
        f"{str(by['commit'])[:10]}; every member has its digest")  # fmt: skip
    with usage(OSError):
        wrong = verifying.contradictions(found)
        able, reasons = verifying.here(found, data)
    for reason, count in reasons.items():
        say(f"{count} rows {reason}, and are not run")
    if sample and able and not wrong:
        seed = secrets.randbits(32) if seed is None else seed
        drawn = verifying.draw(able, sample, seed)
        done = verifying.rerun(found, drawn, data, jobs, tolerance)
        wrong += done.wrong
        agreeing = ", ".join(f"{count} equal {how}" for how, count in done.agreeing.items())
        say(f"{len(drawn)} of {len(able)} rows run again (seed {seed}): {agreeing or 'none equal'}")
        if not wrong:
            share = 0 if len(drawn) == len(able) else verifying.bound(len(drawn))
            say(f"with {1 - verifying.ALPHA:.0%} confidence at most {share:.1%} of these "
                f"{len(able)} rows are wrong: 1 - {verifying.ALPHA}^(1/{len(drawn)})"
                if share else f"all {len(able)} rows are right")  # fmt: skip
    elif not wrong:
        say("no row was run again, so nothing is said of where the scores come from")
    for sentence in wrong:
        sys.stderr.write(f"bench: {printable(sentence)}\n")
    if wrong:
        raise typer.Exit(1)
