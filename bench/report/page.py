"""From a board and its stored rows to the text of one HTML page.

The page is a jinja2 template, which escapes all text. Tables and sentences are HTML, so that they
can be read, searched and printed without a script. The page's own script draws the charts from
values that the page carries. A content security policy lets no other script run and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.boards.board import Board, build
from bench.boards.columns import ranked
from bench.boards.words import MARKS, TYPES
from bench.render import html, palette
from bench.render import values as text
from bench.render.printable import printable_all
from bench.render.tables import means
from bench.render.values import records
from bench.report import chart_data, depth, diagrams, sections
from bench.stats import bayes

if TYPE_CHECKING:
    import pandas as pd

    from bench.store.invocations import Profile

HERE = Path(__file__).parent
MARK = '<meta name="generator" content="Fathom">'  # by which a page of ours is recognised
Sheets = Mapping[str, Sequence[tuple[str, str, bytes]]]
SCRIPTS = ("draw.js", "tables.js", "diagrams.js", "costs.js", "curves.js", "fits.js", "page.js")


def render(
    board: Board,
    rows: pd.DataFrame,
    scores: chart_data.Scores,
    details: sections.Details,
    *,
    profiles: Mapping[str, Profile] | None = None,
    notice: str = "",
    sheets: Sheets | None = None,
) -> str:
    """Return the whole page of a board; it needs no other file and no network.

    Args:
        board: of `rows`.
        rows: one line for each row, as `boards.rows.frame_of` returns them; only the board's table
            of protocols shows more than the first protocol of a data set.
        scores: from a row's key to labels and scores (n_test,), None if it has none.
        details: from a row's key to traceback, output, warnings and diagnostics.
        profiles: where the time of runs went, by run.
        notice: a sentence at the top of the page, about rows other than those asked for.
        sheets: by data set, the label of a detector, a caption, and a PNG of samples.
    """
    rows = ranked(rows)
    by_precision = build(rows, metric="lifted_average_precision", title=board.title, scores=scores)
    answer = depth.answer(board, by_precision)
    fits = sections.fits(rows, details)
    chosen = [one.best["label"] for one in answer.types["auroc"]]
    shown, no_diagram = diagrams.diagrams(board, chosen)
    detectors = [{**d, "type": TYPES[d["type"]]} for d in records(board.detectors)]
    sets = records(board.datasets)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    page: str = _template().render(
        board=board,
        notice=notice,
        answer=answer,
        diagrams=shown,
        no_diagram=no_diagram,
        rope=bayes.ROPE,
        axis=_axis([*board.detectors["auroc"], *board.detectors["auroc_low"]]),
        types_axis=_axis([v for t in answer.types["auroc"] for v in (t.low, t.value, t.typical)]),
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
        cells=_cells(board),
        parts=[
            means(board, table, by)
            for by, table in (("protocol", board.protocols), ("kind", board.kinds))
            if len(table)
        ],
        best=sections.best_of_types(board),
        worst=sections.worst(board),
        settings=sections.settings(rows),
        fits=fits,
        failures=sections.failures(board, rows, details),
        cards=sections.cards(board),
        sheets={
            name: [(*texts, base64.b64encode(png).decode()) for *texts, png in of_set]
            for name, of_set in (sheets or {}).items()
        },
        digests=sections.digests(rows),
        provenance=sections.provenance(rows),
        spent=sections.spent(rows, profiles or {}),
        data=printable_all(chart_data.chart_data(board, rows, scores, fits, shown, chosen)),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page


def _template() -> Any:
    environment = html.environment(HERE)
    helpers = (text.share, text.cost, text.fixed, text.whole, text.marks, text.fit_cost)
    environment.filters |= {helper.__name__: helper for helper in helpers}
    environment.filters |= {"signed": text.signed, "reach": text.reach, "place": text.place}
    environment.globals |= {"ends": text.ends, "share": text.share, "signed": text.signed}
    environment.globals |= {"TYPES": TYPES, "MARK": MARK, "MARKS": MARKS, "palette": palette}
    environment.globals |= {"isnan": math.isnan}
    return environment.get_template("template.html")


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis of AUROCs that contains `values` and 1."""
    return math.floor(np.nanmin([*values, 0.9]) * 10) / 10, 1.0


def _cells(board: Board) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the cells of the heat map by label and data set, each with its shade.

    shade: 1 for the best on a data set, 0 for the last, nan for an absent value.
    """
    table = board.cells.copy()
    order = table.groupby("dataset")["value"].rank(ascending=not board.metric.larger_is_better)
    count = table.groupby("dataset")["value"].transform("count")
    table["shade"] = (count - order) / (count - 1).clip(lower=1)
    return {(cell["label"], cell["dataset"]): cell for cell in records(table)}
