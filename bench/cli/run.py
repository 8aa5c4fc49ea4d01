"""The command `bench run`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.errors import Usage
from bench.cli.options import (
    FOLDER,
    Data,
    DataSets,
    Detectors,
    Device,
    Drop,
    Label,
    MemoryLimit,
    Normal,
    ProtocolName,
    Results,
    Retry,
    Scaler,
    Seeds,
    SuiteName,
)
from bench.cli.output import console
from bench.cli.selection import failures, mib, need_device, rows_of, suite_of
from bench.cli.stores import statuses

if TYPE_CHECKING:
    from bench.store.records import Wanted


def run(
    suite: SuiteName = "default",
    detectors: Detectors = None,
    datasets: DataSets = None,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    jobs: Annotated[int, typer.Option(min=1, help="jobs at a time; by default the cores")] = (
        os.cpu_count() or 1
    ),
    time_limit: Annotated[
        float, typer.Option(min=0.001, help="seconds of a fit and of a read-out")
    ] = 600.0,
    memory_limit: MemoryLimit = None,
    device: Device = "auto",
    results: Results = FOLDER,
    data: Data = None,
    retry: Retry = None,
    strict: Annotated[bool, typer.Option(help="exit 1 unless every row is there and ok")] = False,
    dry_run: Annotated[bool, typer.Option(help="say what would run, and stop")] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="run on the Dask cluster of a scheduler")
    ] = None,
) -> None:
    """Run what is missing of a suite, store every row, and print the leaderboard."""
    from bench.cli.running import run as run_suite
    from bench.plan import planning
    from bench.run.execute import SchedulerError
    from bench.run.session import Options

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
    wanted = rows_of(chosen, device, data)
    options = Options(
        results=results,
        data=data,
        workers=jobs,
        seconds=time_limit,
        memory_mib=mib(memory_limit),
        retry=failures(retry),
        scheduler=scheduler,
    )
    if scheduler is None:
        need_device(device)
    if dry_run:
        _say_plan(planning.missing(wanted, statuses(results), options.retry), len(wanted))
        return
    whole = (detectors, datasets, protocol, scaler, seeds) == (None,) * 5
    try:
        made = run_suite(chosen, wanted, options, console(), keep_board=whole)
    except SchedulerError as error:
        raise Usage(str(error)) from error
    if (strict and made.keys() - {"ok"}) or made.keys() == {"missing"}:
        raise typer.Exit(1)


def _say_plan(todo: Sequence[Wanted], n_wanted: int) -> None:
    console().print(f"{n_wanted} rows, {n_wanted - len(todo)} stored, {len(todo)} to run")
    for label in dict.fromkeys(row.label for row in todo):
        n_rows = sum(row.label == label for row in todo)
        console().print(f"  {label}: {n_rows}", markup=False)
