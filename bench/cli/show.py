"""The command that draws samples of a test set with what a detector finds in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common.errors import usage
from bench.cli.common.options import (
    FOLDERS,
    OUTPUT,
    ROWS,
    Data,
    ProtocolName,
    Scaler,
    Weights,
    option,
)
from bench.cli.common.output import console, say


def show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="data set")],
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="name, or path.py:Class")],
    suite: Annotated[
        str | None,
        option(ROWS, "SUITE", "suite whose settings, protocol and scaler to take (default: none)"),
    ] = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    weights: Weights = None,
    seed: Annotated[int, option(ROWS, "N", "seed (default: 0)", min=0)] = 0,
    best: Annotated[
        int, option(OUTPUT, "N", "anomalies that score highest (default: 4)", min=0)
    ] = 4,
    worst: Annotated[
        int, option(OUTPUT, "N", "anomalies that score lowest (default: 4)", min=0)
    ] = 4,
    errors: Annotated[
        int, option(OUTPUT, "N", "normal samples that score highest (default: 4)", min=0)
    ] = 4,
    output: Annotated[
        Path, option(FOLDERS, "DIR", "folder of the sheet (default: the working folder)")
    ] = Path(),
    data: Data = None,
) -> None:
    """Draw the best and worst samples, and what is odd in them.

    The detector is fitted in this process, without labels. The sheet is a PNG and an HTML file.
    """
    import datasets
    from bench.cli.common.errors import Usage
    from bench.plan import suite as suites
    from bench.plan.planning import wanted_rows

    if not best + worst + errors:
        msg = "nothing to draw; give --best, --worst or --errors a number above 0"
        raise Usage(msg)
    with usage():
        entry = datasets.find(dataset)
        chosen = suites.build(
            {
                "name": "show", "title": "show", "detectors": [detector], "datasets": [entry.name],
                "protocol": protocol or ("official" if entry.has_official_split else "one-class"),
                "scaler": scaler or ("global-minmax" if entry.kind == "image" else "standard"),
                "seeds": [seed],
            }
        ) if suite is None else suites.select(
            suites.read(suite), [detector], [entry.name], protocol, scaler, [seed]
        )  # fmt: skip
        if weights is not None:
            chosen = suites.select(chosen, weights=str(weights))
        wanted = wanted_rows(chosen, data=data)[0]
    from bench.render import sheet as sheets
    from bench.run.again.shown import sheet
    from detectors.contract import Collapsed, Diverged, Unavailable

    with usage(OSError, Unavailable, Diverged, Collapsed):
        drawn = sheet(wanted, data, best, worst, errors, console())
        picture = sheets.png(drawn)
        stem = re.sub(r"[^\w.=+-]+", "-", f"{wanted.dataset}-{wanted.label}")
        output.mkdir(parents=True, exist_ok=True)
        for suffix, content in (("png", picture), ("html", sheets.html(drawn, picture).encode())):
            path = output / f"{stem}.{suffix}"
            path.write_bytes(content)
            say(f"written: {path}")
