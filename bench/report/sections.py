"""The text of the page below its board: settings, fits, failures, cards and provenance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

import datasets
from bench.boards.board import Board
from bench.boards.words import MARKS, TYPES
from bench.plan.stages import STAGES
from bench.protocols.papers import PUBLISHED
from bench.render.documents.profile import profile as profile_table
from bench.render.percent import percent
from bench.render.table import Cell, Column, Maker, Record, Table, filled
from bench.render.values import format_of, records
from bench.store.invocations import Profile
from bench.store.records import canonical
from datasets.entry import OFFICIAL

Details = Callable[[str], Mapping[str, Any]]

N_WORST = 6
EXCERPT = 12  # lines of a traceback, its last
EPOCHS_SHOWN = 60  # points of a curve
ORIGINS = (
    "commit", "suite", "run", "machine", "processor", "cores", "system", "python",
)  # fmt: skip


def worst(board: Board) -> dict[str, Table]:
    """Return for each detector the data sets where it is furthest behind the best, worst first."""
    label, value = board.metric.label, format_of(board.metric.name)
    best = {d["dataset"]: d for d in records(board.datasets)}
    found: dict[str, list[Record]] = {label: [] for label in board.detectors["label"]}
    for cell in records(board.cells):
        top = best[cell["dataset"]]
        gap = abs(top["best_value"] - cell["value"])
        if gap > 1e-9:  # not the best itself, and not without a value
            found[cell["label"]].append({**top, **cell, "best": top["best"], "gap": gap})

    def shown(cell: Record) -> Cell:
        return Cell(value(cell["value"]), tail=MARKS["inverted"] if cell["inverted"] else "")

    makers: list[Maker] = [
        (Column("data set", "name"), lambda c: c["dataset"]),
        (Column(label), shown),
        (Column("behind"), lambda c: value(c["gap"])),
        (Column("best", "name"), lambda c: Cell(c["best"], code=True)),
        (Column(label), lambda c: value(c["best_value"])),
    ]
    return {
        label: filled("", makers, sorted(cells, key=lambda cell: -cell["gap"])[:N_WORST])
        for label, cells in found.items()
    }


def best_of_types(board: Board) -> dict[str, Table]:
    """Return for each data set the best detector of each type."""
    value = format_of(board.metric.name)
    columns = (Column("type", "text"), Column("best", "name"), Column(board.metric.label))

    def rows(d: Record) -> Iterator[tuple[Cell, ...]]:
        for stored, name in TYPES.items():
            if best := d[f"best_{stored}"]:
                yield Cell(name), Cell(best, code=True), Cell(value(d[f"best_{stored}_value"]))

    return {d["dataset"]: Table("", columns, tuple(rows(d))) for d in records(board.datasets)}


def settings(rows: pd.DataFrame) -> dict[str, list[tuple[str, str, bool]]]:
    """Return for each detector its settings, those of a head as `head.NAME`, the explicit first.

    Each has its name, its value and whether it is explicit; rows of earlier versions have only
    these. Values that differ by data set, as those that cards declare do, stand beside each other.
    """
    known = rows["effective_settings"]
    found: dict[str, list[tuple[str, str, bool]]] = {}
    values: dict[tuple[str, str], dict[str, None]] = {}  # each once, in their order
    for label, given, all_of in zip(rows["label"], rows["settings"], known, strict=True):
        explicit = dict(_flat(given))
        others = dict(_flat(all_of)) if isinstance(all_of, Mapping) else {}
        if len(found.get(label, ())) < len(others | explicit) or label not in found:
            found[label] = [
                (name, canonical(value), name in explicit)
                for name, value in (explicit | others | explicit).items()
            ]
        for name, value in explicit.items():
            values.setdefault((label, name), {})[canonical(value)] = None
    return {
        label: [
            (name, " or ".join(values.get((label, name), [value])), is_explicit)
            for name, value, is_explicit in shown
        ]
        for label, shown in found.items()
    }


def _flat(given: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def fits(rows: pd.DataFrame, details: Details) -> dict[str, dict[str, Any]]:
    """Return the diagnostics of detectors' fits: by label, "medians" and "curves".

    medians: over rows, by name. curves: by name and data set, the mean over seeds of each epoch
    that all seeds reached, thinned to EPOCHS_SHOWN points as (epoch, value). Detectors without
    diagnostics are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    by_model: dict[str, Mapping[str, Any]] = {}  # the read-outs of a model share its fit
    for row in records(rows[rows["status"] == "ok"]):
        own = {k: v for k, v in row["settings"].items() if k != "head"}
        names = ("model", "dataset", "protocol", "scaler", "seed")
        model = canonical([own, *(row[name] for name in names)])
        if model not in by_model:
            by_model[model] = details(row["key"]).get("diagnostics") or {}
        for name, value in by_model[model].items():
            fit = found.setdefault(row["label"], {"medians": {}, "curves": {}})
            if isinstance(value, list):
                fit["curves"].setdefault(name, {}).setdefault(row["dataset"], []).append(value)
            else:
                fit["medians"].setdefault(name, []).append(value)
    for fit in found.values():
        fit["medians"] = {name: float(np.median(v)) for name, v in fit["medians"].items()}
        fit["curves"] = {
            name: {dataset: _mean_curve(seeds) for dataset, seeds in by_dataset.items()}
            for name, by_dataset in fit["curves"].items()
        }
    return found


