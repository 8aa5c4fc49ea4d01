"""The command `bench run`."""

from __future__ import annotations

import math
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    CORES,
    EXECUTION,
    FOLDER,
    OUTPUT,
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
    TimeLimit,
    Weights,
    option,
)
from bench.cli.common.output import console, say
from bench.cli.common.selection import failures, mib, need_device, rows_of, suite_of


def run(
    suite: SuiteName = None,
    detectors: Detectors = None,
    datasets: DataSets = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    device: Device = "auto",
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    weights: Weights = None,
    jobs: Jobs = CORES,
    time_limit: TimeLimit = 600.0,
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
            "check settings and data, print what would run and how long, run none (default: no)",
            "--dry-run",
        ),
    ] = False,
    profile: Annotated[
        bool,
        option(
            OUTPUT,
            None,
            "print where the time went, by stage; also in MLflow and on the page (default: no)",
            "--profile",
        ),
    ] = False,
    minutes: Annotated[
        float,
        option(
            EXECUTION,
            "N",
            "start no other job after N minutes; the same command goes on (default: no limit)",
            min=0,
        ),
    ] = math.inf,
    race: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "make no more rows of detectors that are clearly worse than the best (default: no)",
            "--race",
        ),
    ] = False,
    scheduler: Annotated[
        str | None,
        option(EXECUTION, "ADDRESS", "Dask scheduler to run on (default: this machine)"),
    ] = None,
    name: Annotated[
        str | None,
        option(
            OUTPUT,
            "NAME",
            "name of the run, for board, report, compare and export (default: that of the suite, "
            "or a short hash of the options)",
        ),
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run the missing rows of a suite and print its leaderboard.

    Every row is stored as soon as it ends, so an interrupted run loses only the rows in progress.
    """
    from bench.cli.common.running import run as run_suite
    from bench.plan.budget import Budget
    from bench.plan.race import Race
    from bench.plan.suite import named, read
    from bench.run.cluster import SchedulerError
    from bench.run.session import Options
    from bench.store.invocations import Invocation, run_name

    with usage():
        base = read(suite or "default")
    parts = (detectors, datasets, protocol, scaler, seeds, weights)
    is_whole = parts == (None,) * len(parts)
    chosen = suite_of(
        base,
        detectors=detectors,
        datasets=datasets,
        label=label,
        normal=normal,
        drop=drop,
        protocol=protocol,
        scaler=scaler,
        seeds=seeds,
        weights=weights,
    )
    with usage():
        chosen = named(chosen, base if suite or is_whole else None, name)
    wanted = rows_of(chosen, device, data)
    budget: Budget | Race | None = None if chosen.budget is None else Budget(chosen, wanted)
    if race:
        if scheduler or budget or chosen.pixels:
            msg = "--race is for this machine, and for suites without a budget and without pixels"
            raise Usage(msg)
        with usage():
            budget = Race(wanted)
        wanted = budget.rows
    options = Options(
        results=results,
        data=data,
        workers=jobs,
        seconds=time_limit,
        memory_mib=mib(memory_limit),
        retry=failures(retry),
        scheduler=scheduler,
        suite_file=Path(suite) if suite and suite.endswith(".toml") else None,
        minutes=minutes,
        budget=budget,
    )
    if scheduler is None:
        need_device(device)
    if suite is None and (detectors is None) != (datasets is None):
        what = "detectors" if detectors is None else "datasets"
        n, noun = len(getattr(chosen, what)), what.replace("datasets", "data sets")
        say(f"--{what} is not given: taking the {n} {noun} of the suite {base.name}")
    if dry_run:
        from bench.cli.advice.forecast import say_plan

        if not say_plan(wanted, options):
            raise typer.Exit(1)
        return
    now = datetime.now(UTC)
    invocation = Invocation(
        name=chosen.name,
        run=run_name(now),
        date=now.isoformat(),
        command=shlex.join(["bench", *sys.argv[1:]]),
        suite=chosen.model_dump(mode="json"),
        device=device,
        data=None if data is None else str(data.absolute()),
        keys=tuple(row.key for row in wanted),
    )
    board = ["bench", "board", *([] if results == FOLDER else ["--results", str(results)])]
    try:
        made = run_suite(
            chosen,
            wanted,
            options,
            console(),
            keep_board=is_whole or chosen.name != base.name,
            board_by=shlex.join(board),
            invocation=invocation,
            profile=profile,
        )
    except SchedulerError as error:
        raise Usage(str(error)) from error
    if (strict and made.keys() - {"ok"}) or (made.keys() == {"missing"} and math.isinf(minutes)):
        raise typer.Exit(1)
