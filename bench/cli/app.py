"""The command `bench`.

Exit status: 0 done, 1 something asked for did not hold, 2 bad usage, 130 interrupted.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from bench.cli import data as data_commands
from bench.cli import reading, reproduce
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

if TYPE_CHECKING:
    from bench.plan.suite import Suite
    from bench.store.records import Wanted
    from bench.tracking.parent_run import Shown

app = typer.Typer(
    name="bench",
    help="Compare anomaly detectors, deep and shallow.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_commands.app, name="data")
app.add_typer(reading.app)
app.add_typer(reproduce.app)
out = Console(width=None if sys.stdout.isatty() else 100, highlight=False, emoji=False)

FORMATS = ("table", "csv", "md", "tex", "bib", "html", "json")
WHAT = ("detectors", "datasets", "suites", "metrics", "protocols", "scalers")

OWN = ("file:", "folder:", "ucr:", "openml/")  # how data of one's own are named


class Usage(ValueError):
    """Raised for bad usage; the message is all that the user sees."""


@app.command()
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

    own = _own(datasets, label=label, normal=normal, drop=drop)
    chosen = _suite(
        suite,
        detectors=detectors,
        datasets=own,
        protocol=protocol,
        scaler=scaler,
        seeds=seeds,
    )
    wanted = _wanted(chosen, device, data)
    options = Options(
        results=results,
        data=data,
        workers=jobs,
        seconds=time_limit,
        memory_mib=_mib(memory_limit),
        retry=_statuses(retry),
        scheduler=scheduler,
    )
    if scheduler is None:
        _need_device(device)
    if dry_run:
        _say_plan(planning.missing(wanted, _stored(results), options.retry), len(wanted))
        return
    whole = (detectors, datasets, protocol, scaler, seeds) == (None,) * 5
    try:
        statuses = run_suite(chosen, wanted, options, out, keep_board=whole)
    except SchedulerError as error:
        raise Usage(str(error)) from error
    if (strict and statuses.keys() - {"ok"}) or statuses.keys() == {"missing"}:
        raise typer.Exit(1)


@app.command()
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

    _one_of("format", format, FORMATS)
    own = _own(datasets, label=label, normal=normal, drop=drop)
    chosen = _suite(
        suite,
        detectors=detectors,
        datasets=own,
        protocol=protocol,
        scaler=scaler,
        seeds=seeds,
    )
    wanted = _of(_of(_wanted(chosen, device, data), "family", family), "kind", kind)
    with _open_store(results) as store:
        frame, stale = frame_of(wanted, store.as_kept(), store.renewed)
    compared = None
    with _usage():
        made = boards.build(frame, metric=metric, title=chosen.title, stale=stale)
        if reference is not None or (to is not None and comparable(made)):
            compared = against(made, reference, unit=unit, coverage=coverage, margin=margin)
    if to is not None:
        for path in formats.save(made, compared, to):
            out.print(str(path), markup=False, soft_wrap=True)
    elif format == "table":
        text = terminal.to_table(made, out.width, console=out, comparison=compared)
        sys.stdout.write(text)
    else:
        sys.stdout.write(formats.TEXTS[format](made, compared).rstrip("\n") + "\n")


def _of(wanted: list[Wanted], what: Literal["family", "kind"], names: str | None) -> list[Wanted]:
    """Return the rows of detectors of some families, or of data of some kinds.

    Raises:
        Usage: there is none of a name.
    """
    from datasets import find
    from detectors.settings import nearest

    if names is None:
        return wanted
    of = {id(row): row.family if what == "family" else find(row.dataset).kind for row in wanted}
    for name in _listed(names) or ():
        there = sorted(set(of.values()))
        if name not in there:
            msg = f"{what}: no row of the suite is {name!r}; {nearest(name, there)}"
            raise Usage(msg)
    return [row for row in wanted if of[id(row)] in (_listed(names) or ())]


@app.command()
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

    own = _own(datasets, label=label, normal=normal, drop=drop)
    with _open_store(results) as store:
        stored = list(store.as_kept())
        made = [record for record in stored if made_for(record) == suite]
        if made and suite not in names():
            if any(part is not None for part in (detectors, own, protocol, seeds)):
                msg = (
                    f"the suite {suite} is not known here, so all its rows are shown as stored; "
                    "leave out --detectors, --datasets, --protocol and --seeds"
                )
                raise Usage(msg)
            title = suite
            with _usage():
                rows, stale, notice = as_stored(suite, made, store.renewed, scaler)
        else:
            told = _suite(
                suite,
                detectors=detectors,
                datasets=own,
                protocol=protocol,
                scaler=scaler,
                seeds=seeds,
            )
            title = told.title
            with _usage():
                wanted = _wanted(told, device, data)
                rows, stale, notice = chosen_rows(told.name, wanted, stored, store.renewed)
        with _usage():
            board = boards.build(rows, title=title, stale=stale)
        page = render(board, rows, store.scores, store.details, notice=notice)
    _write(output or results / "report.html", page)


@app.command("list")
def list_names(
    what: Annotated[str, typer.Argument(help=", ".join(WHAT))] = "detectors",
) -> None:
    """List what there is: detectors, datasets, suites, metrics, protocols or scalers."""
    from bench.cli import listing

    _one_of("list", what, WHAT)
    with _usage():
        table = listing.TABLES[what]()
    out.print(table)


@app.command()
def track(
    suite: Annotated[
        str | None, typer.Argument(help="rows of this suite alone; by default those of all")
    ] = None,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Send MLflow the stored rows that it does not have yet; doubles nothing.

    The rows made for a suite, and those it shares with others, go to its own experiment.
    """
    from bench.store.records import made_for
    from bench.store.store import locked
    from bench.tracking.tracker import replay

    with locked(results), _open_store(results) as store:
        stored = list(store.as_kept())
        suites = sorted(filter(None, {made_for(record) for record in stored}))
        for name in suites if suite is None else [suite]:
            report = replay(store, *_of_suite(name, stored, store.renewed, data))
            if report.problem:
                out.print(report.problem, markup=False, soft_wrap=True)
                raise typer.Exit(1)
            out.print(
                f"{report.experiment}: {report.logged} runs sent to {report.uri}, "
                f"{report.already} were there",
                markup=False,
                soft_wrap=True,
            )


