"""The command that draws samples of a test set with what a detector finds in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common.options import (
    OUTPUT,
    Data,
    ProtocolName,
    Scaler,
    Seed,
    SettingsOf,
    SheetFolder,
    SheetResults,
    Weights,
    option,
)
from bench.cli.common.output import console
from bench.cli.common.sheets import N_OF_EACH


def show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="data set")],
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="name, or path.py:Class")],
    suite: SettingsOf = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    weights: Weights = None,
    seed: Seed = 0,
    best: Annotated[
        int, option(OUTPUT, "N", "anomalies that score highest (default: 4)", min=0)
    ] = N_OF_EACH,
    worst: Annotated[
        int, option(OUTPUT, "N", "anomalies that score lowest (default: 4)", min=0)
    ] = N_OF_EACH,
    errors: Annotated[
        int, option(OUTPUT, "N", "normal samples that score highest (default: 4)", min=0)
    ] = N_OF_EACH,
    output: SheetFolder = Path(),
    results: SheetResults = None,
    data: Data = None,
) -> None:
    """Draw the best and worst samples, and what is odd in them.

    The detector is fitted in this process, without labels. The sheet is a PNG and an HTML file.
    """
    from bench.cli.common import sheets
    from bench.cli.common.errors import Usage
    from bench.render.sheet import draw, page
    from bench.run.again.shown import sheet

    if not best + worst + errors:
        msg = "nothing to draw; give --best, --worst or --errors a number above 0"
        raise Usage(msg)
    wanted = sheets.row(dataset, detector, suite, protocol, scaler, seed, data, weights)
    with sheets.fitting():
        drawn = sheet(wanted, data, best, worst, errors, console())
        sheets.write(
            lambda: draw(drawn), page(drawn), output, f"{wanted.dataset}-{wanted.label}", results
        )
