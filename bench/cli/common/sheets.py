"""What the commands share that fit a model in this process and write a sheet about it."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common.errors import Usage, usage
from bench.cli.common.output import cannot_write, console, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.render.table import Page
    from bench.store.records import Wanted

N_OF_EACH = 4  # samples of each group of a sheet, unless asked for


def row(
    dataset: str,
    detector: str,
    suite: str | None,
    protocol: str | None,
    scaler: str | None,
    seed: int,
    data: Path | None,
    weights: Path | None,
) -> Wanted:
    """Return the row of a detector on a data set, with a suite's settings if one is given.

    Raises:
        Usage: a name or an option is not accepted.
    """
    import datasets
    from bench.plan import suite as suites
    from bench.plan.planning import wanted_rows

    with usage():
        entry = datasets.find(dataset)
        chosen = suites.build(
            {
                "name": "show", "title": "show", "detectors": [detector], "datasets": [entry.name],
                "protocol": protocol or ("official" if entry.has_official_split else "one-class"),
                "scaler": scaler or ("global-minmax" if entry.kind == "image" else "standard"),
                "seeds": [seed], "pixels": True,
            }
        ) if suite is None else suites.select(
            suites.read(suite), [detector], [entry.name], protocol, scaler, [seed]
        )  # fmt: skip
        if weights is not None:
            chosen = suites.select(chosen, weights=str(weights))
        return wanted_rows(chosen, data=data)[0]


def of_images(rows: Sequence[Wanted], data: Path | None) -> dict[str, list[tuple[str, str, bytes]]]:
    """Return by image data set the sheets of its detectors: label, caption and PNG.

    The first row of each is fitted once more; where that fails, the reason is printed.
    """
    import datasets
    from bench.render.sheet import draw, png
    from bench.run.again.shown import sheet

    firsts = {(row.dataset, row.label): row for row in reversed(rows)}
    found: dict[str, list[tuple[str, str, bytes]]] = {}
    for row in reversed(firsts.values()):
        if datasets.find(row.dataset).kind != "image":
            continue
        try:
            with fitting():
                drawn = sheet(row, data, N_OF_EACH, N_OF_EACH, N_OF_EACH, console())
                picture = png(partial(draw, drawn))
        except Usage as error:
            say(f"no sheet of {row.label} on {row.dataset}: {error}")
        else:
            found.setdefault(row.dataset, []).append((row.label, drawn.caption, picture))
    if not found:
        say("no sheets: none of these rows is stored with status ok and of images")
    return found


def fitting() -> AbstractContextManager[None]:
    """Turn what a fit in this process cannot do, with what it says, into `Usage`."""
    from detectors.contract import Collapsed, Diverged, Unavailable

    return usage(OSError, Unavailable, Diverged, Collapsed)


def write(
    draw: Callable[[], Figure], page: Page, output: Path, name: str, results: Path | None
) -> None:
    """Write a picture as PNG, and with its page as HTML; with `results`, log both to MLflow.

    Raises:
        Usage: the folder cannot be written.
        StoreError: the results folder cannot be used, or a run holds it.
    """
    from bench.render import html
    from bench.render.sheet import png

    picture = png(draw)
    stem = re.sub(r"[^\w.=+-]+", "-", name)
    files = [output / f"{stem}.{ending}" for ending in ("png", "html")]
    for path, content in zip(files, (picture, html.write(page, picture).encode()), strict=True):
        try:
            output.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise cannot_write(path, error) from error
        say(f"written: {path}")
    if results is not None:
        from bench.run.session import opened
        from bench.tracking.sheets import log_sheet

        with opened(results) as store:
            say(log_sheet(store, name, shlex.join(["bench", *sys.argv[1:]]), files))
