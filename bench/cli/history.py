"""The commands that compare results: stored rows over time, and the values of a table."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli.common.errors import Usage, usage
from bench.cli.common.grouped import Command
from bench.cli.common.options import (
    FOLDER,
    OUTPUT,
    ROWS,
    FigureFile,
    Format,
    Results,
    option,
)
from bench.cli.common.output import console, write_figure
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE

if TYPE_CHECKING:
    from bench.history.compare import Comparison
    from bench.history.selection import Side
    from bench.store.store import Store

FAIL = "--fail-on-regression"

MetricName = Annotated[
    str,
    option(OUTPUT, "NAME", "metric of quality, see `bench list metrics` (default: auroc)"),
]


class OptionalMargin(Command):
    """A command with an option whose value may be left out."""

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
        str | None,
        typer.Argument(
            metavar="A",
            help="commit, tag, date, run, its name, or results folder (default: the run before)",
        ),
    ] = None,
    b: Annotated[
        str | None,
        typer.Argument(metavar="B", help="the same, to compare with A (default: the last run)"),
    ] = None,
    metric: MetricName = "auroc",
    fail_on_regression: Annotated[
        float | None,
        option(
            OUTPUT,
            "[MARGIN]",
            "exit 1 if a detector is worse in B, by more than MARGIN if given (default: no)",
            FAIL,
            min=0,
        ),
    ] = None,
    format: Format = TABLE,
    results: Results = FOLDER,
) -> None:
    """Compare stored rows of two commits, dates, runs or folders.

    The comparison lists changes of quality and cost from A to B, and their possible causes.
    """
    from bench.render import formats
    from bench.render.documents.comparison import ComparisonDocument

    made = _compared(a, b, metric, results)
    a, b = (side.name for side in made.sides)
    formats.show(ComparisonDocument(made), format, console())
    if fail_on_regression is None:
        return
    worse = made.regressions(fail_on_regression)
    if worse:
        labels = ", ".join(line.label for line in worse)
        sys.stderr.write(f"bench: worse in {b} than in {a}: {labels}\n")
        raise typer.Exit(1)


def _compared(a: str | None, b: str | None, metric: str, results: Path) -> Comparison:
    from bench.history import compare as comparing
    from bench.history.selection import find_side, run_side, whole_side
    from bench.store.folder import STORE

    stores: dict[Path, Store] = {}
    with ExitStack() as stack, usage():

        def side(word: str | None, back: int) -> Side:
            """Return the side of a word; without one, of the run that is so far back."""
            whole = word is not None and (Path(word) / STORE).is_file()
            folder = Path(word) if word and whole else results
            if folder not in stores:
                stores[folder] = stack.enter_context(open_store(folder))
            store = stores[folder]
            stored = list(store.as_kept())
            if whole:
                found = whole_side(folder, stored, store.details, metric)
            elif len(runs := store.invocations(word, most=back)) == back:
                found = run_side(runs[-1], stored, store.details, metric)
            elif word is None:
                msg = f"no run to compare is recorded in {results}; name a commit, date or folder"
                raise Usage(msg)
            else:
                found = find_side(word, stored, store.details, metric)
            return replace(found, records=list(map(store.renewed, found.records)))

        return comparing.compare(side(a, 2 if a is None else 1), side(b, 1), metric)


def history(
    detector: Annotated[
        str | None,
        typer.Argument(metavar="DETECTOR", help="label or name of a detector (default: all)"),
    ] = None,
    dataset: Annotated[
        str | None,
        option(ROWS, "NAME", "data set (default: all)"),
    ] = None,
    metric: MetricName = "auroc",
    figure: FigureFile = None,
    perf: Annotated[
        bool,
        option(OUTPUT, None, "print what `make perf` measured, by commit (default: no)", "--perf"),
    ] = False,
    format: Format = TABLE,
    results: Results = FOLDER,
) -> None:
    """Print a metric over the versions of the code, or draw it."""
    if perf:
        if detector or dataset or figure or metric != "auroc":
            msg = (
                "--perf shows all measures of speed; of the options it takes --format and --results"
            )
            raise Usage(msg)
        _show_perf(format, results)
        return
    from bench.history.timeline import history as read
    from bench.render import formats
    from bench.render.documents import timeline
    from bench.render.table import Plain

    with open_store(results) as store, usage():
        lines = read(list(store.as_kept()), detector, dataset, metric, store.renewed, store.details)
    formats.show(Plain(timeline.page(lines, metric)), format, console())
    write_figure(figure, lambda: timeline.draw(lines, metric))


def _show_perf(format: str, results: Path) -> None:
    from bench.history.perf import read
    from bench.render import formats
    from bench.render.documents.perf import over_commits
    from bench.render.table import Plain

    with usage():
        lines = read(results)
    formats.show(Plain(over_commits(lines)), format, console())


def referee(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE.csv", help="methods by data sets, as published")
    ],
    metric: MetricName = "auroc",
    methods: Annotated[
        Literal["rows", "columns"],
        option(ROWS, "rows|columns", "where the methods stand in the table (default: rows)"),
    ] = "rows",
    reference: Annotated[
        str | None,
        option(
            ROWS, "METHOD", "method to test all others against (default: the best)", "--against"
        ),
    ] = None,
    coverage: Annotated[
        Literal["complete", "common"],
        option(
            ROWS,
            "complete|common",
            "missing values: drop the method (complete, the default) or the data set (common)",
        ),
    ] = "complete",
    format: Format = TABLE,
) -> None:
    """Give a published table the statistics of our boards.

    Who is really better, what is missing, which data sets decide. Nothing is run or stored.
    """
    from bench.boards import board as boards
    from bench.boards.against import against
    from bench.boards.referee import read
    from bench.metrics.scored import of_quality
    from bench.render import formats
    from bench.render.documents.referee import RefereeDocument
    from datasets.formats.source import refuse_encoding

    with usage(OSError):
        chosen = of_quality(metric).name
        refuse_encoding(table)
        found = read(table.read_text("utf-8-sig"), chosen, in_columns=methods == "columns")
        made = boards.build(found.rows, metric=chosen, title=table.stem)
        compared = against(made, reference, coverage=coverage)
    formats.show(RefereeDocument(made, compared, found.notes), format, console())
