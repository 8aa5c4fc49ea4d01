"""The commands that ask what settings, and what sizes of data change: tuning, crossover."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    CORES,
    FOLDER,
    MOST,
    OUTPUT,
    ROWS,
    Data,
    DataSets,
    Device,
    FigureFile,
    Format,
    Jobs,
    MostRows,
    Results,
    RunFirst,
    Seeds,
    StoredName,
    option,
)
from bench.cli.common.output import (
    check_file,
    console,
    console_of_progress,
    write_figure,
    write_file,
)
from bench.cli.common.selection import need_device, need_few, rows_of, stored_suite, suite_of
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE

ROWS_LADDER = "50,100,200,500,1000"
SHARES = "0,0.01,0.05,0.1"


def tuning(
    suite: StoredName = None,
    metric: Annotated[
        str,
        option(OUTPUT, "NAME", "metric of quality, see `bench list metrics` (default: auroc)"),
    ] = "auroc",
    budget: Annotated[
        float | None,
        option(
            ROWS,
            "SECONDS",
            "CPU seconds of training of a method on a data set, after which no configuration "
            "counts (default: that of the suite)",
            min=0.001,
        ),
    ] = None,
    device: Device = "auto",
    figure: FigureFile = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Compare methods as distributions over their settings.

    The default, the median, the choices of selectors that see no labels, and the best by labels.
    """
    from bench.boards.rows import frame_of
    from bench.boards.tuning.tuned import tuned
    from bench.render import formats
    from bench.render.documents.tuning import TuningDocument, draw
    from bench.store.samples import Samples

    with open_store(results) as store:
        chosen, device, data = stored_suite(store, suite, device, data)
        frame, _ = frame_of(rows_of(chosen, device, data), store.as_kept(), store.renewed)
        known = Samples(data)

        def drawn(row: Mapping[str, Any]) -> Any:
            """Return the numbers of the test samples of a row, None if they are not known."""
            found = store.scores(row["key"])
            return None if found is None else known.of(row, found[0])[0]

        if not chosen.varied:
            msg = (
                f"{chosen.name} has no detector with several configurations; give one "
                "`configurations = 20` and lists or ranges of settings, or read `settings`"
            )
            raise Usage(msg)
        with usage():
            made = tuned(
                frame,
                chosen.varied,
                metric=metric,
                title=chosen.title,
                budget=budget or chosen.budget,
                scores=store.scores,
                details=store.details,
                samples=drawn,
            )
    formats.show(TuningDocument(made), format, console())
    write_figure(figure, lambda: draw(made))


def crossover(
    deep: Annotated[str, typer.Argument(metavar="DEEP", help="a detector")],
    shallow: Annotated[str, typer.Argument(metavar="SHALLOW", help="what it is compared with")],
    datasets: DataSets = None,
    seeds: Seeds = None,
    rows: Annotated[
        str,
        option(ROWS, "N,...", f"numbers of training rows, then all (default: {ROWS_LADDER})"),
    ] = ROWS_LADDER,
    shares: Annotated[
        str,
        option(ROWS, "X,...", f"shares of anomalies among 200 training rows (default: {SHARES})"),
    ] = SHARES,
    run: RunFirst = False,
    most: MostRows = MOST,
    device: Device = "auto",
    jobs: Jobs = CORES,
    figure: FigureFile = None,
    claims: Annotated[
        Path | None,
        option(
            OUTPUT,
            "FILE.toml",
            "claims to write, for `bench claims` (default: none)",
            callback=check_file,
        ),
    ] = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Ask from where on a deep detector beats a shallow one.

    AUROC and chance-adjusted AP against training rows, features, and anomalies in training.
    """
    from bench.boards.crossover import crossover as compared
    from bench.boards.crossover import protocols
    from bench.boards.rows import frame_of
    from bench.render import formats
    from bench.render.documents.crossover import CrossoverDocument, draw
    from bench.render.documents.crossover import claims as written
    from datasets import find

    if claims is not None and claims.suffix != ".toml":
        msg = f"--claims {str(claims)!r} takes a .toml file, which `bench claims` reads"
        raise Usage(msg)
    ladder, parts = _ascending("rows", rows, int), _ascending("shares", shares, float)
    base = suite_of("default", detectors=[deep, shallow], datasets=datasets, seeds=seeds)
    with usage():
        under = tuple(protocols(ladder, parts))
    chosen = base.model_copy(
        update={"name": "crossover", "title": f"{deep} against {shallow}", "protocol": under}
    )
    wanted = rows_of(chosen, device, data)
    if claims is not None and any(entrant.settings for entrant in chosen.detectors):
        msg = f"--claims takes detectors without settings; {deep} or {shallow} has some"
        raise Usage(msg)
    if run:
        from bench.cli.common.running import run as run_suite
        from bench.run.session import Options

        need_few(len(wanted), most)
        need_device(device)
        options = Options(results, data, jobs, 600.0, None, (), None)
        shown_on = console_of_progress(is_piped=format != TABLE)
        run_suite(chosen, wanted, options, shown_on, keep_board=False)
    with open_store(results) as store:
        frame, _ = frame_of(wanted, store.as_kept(), store.renewed)
    first, second = chosen.detectors
    sets = [member.name for member in chosen.datasets]
    facts = {name: find(name).facts for name in sets}
    sizes = {name: math.prod(found.shape) for name, found in facts.items() if found}
    with usage():
        axes = compared(frame, first.name, second.name, ladder, parts, sizes)
    document = CrossoverDocument(first.name, second.name, axes)
    formats.show(document, format, console())
    write_figure(figure, lambda: draw(document))
    if claims is not None:
        text = written(first.spec, second.spec, sets, chosen.seeds, under[0])
        write_file(claims, text, "bench crossover")


def _ascending(name: str, text: str, kind: type[int] | type[float]) -> list[Any]:
    """Return the different numbers of a list, ascending.

    Raises:
        Usage: one is no number, or out of range.
    """
    try:
        found = sorted({kind(part) for part in text.split(",") if part.strip()})
    except ValueError:
        found = []
    least, most = (1, math.inf) if kind is int else (0, 0.99)
    if not found or not least <= found[0] <= found[-1] <= most:
        of = (
            "numbers from 1, such as 50,100,500" if kind is int else "shares of 0 to .99, as 0,0.05"
        )
        msg = f"--{name} {text!r} is not accepted; give {of}"
        raise Usage(msg)
    return found
