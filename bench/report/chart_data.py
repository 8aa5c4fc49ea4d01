"""The values that the page carries for its script to draw its charts from."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.boards.board import Board
from bench.boards.words import TYPES
from bench.render import figures
from bench.render.values import records
from bench.report import curves
from bench.report.diagrams import Diagram

if TYPE_CHECKING:
    import pandas as pd

Scores = Callable[[str], tuple[NDArray[np.int8], NDArray[np.float64]] | None]

MAX_CURVES = 2500  # detectors times data sets; each takes 1.1 kB


def chart_data(
    board: Board,
    rows: pd.DataFrame,
    scores: Scores,
    fits: Mapping[str, Any],
    shown: Sequence[Diagram],
    chosen: Sequence[str],
) -> dict[str, Any]:
    """Return the values that the page's script draws from; None for an absent number.

    Args:
        board: of `rows`.
        rows: that the board ranks by.
        scores: from a row's key to labels and scores (n_test,), None if it has none.
        fits: of `sections.fits`.
        shown: of `diagrams.diagrams`.
        chosen: labels of the detectors whose curves are shown at first; the page always has these.
    """
    labels = list(board.detectors["label"])
    types = dict(zip(labels, board.detectors["type"].map(TYPES), strict=True))
    names = list(board.datasets["dataset"])
    wanted = list(dict.fromkeys([*chosen, *labels]))
    wanted = wanted[: max(len(chosen), MAX_CURVES // len(names))]
    return {
        "grid": {
            "fpr": curves.FALSE_POSITIVE_RATES.round(6).tolist(),
            "recall": curves.RECALLS.round(6).tolist(),
            "bins": curves.BINS,
        },
        "left_out": len(labels) - len(wanted),  # detectors without curves, to keep the page small
        "diagrams": [_diagram(one, types) for one in shown],
        "chosen": [labels.index(label) for label in chosen],
        "fronts": {
            cost: [labels.index(label) for label in figures.front(board, cost)]
            for cost in ("fit_seconds", "score_us")
        },
        "detectors": [
            {
                "label": d["label"], "type": types[d["label"]],
                "complete": d["rows_ok"] == d["rows"],
                **{k: _number(d[k]) for k in ("auroc", "auroc_low", "auroc_high")},
                **{k: _number(d[f"median_{k}"]) for k in ("fit_seconds", "score_us")},
                "curves": fits.get(d["label"], {}).get("curves", {}),
            }
            for d in records(board.detectors)
        ],
        "datasets": [
            {"name": name, **_curves(rows[rows["dataset"] == name], wanted, labels, scores)}
            for name in names
        ],
    }  # fmt: skip


def _curves(
    rows: pd.DataFrame, wanted: Sequence[str], labels: Sequence[str], scores: Scores
) -> dict[str, Any]:
    """Return the curves of the wanted detectors on one data set, packed in one text."""
    ok = rows[rows["status"] == "ok"]
    by_label: dict[str, list[dict[str, Any]]] = {}
    for row in records(ok[["label", "key", "auroc", "average_precision"]]):
        by_label.setdefault(row["label"], []).append(row)
    there, ends, values, packed = [], [], [], []
    for label in wanted:
        own = by_label.get(label, [])
        found = [pair for row in own if (pair := scores(row["key"]))]
        if found:
            one = curves.average(found)
            there.append(labels.index(label))
            ends.append([round(one.low, 4), round(one.high, 4)])
            means = (np.mean([r[name] for r in own]) for name in ("auroc", "average_precision"))
            values.append([_number(float(mean)) for mean in means])
            packed.append(one.packed())
    return {
        "detectors": there,
        "ends": ends,
        "values": values,
        "prevalence": _number(float(ok["prevalence"].mean())) if len(ok) else None,
        "packed": base64.b64encode(b"".join(packed)).decode(),
    }


def _diagram(one: Diagram, types: Mapping[str, str]) -> dict[str, Any]:
    """Return what the script draws a critical-difference diagram from."""
    return {
        "unit": one.unit,
        "labels": one.labels,
        "types": [types[label] for label in one.labels],
        "ranks": one.mean_ranks,
        "difference": one.difference,
        "cliques": one.cliques,
    }


def _number(value: float) -> float | None:
    """Return a number as it is, for the script to round as Python does; None for nan."""
    return float(value) if math.isfinite(value) else None
