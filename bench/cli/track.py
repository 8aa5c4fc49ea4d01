"""The commands of MLflow: track and ui."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.common.errors import Usage, usage, with_page
from bench.cli.common.options import FOLDER, OUTPUT, Data, Results, option
from bench.cli.common.output import say
from bench.cli.common.selection import rows_of, suite_of
from bench.cli.common.stores import open_store

if TYPE_CHECKING:
    from bench.store.store import Store
    from bench.tracking.parent_run import Summary


def track(
    suite: Annotated[
        str | None,
        typer.Argument(metavar="SUITE", help="suite whose rows are sent (default: all suites)"),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Send stored rows to MLflow, each of them once.

    Each suite has an experiment of its own, which gets all rows of the suite, shared ones included.
    """
    from bench.store.folder import locked
    from bench.store.records import made_for
    from bench.tracking.stored import send_stored

    with locked(results), open_store(results, read_only=False) as store:
        stored = list(store.as_kept())
        refused = False
        suites = sorted(filter(None, {made_for(record) for record in stored}))
        for name in suites if suite is None else [suite]:
            report = send_stored(store, *_of_suite(name, stored, store, data))
            if report.problem:
                say(with_page(report.problem))
                raise typer.Exit(1)
            say(
                f"{report.experiment}: {report.logged} runs sent to {report.uri}, "
                f"{report.already} already there"
            )
            for sentence in filter(None, (report.refused, report.left_out)):
                say(sentence)
            refused |= report.refused is not None
        if refused:
            raise typer.Exit(1)


def ui(
    results: Results = FOLDER,
    port: Annotated[
        int,
        option(OUTPUT, "N", "port on localhost (default: 5000)", min=1, max=65535),
    ] = 5000,
) -> None:
    """Start MLflow's web interface on the tracked runs."""
    from bench.tracking.pages import ui_command

    with usage():
        command = ui_command(results, port)
    address = f"http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning"
    say(f"open this address in some seconds; Ctrl-C ends the server: {address}")
    sys.stdout.flush()
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of what MLflow's libraries will change
    os.execv(command[0], command)


def _of_suite(
    name: str,
    stored: list[dict[str, Any]],
    store: Store,
    data: Path | None,
) -> tuple[str, list[dict[str, Any]], Callable[[], Summary]]:
    """Return a suite's name, its stored records, and a function that summarises its board.

    A suite that was given as a file is found by the rows made for it, and has no board here.
    """
    from bench.boards import board as boards
    from bench.boards.rows import frame_of
    from bench.plan.suite import names
    from bench.store.records import made_for
    from bench.tracking.parent_run import Summary, of_board

    own = [store.renewed(record) for record in stored if made_for(record) == name]
    if own and name not in names():
        return name, own, Summary
    chosen = suite_of(name)
    try:
        wanted = rows_of(chosen, "auto", data)
    except Usage:  # data are missing, which stored rows do not need
        return name, own, Summary
    keys = {row.key for row in wanted}
    records = [store.renewed(r) for r in stored if r["key"] in keys or made_for(r) == chosen.name]
    if keys.isdisjoint(record["key"] for record in records):
        return chosen.name, records, Summary
    frame, stale = frame_of(wanted, records)
    made = boards.build(frame, title=chosen.title, stale=stale, scores=store.scores)
    return chosen.name, records, lambda: of_board(made, wanted)
