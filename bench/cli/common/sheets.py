"""What the commands share that fit a model in this process and write a sheet about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common.errors import usage
from bench.cli.common.output import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.render.table import Page
    from bench.store.records import Wanted


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


def fitting() -> AbstractContextManager[None]:
    """Turn what a fit in this process cannot do, with what it says, into `Usage`."""
    from detectors.contract import Collapsed, Diverged, Unavailable

    return usage(OSError, Unavailable, Diverged, Collapsed)


def write(draw: Callable[[], Figure], page: Page, output: Path, name: str) -> None:
    """Write a picture as PNG, and with its page as HTML.

    Raises:
        OSError: the folder cannot be written.
    """
    from bench.render import html
    from bench.render.sheet import png

    picture = png(draw)
    stem = re.sub(r"[^\w.=+-]+", "-", name)
    output.mkdir(parents=True, exist_ok=True)
    for ending, content in (("png", picture), ("html", html.write(page, picture).encode())):
        path = output / f"{stem}.{ending}"
        path.write_bytes(content)
        say(f"written: {path}")
