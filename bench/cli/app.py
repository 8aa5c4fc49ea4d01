"""The command `bench`: its commands in the order of its help, and its exit status.

Exit status: 0 done, 1 something asked for did not hold, 2 bad usage, 130 interrupted.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bench.cli import (
    board,
    check,
    claims,
    data,
    deploy,
    history,
    latent,
    listing,
    reproduce,
    run,
    settings,
    shifts,
    show,
    track,
    transfer,
)
from bench.cli.advice import doctor
from bench.cli.advice.next_step import next_step
from bench.cli.common import streams
from bench.cli.common.errors import Usage, with_page
from bench.cli.common.grouped import Command, Group
from bench.cli.common.options import FOLDER, option
from bench.cli.common.output import say
from bench.render.printable import printable

COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Run": {"run": run.run, "reproduce": reproduce.reproduce, "list": listing.list_names},
    "Read": {
        "board": board.board,
        "report": board.report,
        "show": show.show,
        "latent": latent.latent,
        "shifts": shifts.shifts,
        "compare": history.compare,
        "history": history.history,
        "claims": claims.claims,
        "tuning": settings.tuning,
        "crossover": settings.crossover,
        "referee": history.referee,
        "export": transfer.export,
        "merge": transfer.merge,
        "import-scores": transfer.import_scores,
        "capsule": transfer.capsule,
        "verify": transfer.verify,
    },
    "Use": {"fit": deploy.fit, "score": deploy.score, "explain": deploy.explain},
    "Data": {
        "list": data.list_sets,
        "card": data.show_card,
        "fetch": data.fetch,
        "verify": data.verify,
        "audit": data.audit,
        "cache": data.cache,
    },
    "Detectors": {"check": check.check, "debug": check.debug},
    "MLflow": {"track": track.track, "ui": track.ui},
    "Environment": {"doctor": doctor.doctor},
}
CLASSES = {history.compare: history.OptionalMargin}

app = typer.Typer(
    cls=Group,
    name="bench",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for panel, commands in COMMANDS.items():
    group = typer.Typer(
        cls=Group, help="Data sets: list, describe, fetch, verify, audit; the cache of images."
    )
    for name, command in commands.items():
        group.command(name, cls=CLASSES.get(command, Command), rich_help_panel=panel)(command)
    app.add_typer(group, name="data" if panel == "Data" else None)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"fathom {metadata.version('fathom')}")
        raise typer.Exit


@app.callback()
def alone(
    context: typer.Context,
    version: Annotated[
        bool,
        option(
            "Options",
            None,
            "print the version (default: no)",
            "--version",
            callback=_say_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Compare anomaly detectors, deep and shallow. `bench COMMAND --help` explains a command."""
    if context.invoked_subcommand is None:
        say(context.get_help())
        say(f"\nNext: {next_step(FOLDER)}")


def main() -> NoReturn:
    """Run the command line; bad usage gives one sentence and no traceback."""
    output = streams.secure()
    warnings.formatwarning = _plain_warning
    status = _status()
    if sentence := streams.lost(output):
        sys.stderr.write(f"bench: {sentence}\n")
        status = status or 2
    sys.exit(status or 0)


def _plain_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """Return what the project warns of as a sentence, without a line of its source."""
    if category is UserWarning:
        return f"note: {printable(str(message))}\n"
    return _OF_LIBRARIES(message, category, filename, lineno, line)


_OF_LIBRARIES = warnings.formatwarning


def _status() -> int | str | None:
    try:
        _check_packages()
        _call()
    except Usage as error:
        sys.stderr.write(f"bench: {printable(with_page(str(error)))}\n")
        return 2
    except (SystemExit, KeyboardInterrupt) as error:
        if isinstance(error, SystemExit) and error.code != 130:
            return error.code
        line = "interrupted; finished rows are stored, and the same command goes on with the others"
        sys.stderr.write(f"bench: {line}\n")
        return 130
    return 0


def _check_packages() -> None:
    """Refuse to go on if another package hides one of the project, and warn of a hidden one.

    Raises:
        Usage: `import datasets` or `import detectors` finds another package.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("detectors", "datasets"):
        found = importlib.util.find_spec(name)
        places = found.submodule_search_locations or [found.origin or ""] if found else [""]
        place = Path(next(iter(places))).resolve()
        if place != home / name:
            msg = (
                f"`import {name}` finds {place}, not the project's {home / name}: another "
                f"package of that name hides it; run `make bench` in an environment of its own "
                "(docs/troubleshooting.md)"
            )
            raise Usage(msg)
        for folder in dict.fromkeys(Path(entry).resolve() for entry in sys.path):
            other = [folder / name / "__init__.py", folder / f"{name}.py"]
            if folder != home and any(file.is_file() for file in other):
                sys.stderr.write(
                    f"bench: the package {name!r} in {folder} is hidden by the project's; other "
                    f"code in this environment that imports it gets the project's package\n"
                )


def _call() -> None:
    try:
        status = app(sys.argv[1:], prog_name="bench", standalone_mode=False)
    except typer.TyperException as error:
        raise Usage(_sentence(error)) from error
    except MemoryError as error:
        msg = f"memory does not suffice: {error}; take smaller data, or a machine with more of it"
        raise Usage(msg) from error
    except Exception as error:
        if isinstance(error, _refusals()):
            raise Usage(str(error)) from error
        raise
    if status:
        sys.exit(status)


def _refusals() -> tuple[type[Exception], ...]:
    """Return the errors whose message is all that the user needs."""
    from bench.plan.suite import SuiteError
    from bench.run.supervise import Death
    from bench.store.folder import StoreError

    return SuiteError, StoreError, Death


def _sentence(error: typer.TyperException) -> str:
    """Return typer's message on a bad argument or option as one sentence."""
    text = error.format_message().replace("Value error, ", "").replace("Input should", "it should")
    text = " ".join(text.split()).rstrip(".?")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bench"
    return f"{text[:1].lower()}{text[1:]}; see `{command} --help`"
