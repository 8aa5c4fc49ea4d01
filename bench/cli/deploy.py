"""The commands that use a detector: fit, score and explain."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    EXECUTION,
    OUTPUT,
    Data,
    Drop,
    Format,
    Label,
    Normal,
    Scaler,
    option,
)
from bench.cli.common.output import (
    cannot_write,
    check_file,
    check_folder,
    check_ours,
    console,
    say,
    write_file,
)
from bench.cli.common.selection import own_data
from bench.render.formats import TABLE

if TYPE_CHECKING:
    from bench.deploy.model import Model
    from datasets.samples import Samples

HEAD = ("row", "score", "p_value", "alarm")  # of the file of scores
SHOWN = 3  # columns or squares that an explanation names

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="file that `bench fit` wrote")]
New = Annotated[
    str,
    typer.Argument(
        metavar="NEW", help="table or folder of images like the data of the fit, or a data set"
    ),
]
Rate = Annotated[
    float | None,
    option(
        EXECUTION,
        "SHARE",
        "largest probability of an alarm for a normal; with folds, about that (default: that of "
        "the fit)",
    ),
]

IdColumn = Annotated[
    str,
    option(OUTPUT, "COLUMN", "column that names the rows (default: their number, from 0)", "--id"),
]


def fit(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR", help="name, or path.py:Class")],
    dataset: Annotated[
        str, typer.Argument(metavar="DATA", help="data set, file:PATH, or folder:PATH of images")
    ],
    settings: Annotated[
        list[str] | None,
        option(
            EXECUTION,
            "NAME=VALUE",
            "setting of the detector, as in a suite; may be repeated (default: its defaults)",
            "--set",
        ),
    ] = None,
    output: Annotated[
        Path,
        option(
            OUTPUT,
            "FILE",
            "file of the model (default: model.fathom)",
            "--output",
            "-o",
            callback=check_file,
        ),
    ] = Path("model.fathom"),
    alarm_rate: Annotated[
        float,
        option(
            EXECUTION,
            "SHARE",
            "largest probability of an alarm for a normal; with folds, about that, and less where "
            "normals are few (default: 0.05)",
        ),
    ] = 0.05,
    folds: Annotated[
        int | None,
        option(
            EXECUTION,
            "N",
            "1 holds out a fifth of the normals, which calibrates the alarms; more fit N detectors "
            "and hold out every normal once (default: 1, or 5 where normals are few)",
            min=1,
        ),
    ] = None,
    scaler: Scaler = None,
    seed: Annotated[int, option(EXECUTION, "N", "seed of all draws (default: 0)", min=0)] = 0,
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    data: Data = None,
) -> None:
    """Fit and save a detector for your data, with its alarms.

    With labels it fits on the normal samples, without them on all.
    """
    from bench.deploy.model import accepted
    from bench.deploy.model import fit as fit_model
    from bench.deploy.saving import MANIFEST, save
    from datasets.samples import read

    (name,) = own_data([dataset], label=label, normal=normal, drop=drop) or [dataset]
    check_ours(output, MANIFEST)
    given = _settings(settings or ())
    with _refusals(f"bench fit {detector}"):
        accepted(detector, given)
        samples = read(name, data)
        _say_labels(samples)
        model = fit_model(
            detector,
            samples,
            alarm_rate=alarm_rate,
            folds=folds,
            scaler=scaler,
            seed=seed,
            settings=given,
            note=say,
        )
    try:
        with usage(ValueError):
            save(model, output)
    except OSError as error:
        raise cannot_write(output, error) from error
    above = (
        f"above a score of {model.threshold:.6g}" if model.threshold is not None else "by each fold"
    )
    say(
        f"{output}: {model.label}, fitted on {model.n_trained:,} samples"
        + (f" in each of {len(model.parts)} folds" if len(model.parts) > 1 else "")
        + f"; {model.n_held:,} held out; alarm where p <= {alarm_rate:g}, {above}"
    )
    say(f"next: bench score {output} NEW -o scores.csv")


def score(
    model: ModelFile,
    new: New,
    output: Annotated[
        Path,
        option(
            OUTPUT,
            "FILE",
            "file of scores (default: scores.csv)",
            "--output",
            "-o",
            callback=check_file,
        ),
    ] = Path("scores.csv"),
    alarm_rate: Rate = None,
    fdr: Annotated[
        bool,
        option(
            EXECUTION,
            None,
            "alarms by Benjamini and Hochberg: at most this share of them is false (default: no)",
            "--fdr",
        ),
    ] = False,
    id_column: IdColumn = "",
    data: Data = None,
) -> None:
    """Score new samples by a saved model: scores, p-values, alarms.

    There is a line for each sample, with its p-value as a normal.
    """
    from bench.render.table import csv_text

    mark = ",".join(HEAD[1:])
    check_ours(output, mark)
    found, samples = _opened(model, new, data, id_column)
    with _refusals("bench fit DETECTOR"):
        scores, p = found.score(samples.x)
        alarms = found.alarms(p, alarm_rate, fdr)
    head = [id_column or HEAD[0], *HEAD[1:]]
    lines = zip(samples.ids, scores.tolist(), p.tolist(), alarms.astype(int).tolist(), strict=True)
    write_file(output, csv_text([head, *lines]), mark)
    for note in samples.notes:
        say(f"{new}: {note}")
    rate = alarm_rate or found.alarm_rate
    what = f"{len(p):,} samples; alarms: {int(alarms.sum()):,}"
    say(f"{what}, of which {rate:.0%} may be false" if fdr else f"{what} at a rate of {rate:g}; "
        f"of normals alone, about {rate * len(p):,.0f} were expected")  # fmt: skip


def explain(
    model: ModelFile,
    new: New,
    top: Annotated[
        int, option(OUTPUT, "N", "samples with the highest scores (default: 5)", min=1)
    ] = 5,
    maps: Annotated[
        Path | None,
        option(
            OUTPUT,
            "DIR",
            "folder for the images with their maps (default: none is written)",
            callback=check_folder,
        ),
    ] = None,
    id_column: IdColumn = "",
    format: Format = TABLE,
    data: Data = None,
) -> None:
    """Name the columns or pixels that make the highest scores."""
    import numpy as np

    from bench.deploy.explain import explain as explain_scores
    from bench.deploy.explain import squares
    from bench.render import formats
    from bench.render.shares import named_shares, square_name, write_overlays
    from bench.render.table import Column, Page, Plain, plain

    found, samples = _opened(model, new, data, id_column)
    with _refusals("bench fit DETECTOR"):
        scores, p = found.score(samples.x)
        rows = np.argsort(-scores, kind="stable")[:top]
        shares, means = explain_scores(found, samples.x[rows])
    names = [str(column[0]) for column in found.schema.columns]
    by_name = shares
    if shares.ndim == 3:
        masks = squares(shares.shape[1:])
        names = [square_name(mask) for mask in masks]
        by_name = np.column_stack([shares[:, mask].sum(axis=1) for mask in masks])
    lines = [
        (samples.ids[row], f"{scores[row]:.4g}", f"{p[row]:.2g}", ", ".join(parts[:SHOWN]))
        for row, parts in zip(rows, named_shares(names, by_name), strict=True)
    ]
    columns = (
        Column(id_column or HEAD[0], "name"),
        Column("score"),
        Column("p-value"),
        Column("shares of the score", "prose"),
    )
    notes = (f"By {means}.", *(f"{new}: {note}." for note in samples.notes))
    table = plain("", columns, lines, notes=notes)
    formats.show(Plain(Page(found.label, (table,))), format, console())
    if maps:
        if shares.ndim != 3:
            msg = "--maps is for images, and these are rows of a table"
            raise Usage(msg)
        try:
            ids = [samples.ids[row] for row in rows]
            paths = write_overlays(maps, ids, samples.x[rows], shares)
        except OSError as error:
            raise cannot_write(maps, error) from error
        for path in paths:
            say(str(path))


def _settings(texts: Sequence[str]) -> dict[str, Any]:
    """Return settings from `NAME=VALUE`, as lines of TOML; a text needs no quotes.

    Raises:
        Usage: one has no value, or is given twice.
    """
    lines = []
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            tomllib.loads(text)
            lines.append(text)
        except tomllib.TOMLDecodeError:
            lines.append(f"{name}{equals}{json.dumps(value.strip())}" if equals else text)
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        msg = (
            f"--set {', '.join(texts)}: {error}; give each setting once, such as "
            "--set n_neighbors=10 or --set head.n_neighbors=10"
        )
        raise Usage(msg) from None


def _opened(model: Path, new: str, data: Path | None, id_column: str) -> tuple[Model, Samples]:
    """Return a model and the samples to score."""
    from bench.deploy.saving import load
    from datasets.samples import read_like

    with usage():
        if not model.is_file():
            msg = f"there is no file {model}; `bench fit DETECTOR DATA -o {model}` writes one"
            raise Usage(msg)
        found = load(model)
    with _refusals("bench fit DETECTOR"):
        return found, read_like(new, found.schema, data, id_column)


def _say_labels(samples: Samples) -> None:
    n = len(samples.x)
    if samples.y is None:
        say(f"{samples.schema.name}: no labels, so all {n:,} samples count as normal")
    else:
        n_left = int(samples.y.sum())
        say(f"{samples.schema.name}: {n - n_left:,} normal samples; {n_left:,} anomalies left out")


@contextmanager
def _refusals(command: str) -> Iterator[None]:
    """Turn what data and detectors refuse into `Usage`, with the command that is in use."""
    from detectors.contract import Collapsed, Diverged, Unavailable

    try:
        yield
    except (ValueError, OSError, Collapsed, Diverged, Unavailable) as error:
        raise Usage(str(error).replace("bench data card", command)) from error
