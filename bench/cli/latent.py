"""The command that looks inside the latent space of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common.errors import Usage
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

SIZES = "2,5,10,20,30"


def latent(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="data set")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="name, or path.py:Class")],
    suite: SettingsOf = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    weights: Weights = None,
    seed: Seed = 0,
    sizes: Annotated[
        str,
        option(
            OUTPUT,
            "N,N",
            "latent sizes at which active units are counted, a fit each; 0 for none (default: "
            f"{SIZES})",
        ),
    ] = SIZES,
    output: SheetFolder = Path(),
    results: SheetResults = None,
    data: Data = None,
) -> None:
    """Look inside the latent space of a model: codes, units, holes.

    The model is fitted in this process, without labels. The sheet is a PNG and an HTML file.
    """
    from bench.cli.common import sheets
    from bench.latent.study import study
    from bench.render import terminal
    from bench.render.documents.latent import page
    from bench.render.latent import draw

    wanted = sheets.row(dataset, model, suite, protocol, scaler, seed, data, weights)
    with sheets.fitting():
        found = study(wanted, data, _numbers(sizes), console())
        name = f"{wanted.dataset}-{wanted.model}-latent"
        sheets.write(lambda: draw(found), page(found), output, name, results)
    terminal.show(page(found), console())


def _numbers(text: str) -> list[int]:
    """Return the latent sizes of the option.

    Raises:
        Usage: a part is no number.
    """
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        msg = f"--sizes: {text!r} is no list of numbers; write it as {SIZES}"
        raise Usage(msg)
    return [int(part) for part in parts if int(part)]
