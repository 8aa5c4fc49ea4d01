"""The commands that compare stored rows over time: compare and history."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bench.cli.errors import one_of, usage
from bench.cli.options import FOLDER, Results
from bench.cli.output import cannot_write, console
from bench.cli.stores import open_store

if TYPE_CHECKING:
    from bench.history.compare import Comparison
    from bench.history.selection import Side
    from bench.store.store import Store

FAIL = "--fail-on-regression"

MetricName = Annotated[str, typer.Option(help="a metric of quality; see `bench list metrics`")]


class OptionalMargin(TyperCommand):
    """A command one of whose options may stand without its value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        if FAIL in given:
            after = given.index(FAIL) + 1
            if not _is_number(given[after : after + 1]):
                given.insert(after, "0")
        return super().parse_args(ctx, given)


def _is_number(texts: list[str]) -> bool:
    try:
        return bool([float(text) for text in texts])
    except ValueError:
        return False


def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="commit, tag, date, run, or results folder")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="what is compared with it")],
    metric: MetricName = "auroc",
    fail_on_regression: Annotated[
        float | None,
        typer.Option(
            FAIL, metavar="[MARGIN]", min=0, help="exit 1 if a detector is worse (by more)"
        ),
    ] = None,
    format: Annotated[str, typer.Option(help="table, json")] = "table",
    results: Results = FOLDER,
) -> None:
    """Compare stored rows: what changed in quality and cost from A to B, and what may be why."""
    from bench.render import comparison

    one_of("format", format, ("table", "json"))
    made = _compared(a, b, metric, results)
    if format == "json":
        sys.stdout.write(comparison.to_json(made) + "\n")
    else:
        comparison.print_comparison(made, console())
    if fail_on_regression is None:
        return
    worse = made.regressions(fail_on_regression)
    if worse:
        told = ", ".join(line.label for line in worse)
        sys.stderr.write(f"bench: worse in {b} than in {a}: {told}\n")
        raise typer.Exit(1)


def _compared(a: str, b: str, metric: str, results: Path) -> Comparison:
    from bench.history import compare as comparing
    from bench.history.selection import find_side, whole_side
    from bench.store.store import STORE

    stores: dict[Path, Store] = {}
    with ExitStack() as stack, usage():

        def side(word: str) -> Side:
            whole = (Path(word) / STORE).is_file()
            folder = Path(word) if whole else results
            if folder not in stores:
                stores[folder] = stack.enter_context(open_store(folder))
            store = stores[folder]
            stored = list(store.as_kept())
            if whole:
                found = whole_side(Path(word), stored, store.details, metric)
            else:
                found = find_side(word, stored, store.details, metric)
            return replace(found, records=list(map(store.renewed, found.records)))

        return comparing.compare(side(a), side(b), metric)


def history(
    detector: Annotated[
        str | None, typer.Argument(help="label or name of a detector; by default all")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="on this data set; by default on all")] = None,
    metric: MetricName = "auroc",
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="draw it, too: .svg, .pdf or .png")
    ] = None,
    results: Results = FOLDER,
) -> None:
    """Print, and draw, a metric over the versions of the code that stored rows were made by."""
    from bench.history.timeline import history as read
    from bench.render import timeline

    with open_store(results) as store, usage():
        lines = read(list(store.as_kept()), detector, dataset, metric, store.renewed)
    timeline.print_history(lines, metric, console())
    if figure is not None:
        with usage():
            try:
                timeline.draw(lines, metric, figure)
            except OSError as error:
                raise cannot_write(figure, error) from error
