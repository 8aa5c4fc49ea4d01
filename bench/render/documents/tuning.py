"""What a choice of settings changes, as a document and as a figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.boards.tuning.tuned import CHOICES, LADDER, ORACLE, Tuned
from bench.render.lines import lines
from bench.render.printable import for_csv
from bench.render.table import NONE, Column, Document, Maker, Page, Record, Table, filled
from bench.render.values import bracketed, cost, finite, fixed, records, share, signed, whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARRED = f"{ORACLE}*"  # labels choose it
NOTES = (
    "default, median and random (the mean) of the configurations of a method, and the one that a "
    "selector takes on each data set without labels. loss: the least loss of held-out training "
    "samples, which compares settings that leave the loss itself as it is. seeds: two seeds, which "
    "draw other training samples, rank the samples that both test most alike. centrality: ranks "
    "samples most like all others. consensus: HITS, with the inverse of a sample's place. "
    "excess-mass, mass-volume: a small region holds most held-out samples; for suites with "
    "`volumes = true`, and few features.",
    f"{STARRED} the best by the labels of the test samples, which nobody has who has to choose: an "
    "upper limit, no result.",
    "Means over seeds, then data sets, then families. sd: over the configurations of a method. "
    "CPU s: of training all of them on a data set with all seeds, one thread each; MiB: the most "
    "memory of one.",
)


@dataclass(frozen=True)
class TuningDocument(Document):
    """Methods as distributions over their settings."""

    made: Tuned

    def page(self, *, narrow: bool) -> Page:
        """Return the page."""
        made = self.made
        return Page(
            f"{made.title}: {made.metric.label}",
            (_methods(made), _gains(made), _ladder(made), Table("Notes", notes=NOTES)),
        )

    def csv(self) -> str:
        """Return one line for each method, six significant digits."""
        return for_csv(self.made.methods).to_csv(
            index=False, float_format="%.6g", lineterminator="\n"
        )

    def content(self) -> Any:
        """Return everything; absent numbers are null."""
        made = self.made
        return finite(
            {
                "title": made.title,
                "metric": made.metric.name,
                "budget": made.budget,
                "oracle": "chosen by the labels of the test samples",
                "over_settings": made.over_settings,
                "over_methods": made.over_methods,
                "missing": made.missing,
                "failed": made.failed,
                **{name: records(getattr(made, name)) for name in ("methods", "gains", "ladder")},
            }
        )


def _about(made: Tuned) -> tuple[str, ...]:
    settings, methods = made.over_settings**2, made.over_methods**2
    texts = [
        f"Standard deviation over the settings of a method {share(made.over_settings)}, over "
        f"methods {share(made.over_methods)}: settings make "
        f"{settings / (settings + methods):.0%} of the variance."
        if methods + settings > 0
        else "Only one method has several configurations, so settings and methods do not compare."
    ]
    if made.budget is not None:
        texts.append(
            f"Configurations whose training started within {made.budget:g} CPU seconds of a method "
            "on a data set."
        )
    if made.missing or made.failed:
        texts.append(f"{made.missing} rows are missing and {made.failed} failed.")
    return tuple(texts)


def _methods(made: Tuned) -> Table:
    def value(name: str) -> Maker:
        head = STARRED if name == ORACLE else name
        return Column(head), lambda line: share(line[name])

    makers: list[Maker] = [
        (Column("method", "name"), lambda line: line["method"]),
        (Column("tried"), lambda line: f"{fixed(line['configurations'], 1)}/{line['tried']:.0f}"),
        *map(value, CHOICES),
        (Column("sd"), lambda line: share(line["spread"])),
        (Column("CPU s"), lambda line: cost(line["seconds"])),
        (Column("MiB"), lambda line: whole(line["peak_mib"])),
    ]
    return filled("", makers, records(made.methods), text=_about(made))


def _gains(made: Tuned) -> Table:
    def gain(other: str) -> Maker:
        def cell(line: Record) -> str:
            low, high = line[f"{other}_low"], line[f"{other}_high"]
            return NONE if math.isnan(line[other]) else bracketed(signed, line[other], low, high)

        return Column(f"against {other} [95 %]"), cell

    makers: list[Maker] = [
        (Column("choice", "name"),
         lambda line: STARRED if line["choice"] == ORACLE else line["choice"]),
        (Column("methods"), lambda line: str(line["methods"])),
        (Column("data sets"), lambda line: str(line["datasets"])),
        gain("default"),
        gain("random"),
    ]  # fmt: skip
    note = (
        "Differences on each data set, averaged over the methods for which the choice can be made; "
        "intervals over families of data sets. A selector has to beat the default and chance."
    )
    title = "What a choice gains"
    return filled(title, makers, records(made.gains), notes=(note,))


def _ladder(made: Tuned) -> Table:
    makers: list[Maker] = [
        (Column("method", "name"), lambda line: line["method"]),
        *((Column(f"{seconds:g} s"), _reached(seconds)) for seconds in LADDER),
    ]
    note = (
        "The best by labels of the configurations whose training had ended, in the order of their "
        "draws, the default first; nothing while there is none on some data set."
    )
    title = f"{STARRED} after CPU seconds of training on each data set"
    return filled(title, makers, records(made.ladder), notes=(note,))


def _reached(seconds: float) -> Callable[[Record], str]:
    return lambda line: share(line[str(seconds)])


def draw(made: Tuned) -> Figure:
    """Return what is reached against CPU seconds."""
    found = {
        line["method"]: [line[str(seconds)] for seconds in LADDER] for line in records(made.ladder)
    }
    label = f"best {made.metric.label} so far, by labels"
    return lines(LADDER, found, "CPU seconds of training on each data set", label)
