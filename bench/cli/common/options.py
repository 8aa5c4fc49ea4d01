"""Options that several commands have: type, group, metavar and help, each stated once.

An option that takes a list is repeated, or separates values by commas, or both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bench.cli.common.errors import one_of
from bench.cli.common.output import check_figure, check_folder
from bench.render.formats import FORMATS

FOLDER = Path("results")
CORES = os.cpu_count() or 1
MOST = 10_000  # rows that --run makes without being asked

ROWS = "Rows"
OWN_DATA = "Your own data (--datasets file:PATH, groups:PATH, folder:PATH, ucr:PATH or openml/ID)"
EXECUTION = "Execution"
OUTPUT = "Output"
FOLDERS = "Folders"


def option(group: str, metavar: str | None, help: str, *names: str, **limits: Any) -> Any:
    """Return an option of a group of the help; the text states its default in words."""
    return typer.Option(*names, metavar=metavar, rich_help_panel=group, help=help, **limits)


def _completing(what: Literal["suites", "detectors", "datasets", "protocols"]) -> Any:
    """Return what completes names in the shell: the last one, of a list."""

    def complete(incomplete: str) -> list[str]:
        import datasets
        import detectors
        from bench.plan import suite
        from bench.protocols.named import PROTOCOLS

        known = {
            "suites": suite.names,
            "detectors": detectors.names,
            "datasets": datasets.names,
            "protocols": PROTOCOLS.keys,
        }
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in known[what]() if name.startswith(last)]

    return complete


def _known_format(name: str) -> str:
    one_of("format", name, tuple(FORMATS))
    return name


SuiteName = Annotated[
    str | None,
    typer.Argument(
        metavar="SUITE",
        help="suite, or its .toml file (default: the suite default)",
        autocompletion=_completing("suites"),
    ),
]
StoredName = Annotated[
    str | None,
    typer.Argument(
        metavar="SUITE",
        help="suite, .toml file, or name of a run (default: the last run)",
        autocompletion=_completing("suites"),
    ),
]
Detectors = Annotated[
    list[str] | None,
    option(
        ROWS,
        "A,B",
        "detectors (default: those of the suite)",
        autocompletion=_completing("detectors"),
    ),
]
DataSets = Annotated[
    list[str] | None,
    option(
        ROWS,
        "X,Y",
        "data sets, or patterns such as 'digits/*' (default: those of the suite)",
        autocompletion=_completing("datasets"),
    ),
]
ProtocolName = Annotated[
    str | None,
    option(
        ROWS,
        "NAME",
        "protocol, see `bench list protocols` (default: that of the suite)",
        autocompletion=_completing("protocols"),
    ),
]
Scaler = Annotated[
    str | None,
    option(ROWS, "NAME", "scaler, see `bench list scalers` (default: that of the suite)"),
]
Seeds = Annotated[
    str | None,
    option(
        ROWS,
        "N|0,1,2",
        "number of seeds, or a list; '7,' is seed 7 alone (default: those of the suite)",
    ),
]
SettingsOf = Annotated[
    str | None,
    option(ROWS, "SUITE", "suite whose settings, protocol and scaler to take (default: none)"),
]
Seed = Annotated[int, option(ROWS, "N", "seed (default: 0)", min=0)]
DeviceName = Literal["auto", "cpu", "cuda"]
Device = Annotated[
    DeviceName,
    option(
        ROWS,
        "auto|cpu|cuda",
        "device that trains deep models (default: auto, the GPU if there is one)",
    ),
]
Label = Annotated[
    str | None,
    option(OWN_DATA, "COLUMN", "column of the labels"),
]
Normal = Annotated[
    list[str] | None,
    option(OWN_DATA, "A,B", "labels of the normal samples"),
]
Drop = Annotated[
    list[str] | None,
    option(OWN_DATA, "A,B", "columns to leave out, such as identifiers (default: none)"),
]
Weights = Annotated[
    Path | None,
    option(
        ROWS,
        "PATH",
        "file of weights of the detectors on pretrained features (default: their package's)",
    ),
]
Jobs = Annotated[
    int,
    option(EXECUTION, "N", "number of parallel jobs (default: one for each CPU core)", min=1),
]
TimeLimit = Annotated[
    float,
    option(EXECUTION, "SECONDS", "time limit of a fit and of a read-out (default: 600)", min=0.001),
]
MemoryLimit = Annotated[
    float | None,
    option(
        EXECUTION,
        "GIB",
        "memory limit of a job (default: 8, at most 80 % of RAM over the jobs that run at once)",
        min=0.001,
    ),
]
Retry = Annotated[
    list[str] | None,
    option(
        EXECUTION,
        "STATUS,...|all",
        "rerun stored rows that failed with these statuses (default: none)",
    ),
]
Format = Annotated[
    str,
    option(OUTPUT, "FORMAT", f"{', '.join(FORMATS)} (default: table)", callback=_known_format),
]
Results = Annotated[
    Path,
    option(FOLDERS, "DIR", "folder of stored rows and boards (default: results)"),
]
Data = Annotated[
    Path | None,
    option(FOLDERS, "DIR", "data folder (default: $BENCH_DATA, or else a cache folder)"),
]
TableOrJson = Annotated[
    str,
    option(OUTPUT, "FORMAT", "table or json (default: table)"),
]
RunFirst = Annotated[
    bool, option(EXECUTION, None, "run the missing rows first (default: no)", "--run")
]
MostRows = Annotated[
    int,
    option(EXECUTION, "N", "refuse to run more rows than this (default: 10000)", min=1),
]
FigureFile = Annotated[
    Path | None,
    option(
        OUTPUT,
        "FILE",
        "figure to write: .svg, .pdf or .png (default: none)",
        callback=check_figure,
    ),
]
SheetFolder = Annotated[
    Path,
    option(
        FOLDERS, "DIR", "folder of the sheet (default: the working folder)", callback=check_folder
    ),
]
SheetResults = Annotated[
    Path | None,
    option(
        FOLDERS,
        "DIR",
        "results folder whose MLflow gets the sheet, too (default: none)",
        callback=check_folder,
    ),
]
