"""Claims with their verdicts as a document, and as a forest plot."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.claims.claim import Claim
from bench.claims.judge import Judged, Judgement
from bench.claims.verdict import MOST, POWER
from bench.metrics import scored
from bench.render.figures import LINE, TEXT, WIDTH, canvas
from bench.render.figures import plain as plain_axes
from bench.render.table import NONE, Column, Document, Page, Table, csv_text, plain
from bench.render.values import finite, limits, share, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WRAP = 50  # characters of a line of a sentence in a figure
# The verdicts, with marker and colour.
VERDICTS = {"supported": ("o", "#0072b2"), "refuted": ("X", "#d55e00"), "undecided": ("D", "0.55")}


@dataclass(frozen=True)
class ClaimsDocument(Document):
    """The verdicts on a file of claims."""

    made: Judgement

    def page(self, *, narrow: bool) -> Page:
        """Return the page: the verdicts, why some are missing, and who claims what."""
        columns = (
            Column("#"), Column("claim", "prose"), Column("verdict", "text"), Column("difference"),
            Column(_level(self.made)), Column("claimed"), Column("families"), Column("more"),
        )  # fmt: skip
        rows = (_row(number, one) for number, one in enumerate(self.made.judged, 1))
        tables = [plain("", columns, rows, text=tuple(_about(self.made)))]
        if reasons := tuple(_reasons(self.made)):
            tables.append(Table("Undecided", notes=reasons))
        contrasts = [
            f"{number}: {contrast(one.claim)}. {one.claim.source}."
            for number, one in enumerate(self.made.judged, 1)
        ]
        tables.append(Table("What is compared, and who says so", notes=tuple(contrasts)))
        tables.append(Table("Notes", notes=(_legend(self.made), *self.made.made_by)))
        return Page(self.made.claims.title, tuple(tables))

    def csv(self) -> str:
        """Return one line for each claim, with numbers of full precision."""
        lines = [_record(one) for one in self.made.judged]
        return csv_text([list(lines[0]), *(list(line.values()) for line in lines)])

    def content(self) -> Any:
        """Return everything that the judgement holds; absent numbers are null."""
        made = self.made
        return finite(
            {
                "title": made.claims.title,
                "sha256": made.claims.digest,
                "error": made.claims.error,
                "rows": made.wanted,
                "missing": made.missing,
                "frozen": made.frozen,
                "rows_before": made.before if made.frozen else None,
                "made_by": made.made_by,
                "claims": [_record(one) for one in made.judged],
            }
        )


def contrast(claim: Claim) -> str:
    """Return what a claim compares, in one line."""
    sides = [", ".join(e.name for e in side) for side in (claim.detectors, claim.against) if side]
    text = " against ".join(sides)
    if claim.against_protocol is not None:
        text += ", change between protocols"
    return f"{scored.get(claim.metric).label} of {text}"


def claimed(claim: Claim) -> str:
    """Return where a claim holds the true difference to be."""
    low, high = claim.region
    if math.isfinite(high):
        return f"\N{PLUS-MINUS SIGN}{share(high)}"
    return f"> {signed(low)}"


def _row(number: int, one: Judged) -> list[object]:
    missing = math.isnan(one.estimate)
    return [
        number,
        one.claim.sentence,
        one.verdict,
        NONE if missing else signed(one.estimate),
        limits(signed, one.low, one.high),
        claimed(one.claim),
        one.families,
        _more(one.more),
    ]


def _more(families: float) -> str:
    if math.isnan(families):
        return NONE
    return f"{families:.0f}" if math.isfinite(families) else f"> {MOST}"


def _about(made: Judgement) -> Iterator[str]:
    counts: Counter[str] = Counter(one.verdict for one in made.judged)
    yield ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS) + "."
    if made.frozen is None:
        when = "not frozen: nobody can say whether the claims stood before the rows were made"
    elif made.before:
        stored = made.wanted - made.missing
        when = f"frozen at {made.frozen}, after {made.before} of {stored} rows were made"
    else:
        when = f"frozen at {made.frozen}, before the rows were made"
    yield f"File {made.claims.name}, sha256 {made.claims.digest[:12]}: {when}."
    if made.missing:
        yield f"{made.missing} of {made.wanted} rows are missing."


def _reasons(made: Judgement) -> Iterator[str]:
    for number, one in enumerate(made.judged, 1):
        if one.reason:
            yield f"{number}: {one.reason}"


def _legend(made: Judgement) -> str:
    level = f"{100 * made.claims.error:g} %"
    return (
        "Differences are paired, averaged over seeds, data sets, then families, which are the "
        "sample. A claim is supported if the interval of its true difference lies within what is "
        "claimed, refuted if it lies outside, by intervals that share an error of "
        f"{level} between the claims (Holm); those printed are of each claim by itself. more: "
        f"families that it would take besides to decide with a chance of {100 * POWER:g} %, at the "
        "present difference and spread."
    )


def _level(made: Judgement) -> str:
    return f"{100 * (1 - made.claims.error):g} %"


def _record(one: Judged) -> dict[str, Any]:
    claim = one.claim
    return {
        "sentence": claim.sentence,
        "source": claim.source,
        "contrast": contrast(claim),
        "metric": claim.metric,
        "analysis": claim.analysis,
        "margin": claim.margin,
        "verdict": one.verdict,
        "difference": one.estimate,
        "low": one.low,
        "high": one.high,
        "families": one.families,
        "datasets": one.datasets,
        "more_families": one.more,
        "reason": one.reason,
    }


def forest(made: Judgement) -> Figure:
    """Return the differences with their intervals, and shaded where each is claimed to be.

    Raises:
        ValueError: no claim has its rows.
    """
    shown = [(n, one) for n, one in enumerate(made.judged, 1) if not math.isnan(one.estimate)]
    if not shown:
        msg = "no claim has all its rows, so there is nothing to draw; see `bench claims --run`"
        raise ValueError(msg)
    texts = [
        textwrap.fill(f"{number}  {one.claim.sentence}", WRAP, subsequent_indent="    ")
        for number, one in shown
    ]
    lines = [one for _, one in shown]
    figure, axes = canvas(WIDTH, sum(LINE * (2 + text.count("\n")) for text in texts) + 0.9)
    numbers = [x for line in lines for x in (line.estimate, line.low, line.high) if np.isfinite(x)]
    edges = [x for line in lines for x in line.claim.region if np.isfinite(x)]
    least, most = min(0.0, *numbers, *edges), max(0.0, *numbers, *edges)
    room = 0.05 * (most - least)
    axes.set_xlim(least - room, most + room)
    for y, line in enumerate(lines):
        low, high = np.clip(line.claim.region, *axes.get_xlim())
        axes.fill_between([low, high], y - 0.4, y + 0.4, color="0.91", linewidth=0)
        marker, color = VERDICTS[line.verdict]
        axes.plot([line.low, line.high], [y, y], color=color, linewidth=1.5, solid_capstyle="butt")
        axes.plot(line.estimate, y, marker=marker, color=color, markersize=5, linestyle="none",
                  label=line.verdict)  # fmt: skip
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_yticks(range(len(lines)), texts, ha="right")
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlabel(
        f"difference of the metric, with its {_level(made)} interval; shaded: what is claimed"
    )
    plain_axes(axes)
    handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    axes.legend(handles.values(), handles.keys(), loc="lower right", bbox_to_anchor=(1.0, 1.0),
                ncols=len(VERDICTS), frameon=False, fontsize=TEXT)  # fmt: skip
    return figure
