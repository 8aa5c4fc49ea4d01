"""The commands for whoever writes a detector: check and debug."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.errors import usage
from bench.cli.options import FOLDER, Data, Results
from bench.cli.output import console
from bench.cli.stores import open_store


def check(spec: Annotated[str, typer.Argument(help="a detector, such as path.py:Class")]) -> None:
    """Hold a detector to the contract that every detector keeps."""
    from bench.run.check import check_contract

    with usage():
        failed = check_contract(spec, console())
    if failed:
        raise typer.Exit(1)


def debug(
    row: Annotated[str, typer.Argument(help="the first characters of a stored row's key")],
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run a stored row's detector in this process, without labels, for a debugger."""
    from bench.run.check import debug_row, find_row

    with open_store(results) as store, usage():
        stored = find_row(row, store)
    debug_row(stored, data, console())
