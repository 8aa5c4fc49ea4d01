"""The command `bench`: its commands in the order of its help, and its exit status.

Exit status: 0 done, 1 something asked for did not hold, 2 bad usage, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

import typer

from bench.cli import board, check, data, history, listing, reproduce, run, track, transfer
from bench.cli.errors import Usage
from bench.cli.packages import check_packages

app = typer.Typer(
    name="bench",
    help="Compare anomaly detectors, deep and shallow.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: tuple[Callable[..., None], ...] = (
    run.run,
    board.board,
    board.report,
    listing.list_names,
    track.track,
    track.ui,
    check.check,
    check.debug,
    history.compare,
    history.history,
    transfer.export,
    transfer.merge,
    reproduce.reproduce,
)
NAMES = {listing.list_names: "list"}
CLASSES = {history.compare: history.OptionalMargin}
for command in COMMANDS:
    app.command(NAMES.get(command), cls=CLASSES.get(command))(command)
app.add_typer(data.app, name="data")


def main() -> NoReturn:
    """Run the command line; one clear sentence for bad usage, no traceback."""
    try:
        check_packages()
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
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        raise Usage(_told(error)) from error
    except Exception as error:
        if isinstance(error, _refusals()):
            raise Usage(str(error)) from error
        raise
    if status:
        sys.exit(status)


def _refusals() -> tuple[type[Exception], ...]:
    """Return the errors whose message is all that the user needs."""
    from bench.plan.suite import SuiteError
    from bench.run.sandbox import Death
    from bench.store.store import StoreError

    return SuiteError, StoreError, Death


def _told(error: typer.TyperException) -> str:
    """Return in one sentence what typer says of words that a command does not take."""
    text = error.format_message().replace("Value error, ", "").replace("Input should", "it should")
    text = " ".join(text.split()).rstrip(".?")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bench"
    return f"{text[:1].lower()}{text[1:]}; see `{command} --help`"
