"""From a board and its stored rows to the text of one HTML page.

The page is a jinja2 template, which escapes every word it is given; tables and sentences are HTML,
so that they can be read, searched and printed without a script. Figures are drawn by the page's
own script from numbers that the page carries. A content security policy lets no other script run
and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench import render as text
from bench.board import KINDS, Board
from bench.render import records
from bench.report import curves, depth, facts

if TYPE_CHECKING:
    import pandas as pd

Scores = Callable[[str], tuple[NDArray[np.int8], NDArray[np.float64]] | None]

HERE = Path(__file__).parent
SCRIPTS = ("draw.js", "tables.js", "costs.js", "curves.js", "page.js")
MAX_CURVES = 2500  # detectors times data sets; each takes 1.1 kB
METRIC_COLUMNS = ("auroc", "lifted_average_precision")


def render(
    board: Board, rows: pd.DataFrame, scores: Scores, details: facts.Details, *, notice: str = ""
) -> str:
    """Return the page of a board, whole: it needs no other file and no network.

    Args:
        board: of `rows`.
        rows: one line per wanted row, as `plan.frame` gives them; rows under other protocols
            than the board's are left to its table of protocols.
        scores: from a row's key to labels and scores (n_test,), None where it has none.
        details: from a row's key to traceback, output, warnings and diagnostics.
        notice: a sentence that stands above all, on rows that are not what was asked for.
    """
    rows = rows[rows["protocol"] == board.protocol]
    answer = depth.answer(board, rows)
    fits = facts.fits(rows, details)
    chosen = [kind.best["label"] for kind in answer.kinds["auroc"]]
    data = _data(board, rows, scores, fits, chosen)
    detectors, sets = records(board.detectors), records(board.datasets)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    page: str = _template().render(
        board=board,
        notice=notice,
        answer=answer,
        axis=_axis(board),
        detectors=detectors,
        sets=sets,
        short=dict(
            zip(
                board.datasets["dataset"],
                text.short_names(list(board.datasets["dataset"])),
                strict=True,
            )
        ),
        place={d["dataset"]: i for i, d in enumerate(sets)},
        position={d["label"]: i for i, d in enumerate(detectors)},
        cells=_cells(board, rows),
        protocols=text.protocol_table(board) if len(board.protocols) else None,
        worst=facts.worst(board),
        settings=facts.settings(rows),
        fits=fits,
        failures=facts.failures(board, rows, details),
        cards=facts.cards(board),
        digests=facts.digests(rows),
        provenance=facts.provenance(rows),
        data=data,
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers = (text.share, text.cost, text.fixed, text.whole, text.marks, text.fit_cost)
    environment.filters |= {helper.__name__: helper for helper in helpers}
    environment.filters |= {"signed": depth.signed, "reach": text.reach}
    environment.globals |= {"KINDS": KINDS, "isnan": math.isnan, "columns": METRIC_COLUMNS}
    return environment.get_template("template.html")


def _axis(board: Board) -> tuple[float, float]:
    """Return the ends of the axis on which intervals of AUROC are drawn."""
    lowest = np.nanmin(board.detectors[["auroc", "auroc_low"]].to_numpy(float), initial=0.9)
    return math.floor(lowest * 10) / 10, 1.0


def _cells(board: Board, rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the cells of the heat map by label and data set, each with its shade and word.

    shade: 1 for the best of a data set, 0 for the last; nan where there is no value. word: what
    stands in a cell without one, the status most of its rows ended with.
    """
    table = board.cells.copy()
    order = table.groupby("dataset")["value"].rank(ascending=not board.metric.larger_is_better)
    count = table.groupby("dataset")["value"].transform("count")
    table["shade"] = (count - order) / (count - 1).clip(lower=1)
    failed = rows[rows["status"] != "ok"]
    words = failed.groupby(["label", "dataset"])["status"].agg(lambda s: s.mode().iloc[0])
    best = dict(zip(board.datasets["dataset"], board.datasets["best_value"], strict=True))
    return {
        (cell["label"], cell["dataset"]): {
            **cell,
            "word": words.get((cell["label"], cell["dataset"]), text.NONE),
            "best": abs(cell["value"] - best[cell["dataset"]]) < 1e-9,
        }
        for cell in records(table)
    }


def _data(
    board: Board, rows: pd.DataFrame, scores: Scores, fits: Mapping[str, Any], chosen: Sequence[str]
) -> dict[str, Any]:
    """Return the numbers that the page's script draws from; null where there is none."""
    labels = list(board.detectors["label"])
    names = list(board.datasets["dataset"])
    wanted = list(dict.fromkeys([*chosen, *labels]))
    wanted = wanted[: max(len(chosen), MAX_CURVES // len(names))]
    return {
        "grid": {
            "fpr": curves.FALSE_POSITIVE_RATES.round(6).tolist(),
            "recall": curves.RECALLS.round(6).tolist(),
            "bins": curves.BINS,
        },
        "chosen": [labels.index(label) for label in chosen],
        "detectors": [
            {
                "label": d["label"], "kind": d["kind"], "complete": d["rows_ok"] == d["rows"],
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
    keys = ok.groupby("label")["key"].agg(list)
    figures = ok.groupby("label")[["auroc", "average_precision"]].mean()
    there, ends, values, packed = [], [], [], []
    for label in wanted:
        found = [pair for key in keys.get(label, ()) if (pair := scores(key))]
        if found:
            one = curves.average(found)
            there.append(labels.index(label))
            ends.append([round(one.low, 4), round(one.high, 4)])
            values.append([_number(v) for v in figures.loc[label].to_list()])
            packed.append(one.packed())
    return {
        "detectors": there,
        "ends": ends,
        "values": values,
        "prevalence": _number(ok["prevalence"].mean()) if len(ok) else None,
        "packed": base64.b64encode(b"".join(packed)).decode(),
    }


def _number(value: float) -> float | None:
    """Return a number of six digits; None for nan, which JSON has no word for."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