def _mean_curve(seeds: Sequence[Sequence[float]]) -> list[tuple[int, float]]:
    length = min(map(len, seeds))
    if not length:
        return []
    mean = np.mean([seed[:length] for seed in seeds], axis=0)
    shown = np.unique(np.linspace(0, length - 1, min(length, EPOCHS_SHOWN)).astype(int))
    return [(int(i) + 1, float(f"{mean[i]:.4g}")) for i in shown if np.isfinite(mean[i])]


def failures(board: Board, rows: pd.DataFrame, details: Details) -> list[dict[str, Any]]:
    """Return the lines of `Board.failures`, each with one row's key and the end of its traceback.

    The last lines are of rows that are wanted and not stored; their status is "missing".
    """
    reasons = rows["reason"].astype(str).str.strip().str.partition("\n")[0]
    lines = []
    for line in records(board.failures):
        same = (rows["label"] == line["label"]) & (rows["status"] == line["status"])
        key = str(rows.loc[same & (reasons == line["reason"]), "key"].iloc[0])
        found = details(key)
        text = str(found.get("traceback") or found.get("output") or "").rstrip().splitlines()
        lines.append({**line, "key": key[:8], "excerpt": "\n".join(text[-EXCERPT:])})
    absent = rows[rows["status"] == "missing"].groupby("label", sort=True)["dataset"]
    for label, names in absent:
        lines.append({"label": label, "status": "missing", "rows": len(names), "key": "",
                      "reason": "not stored; `bench run` runs what is missing",
                      "datasets": sorted(set(names)), "excerpt": ""})  # fmt: skip
    return lines


def cards(board: Board) -> dict[str, dict[str, Any]]:
    """Return the catalogue's card of each data set that it knows.

    Issues of the official split are left out where the rows are of a random one.
    """
    protocol = board.protocol.partition("(")[0]
    is_official = protocol == "official" or protocol in PUBLISHED
    found = {}
    for name in board.datasets["dataset"]:
        try:
            entry = datasets.find(name)
        except ValueError:  # the rows are of a project with other data sets
            continue
        facts = entry.facts
        found[name] = {
            "kind": f"{entry.kind}, generated" if entry.synthetic else entry.kind,
            "samples": facts and f"{facts.n:,} of {' x '.join(map(str, facts.shape))}",
            "anomalies": facts and f"{facts.n_anomalies:,} ({percent(facts.n_anomalies, facts.n)})",
            "duplicates": facts and facts.duplicates is not None and f"{facts.duplicates:,}",
            "source": entry.source,
            "licence": entry.licence,
            "citation": entry.citation,
            "known_issues": [
                issue
                for issue in entry.known_issues
                if is_official or not issue.startswith(OFFICIAL)
            ],
        }
    return found


def provenance(rows: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Return by name (commit, machine, versions ...) the values in the rows, with their counts.

    The most frequent value comes first. The dates are the first and the last.
    """
    origins = [p for p in rows["provenance"] if isinstance(p, Mapping)]
    found: dict[str, dict[str, int]] = {name: {} for name in (*ORIGINS, "versions")}
    for origin in origins:
        for name in ORIGINS:
            value = str(origin.get(name, "")) or "unknown"
            if name == "commit" and origin.get("dirty"):
                value += " with uncommitted changes"
            found[name][value] = found[name].get(value, 0) + 1
        versions = ", ".join(f"{k} {v}" for k, v in sorted(origin.get("versions", {}).items()))
        found["versions"][versions] = found["versions"].get(versions, 0) + 1
    dates = sorted(rows["date"].dropna().astype(str))
    counted = {
        name: sorted(values.items(), key=lambda item: -item[1]) for name, values in found.items()
    }
    if dates:
        span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        counted["date"] = [(span, len(dates))]
    return {name: values for name, values in counted.items() if values}


def spent(rows: pd.DataFrame, profiles: Mapping[str, Profile]) -> Table | None:
    """Return where the time of the profiled runs went that made rows, None if there is none."""
    runs = {p.get("run") for p in rows["provenance"] if isinstance(p, Mapping)}
    found = [profile for run, profile in profiles.items() if run in runs]
    seconds = {name: sum(one.seconds.get(name, 0.0) for one in found) for name in STAGES}
    return profile_table(seconds, sum(one.n_rows for one in found)) if found else None


def digests(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the sha256 of each data set's content; several if rows were made from several."""
    found: dict[str, set[str]] = {}
    for name, digest in zip(rows["dataset"], rows["data_sha256"], strict=True):
        found.setdefault(name, set()).add(str(digest))
    return {name: sorted(values) for name, values in found.items()}
