"""The command `bench list`."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.common.errors import one_of, usage
from bench.cli.common.options import Format
from bench.cli.common.output import console
from bench.render.formats import TABLE

WHAT = ("detectors", "datasets", "suites", "metrics", "protocols", "scalers")


def list_names(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help=f"{', '.join(WHAT)} (default: detectors)")
    ] = "detectors",
    format: Format = TABLE,
) -> None:
    """List detectors, data sets, suites, metrics, protocols.

    Listing imports no detector and reads no data.
    """
    from bench.cli.lists import TABLES
    from bench.render import formats
    from bench.render.table import Page, Plain

    one_of("list", what, WHAT)
    with usage():
        table = TABLES[what]()
    formats.show(Plain(Page(what, (table,))), format, console())
