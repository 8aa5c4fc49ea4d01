"""The commands for authors of detectors: check and debug."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bench.cli.common.errors import usage
from bench.cli.common.options import EXECUTION, FOLDER, Data, MemoryLimit, Results, option
from bench.cli.common.output import console
from bench.cli.common.selection import mib
from bench.cli.common.stores import open_store
from bench.render.printable import printable


def check(
    spec: Annotated[str, typer.Argument(metavar="DETECTOR", help="name, or path.py:Class")],
    time_limit: Annotated[
        float,
        option(EXECUTION, "SECONDS", "time limit of a check (default: 60)", min=0.001),
    ] = 60.0,
    memory_limit: MemoryLimit = None,
) -> None:
    """Test a detector against the contract that all detectors keep.

    Each check runs in a process of its own, with a time and a memory limit.
    """
    from bench.plan.job import Limits
    from bench.run.check import check_contract
    from bench.run.processes import default_limit_mib
    from detectors.spec import parse

    with usage():
        name = str(parse(spec))
    sys.stderr.write(f"importing {printable(name)}\n")  # which may take a minute
    limits = Limits(time_limit, mib(memory_limit) or default_limit_mib(1))
    with usage():
        failed = check_contract(spec, console(), limits)
    if failed:
        raise typer.Exit(1)


def debug(
    row: Annotated[
        str, typer.Argument(metavar="ROW", help="first characters of a stored row's key")
    ],
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Rerun a stored row in this process, for use with a debugger.

    The detector gets no labels, as in any other run.
    """
    from bench.run.again.debug import debug_row, find_row, print_stored, samples

    with open_store(results) as store, usage():
        stored = find_row(row, store)
    print_stored(stored, console())
    with usage(OSError):
        unit = samples(stored, data)
    debug_row(stored, unit, console())
