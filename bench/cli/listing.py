"""The command `bench list`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.errors import one_of, usage
from bench.cli.output import console

WHAT = ("detectors", "datasets", "suites", "metrics", "protocols", "scalers")


def list_names(
    what: Annotated[str, typer.Argument(help=", ".join(WHAT))] = "detectors",
) -> None:
    """List what there is: detectors, datasets, suites, metrics, protocols or scalers."""
    from bench.cli.lists import TABLES

    one_of("list", what, WHAT)
    with usage():
        table = TABLES[what]()
    console().print(table)
