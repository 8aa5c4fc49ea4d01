"""The commands that show a suite's stored rows: board and report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.errors import Usage, one_of, usage
from bench.cli.options import (
    FOLDER,
    Data,
    DataSets,
    Detectors,
    Device,
    Drop,
    Label,
    Normal,
    ProtocolName,
    Results,
    Scaler,
    Seeds,
    SuiteName,
)
from bench.cli.output import console, say, write_file
from bench.cli.selection import only, rows_of, suite_of
from bench.cli.stores import open_store

FORMATS = ("table", "csv", "md", "tex", "bib", "html", "json")


def board(
    suite: SuiteName = "default",
    metric: Annotated[
        str, typer.Option(help="what to rank by; see `bench list metrics`")
    ] = "auroc",
    format: Annotated[str, typer.Option(help=", ".join(FORMATS))] = "table",
    detectors: Detectors = None,
    datasets: DataSets = None,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    family: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="detectors of these alone: deep, shallow, hybrid, control"
        ),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="A,B", help="data of these kinds alone, such as image")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--against", metavar="LABEL", help="test all against this detector"),
    ] = None,
    unit: Annotated[
        Literal["family", "dataset"],
        typer.Option(help="what a test counts: family (related data sets as one), dataset"),
    ] = "family",
    coverage: Annotated[
        Literal["complete", "common"],
        typer.Option(
            help="where rows lack: complete (no such detector), common (no such data set)"
        ),
    ] = "complete",
    margin: Annotated[
        float, typer.Option(min=0, help="test: differences up to this are ties")
    ] = 0.01,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write every format and figure into a folder")
    ] = None,
    device: Device = "auto",
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Print the leaderboard of stored rows, or write it into a folder with its figures."""
    from bench.boards import board as boards
    from bench.boards.against import against, comparable
    from bench.boards.rows import frame_of
    from bench.render import formats, terminal

    one_of("format", format, FORMATS)
    chosen = suite_of(
        suite,
        detectors=detectors,
        datasets=datasets,
        label=label,
        normal=normal,
        drop=drop,
        protocol=protocol,
        scaler=scaler,
        seeds=seeds,
    )
    wanted = only(only(rows_of(chosen, device, data), "family", family), "kind", kind)
    with open_store(results) as store:
        frame, stale = frame_of(wanted, store.as_kept(), store.renewed)
    compared = None
    with usage():
        made = boards.build(frame, metric=metric, title=chosen.title, stale=stale)
        if reference is not None or (to is not None and comparable(made)):
            compared = against(made, reference, unit=unit, coverage=coverage, margin=margin)
    if to is not None:
        for path in formats.save(made, compared, to):
            say(str(path))
    elif format == "table":
        text = terminal.to_table(made, console().width, console=console(), comparison=compared)
        sys.stdout.write(text)
    else:
        sys.stdout.write(formats.TEXTS[format](made, compared).rstrip("\n") + "\n")


def report(
    suite: SuiteName = "default",
    detectors: Detectors = None,
    datasets: DataSets = None,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    device: Device = "auto",
    results: Results = FOLDER,
    data: Data = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="by default report.html in the results")
    ] = None,
) -> None:
    """Write the stored rows of a suite as one HTML page that needs no network.

    Rows of a suite that is not known here, in a folder of somebody else's, are known by its name.
    """
    from bench.boards import board as boards
    from bench.plan.suite import names
    from bench.report.page import render
    from bench.report.rows import as_stored, chosen_rows
    from bench.store.records import made_for

    with open_store(results) as store:
        stored = list(store.as_kept())
        made = [record for record in stored if made_for(record) == suite]
        if made and suite not in names():
            if any(part is not None for part in (detectors, datasets, protocol, seeds)):
                msg = (
                    f"the suite {suite} is not known here, so all its rows are shown as stored; "
                    "leave out --detectors, --datasets, --protocol and --seeds"
                )
                raise Usage(msg)
            title = suite
            with usage():
                rows, stale, notice = as_stored(suite, made, store.renewed, scaler)
        else:
            told = suite_of(
                suite,
                detectors=detectors,
                datasets=datasets,
                label=label,
                normal=normal,
                drop=drop,
                protocol=protocol,
                scaler=scaler,
                seeds=seeds,
            )
            title = told.title
            with usage():
                wanted = rows_of(told, device, data)
                rows, stale, notice = chosen_rows(told.name, wanted, stored, store.renewed)
        with usage():
            board = boards.build(rows, title=title, stale=stale)
        page = render(board, rows, store.scores, store.details, notice=notice)
    write_file(output or results / "report.html", page)
