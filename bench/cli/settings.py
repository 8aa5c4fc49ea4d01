"""The commands that ask what settings and sizes change: tuning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    FOLDER,
    OUTPUT,
    ROWS,
    Data,
    Device,
    Format,
    Results,
    StoredName,
    option,
)
from bench.cli.common.output import cannot_write, console
from bench.cli.common.selection import rows_of, stored_suite
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE


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
    figure: Annotated[
        Path | None,
        option(OUTPUT, "FILE", "figure to write: .svg, .pdf or .png (default: none)"),
    ] = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Compare methods as distributions over their settings.

    The default, the median, the choices of selectors that see no labels, and the best by labels.
    """
    from bench.boards.rows import frame_of
    from bench.boards.tuning.tuned import tuned
    from bench.metrics.scored import HELD
    from bench.render import formats
    from bench.render.documents.tuning import TuningDocument, draw
    from bench.store.samples import Samples

    with open_store(results) as store:
        chosen, device, data = stored_suite(store, suite, device, data)
        frame, _ = frame_of(rows_of(chosen, device, data), store.as_kept(), store.renewed)
        known = Samples(data)

        def drawn(row: Mapping[str, Any]) -> Any:
            """Return the numbers of the test samples of a row, None if they are not known."""
            found = store.scores_and_held(row["key"])
            rows = None if found is None else known.of(row, found[0])[0]
            return None if found is None or rows is None else rows[found[0] != HELD]

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
    if figure is not None:
        with usage():
            try:
                draw(made, figure)
            except OSError as error:
                raise cannot_write(figure, error) from error
