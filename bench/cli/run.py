"""The command `bench run`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.errors import Usage
from bench.cli.options import (
    CORES,
    EXECUTION,
    FOLDER,
    Data,
    DataSets,
    Detectors,
    Device,
    Drop,
    Jobs,
    Label,
    MemoryLimit,
    Normal,
    ProtocolName,
    Results,
    Retry,
    Scaler,
    Seeds,
    SuiteName,
    option,
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
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    device: Device = "auto",
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    jobs: Jobs = CORES,
    time_limit: Annotated[
        float,
        option(
            EXECUTION, "SECONDS", "time limit of a fit and of a read-out (default: 600)", min=0.001
        ),
    ] = 600.0,
    memory_limit: MemoryLimit = None,
    retry: Retry = None,
    strict: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "exit 1 unless every row is stored with status ok (default: no)",
            "--strict",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "print how many rows would run, and run none (default: no)",
            "--dry-run",
        ),
    ] = False,
    scheduler: Annotated[
        str | None,
        option(EXECUTION, "ADDRESS", "Dask scheduler to run on (default: this machine)"),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run the missing rows of a suite and print its leaderboard.

    Every row is stored as soon as it ends, so an interrupted run loses only the rows in progress.
    """
    from bench.cli.running import run as run_suite
    from bench.plan import planning
    from bench.run.cluster import SchedulerError
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
        suite_file=Path(suite) if suite.endswith(".toml") else None,
    )
    if scheduler is None:
        need_device(device)
    if dry_run:
        _say_plan(planning.missing(wanted, statuses(results), options.retry), len(wanted))
        return
    whole = (detectors, datasets, protocol, scaler, seeds) == (None,) * 5
    board = _board_command(
        suite,
        {
            "detectors": detectors,
            "datasets": datasets,
            "protocol": protocol,
            "scaler": scaler,
            "seeds": seeds,
            "device": None if device == "auto" else device,
            "label": label,
            "normal": normal,
            "drop": drop,
            "results": None if results == FOLDER else results,
            "data": data,
        },
    )
    try:
        made = run_suite(chosen, wanted, options, console(), keep_board=whole, board_by=board)
    except SchedulerError as error:
        raise Usage(str(error)) from error
    if (strict and made.keys() - {"ok"}) or made.keys() == {"missing"}:
        raise typer.Exit(1)


def _board_command(suite: str, options: Mapping[str, object]) -> str:
    """Return the command that prints the board of a run with these options."""
    given = [(f"--{name}", str(value)) for name, value in options.items() if value is not None]
    return shlex.join(["bench", "board", suite, *(word for pair in given for word in pair)])


def _say_plan(todo: Sequence[Wanted], n_wanted: int) -> None:
    console().print(f"{n_wanted} rows, {n_wanted - len(todo)} stored, {len(todo)} to run")
    for label in dict.fromkeys(row.label for row in todo):
        n_rows = sum(row.label == label for row in todo)
        console().print(f"  {label}: {n_rows}", markup=False)