@app.command()
def ui(
    results: Results = FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="port on localhost")] = 5000,
) -> None:
    """Show the tracked runs in MLflow's web interface."""
    from bench.tracking.tracker import ui_command

    with _usage():
        command = ui_command(results, port)
    address = f"http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning"
    out.print(f"when the server is up, open {address}", markup=False, soft_wrap=True)
    sys.stdout.flush()
    os.execv(command[0], command)


@app.command()
def check(spec: Annotated[str, typer.Argument(help="a detector, such as path.py:Class")]) -> None:
    """Hold a detector to the contract that every detector keeps."""
    from bench.run.check import check_contract

    with _usage():
        failed = check_contract(spec, out)
    if failed:
        raise typer.Exit(1)


@app.command()
def debug(
    row: Annotated[str, typer.Argument(help="the first characters of a stored row's key")],
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Run a stored row's detector in this process, without labels, for a debugger."""
    from bench.run.check import debug_row, find_row

    with _open_store(results) as store, _usage():
        stored = find_row(row, store)
    debug_row(stored, data, out)


def main() -> NoReturn:
    """Run the command line; one clear sentence for bad usage, no traceback."""
    try:
        _check_packages()
        _call()
    except Usage as error:
        sys.stderr.write(f"bench: {error}\n")
        sys.exit(2)
    except (SystemExit, KeyboardInterrupt) as error:
        if isinstance(error, SystemExit) and error.code != 130:
            raise
        sys.stderr.write("bench: interrupted; rows that were done are stored\n")
        sys.exit(130)
    sys.exit(0)


def _call() -> None:
    from bench.plan.suite import SuiteError
    from bench.run.sandbox import Death
    from bench.store.store import StoreError

    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        raise Usage(_told(error)) from error
    except (SuiteError, StoreError, Death) as error:
        raise Usage(str(error)) from error
    if status:
        sys.exit(status)


def _told(error: typer.TyperException) -> str:
    """Return in one sentence what typer says of words that a command does not take."""
    text = error.format_message().replace("Value error, ", "").replace("Input should", "it should")
    text = " ".join(text.split()).rstrip(".?")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bench"
    return f"{text[:1].lower()}{text[1:]}; see `{command} --help`"


def _check_packages() -> None:
    """Refuse to go on where another package hides one of the project; tell of one that is hidden.

    Raises:
        Usage: `import datasets`, or `import detectors`, is not of the project.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("detectors", "datasets"):
        found = importlib.util.find_spec(name)
        places = found.submodule_search_locations or [found.origin or ""] if found else [""]
        place = Path(next(iter(places))).resolve()
        if place != home / name:
            msg = (
                f"`import {name}` finds {place}, not the project's {home / name}: another "
                f"package of that name hides it; run `make bench` in an environment of its own"
            )
            raise Usage(msg)
        for folder in dict.fromkeys(Path(entry).resolve() for entry in sys.path):
            other = [folder / name / "__init__.py", folder / f"{name}.py"]
            if folder != home and any(file.is_file() for file in other):
                sys.stderr.write(
                    f"bench: the package {name!r} in {folder} is hidden by the project's; what "
                    f"imports it in this environment gets the wrong one\n"
                )


@contextmanager
def _usage() -> Iterator[None]:
    """Turn what a user's words can raise into one sentence."""
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise Usage(str(error)) from error


def _own(datasets: str | None, **settings: str | None) -> list[str] | None:
    """Return the listed data sets, those of the user's own with the settings in their names."""
    from urllib.parse import urlencode

    names = _listed(datasets)
    told = {key: [value] for key, value in settings.items() if value is not None}
    if "drop" in told:
        told["drop"] = _listed(settings["drop"]) or []
    given = urlencode(told, doseq=True)
    if not given:
        return names
    own = [name for name in names or () if name.startswith(OWN)]
    if not own:
        msg = "--label, --normal and --drop are for data of your own: --datasets file:PATH"
        raise Usage(msg)
    mark = {name: "&" if "?" in name else "?" for name in own}
    return [f"{name}{mark[name]}{given}" if name in own else name for name in names or ()]


def _suite(
    name: str,
    *,
    detectors: str | None = None,
    datasets: list[str] | None = None,
    protocol: str | None = None,
    scaler: str | None = None,
    seeds: str | None = None,
) -> Suite:
    from bench.plan.suite import read, select

    with _usage():
        return select(
            read(name),
            detectors=_listed(detectors),
            datasets=datasets,
            protocol=protocol,
            scaler=scaler,
            seeds=_seeds(seeds),
        )


def _of_suite(
    name: str,
    stored: list[dict[str, Any]],
    renewed: Callable[[Mapping[str, Any]], dict[str, Any]],
    data: Path | None,
) -> tuple[str, list[dict[str, Any]], Callable[[], Shown]]:
    """Return a suite's name, its stored records, and what shows its board where one can be made.

    A suite that was given by its file is known by the rows made for it; it has no board here.
    """
    from bench.boards import board as boards
    from bench.boards.rows import frame_of
    from bench.plan.suite import names
    from bench.store.records import made_for
    from bench.tracking.parent_run import Shown, of_board

    own = [renewed(record) for record in stored if made_for(record) == name]
    if own and name not in names():
        return name, own, Shown
    chosen = _suite(name)
    try:
        wanted = _wanted(chosen, "auto", data)
    except Usage:  # data that are not there: the rows need them not
        return name, own, Shown
    keys = {row.key for row in wanted}
    records = [renewed(r) for r in stored if r["key"] in keys or made_for(r) == chosen.name]
    if keys.isdisjoint(record["key"] for record in records):
        return chosen.name, records, Shown
    frame, stale = frame_of(wanted, records)
    made = boards.build(frame, title=chosen.title, stale=stale)
    return chosen.name, records, lambda: of_board(made)


def _wanted(
    suite: Suite, device: Literal["auto", "cpu", "cuda"], data: Path | None = None
) -> list[Wanted]:
    from bench.plan.planning import wanted_rows

    with _usage():
        return wanted_rows(suite, device, data)


def _need_device(device: str) -> None:
    from bench.plan.planning import has_cuda

    if device == "cuda" and not has_cuda():
        msg = "--device cuda: torch finds no GPU here; use --device cpu, or auto"
        raise Usage(msg)


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError:
        msg = f"--seeds {text!r} is neither a number of seeds nor a list such as 0,1,2"
        raise Usage(msg) from None
    return numbers if "," in text else numbers[0]


def _mib(gib: float | None) -> float | None:
    return None if gib is None else gib * 1024


def _statuses(text: str | None) -> Sequence[str]:
    from bench.store.records import FAILURES

    if text is None:
        return ()
    if text == "all":
        return FAILURES
    for status in text.split(","):
        _one_of("retry", status, FAILURES)
    return text.split(",")


def _one_of(option: str, value: str, known: Sequence[str]) -> None:
    from detectors.settings import nearest

    if value not in known:
        msg = f"{option}: unknown {value!r}; {nearest(value, known)}"
        raise Usage(msg)


@contextmanager
def _open_store(results: Path) -> Iterator[Any]:
    from bench.store.store import STORE, Store

    if not (results / STORE).is_file():
        msg = f"no {STORE} in {results}; run `bench run` first, or name another with --results"
        raise Usage(msg)
    store = Store(results, read_only=True)
    try:
        yield store
    finally:
        store.close()


def _stored(results: Path) -> dict[str, str]:
    from bench.store.store import STORE

    if not (results / STORE).is_file():
        return {}
    with _open_store(results) as store:
        return dict(store.statuses())


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all, and say where it is."""
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; name another file"
        raise Usage(msg) from error
    out.print(str(path), markup=False, soft_wrap=True)


def _say_plan(todo: Sequence[Wanted], n_wanted: int) -> None:
    out.print(f"{n_wanted} rows, {n_wanted - len(todo)} stored, {len(todo)} to run")
    for label in dict.fromkeys(row.label for row in todo):
        n_rows = sum(row.label == label for row in todo)
        out.print(f"  {label}: {n_rows}", markup=False)
