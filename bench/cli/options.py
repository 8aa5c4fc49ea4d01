"""Options that several commands have, each said once: its type, its metavar and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

FOLDER = Path("results")

SuiteName = Annotated[str, typer.Argument(help="name of a suite, or path of a .toml file")]
Detectors = Annotated[
    str | None, typer.Option(metavar="A,B", help="these detectors instead of the suite's")
]
DataSets = Annotated[
    str | None, typer.Option(metavar="X,Y", help="these data sets; patterns such as 'digits/*'")
]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="labels of data of your own")]
Normal = Annotated[str | None, typer.Option(metavar="VALUE", help="label of normal rows in them")]
Drop = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="columns of them to leave out, such as identifiers"),
]
ProtocolName = Annotated[str | None, typer.Option(help="this protocol instead of the suite's")]
Scaler = Annotated[
    str | None,
    typer.Option(help="this scaler, such as median+standard; see `bench list scalers`"),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="N|0,1,2", help="how many seeds, or which ('7,' is seed 7)")
]
Results = Annotated[Path, typer.Option(metavar="DIR", help="folder of the store and the boards")]
Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="data folder; by default $BENCH_DATA or a cache")
]
MemoryLimit = Annotated[
    float | None,
    typer.Option(min=0.001, help="GiB of a job; by default 8 or 80 % of RAM over jobs"),
]
Retry = Annotated[
    str | None,
    typer.Option(metavar="STATUS,...|all", help="run stored failures of these kinds again"),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="where deep models train; auto: GPU if any")
]
