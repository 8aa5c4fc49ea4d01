"""False alarms on shifted normal images, as a table and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.boards.shifts import SHIFTED, Alarms, Share
from bench.render.figures import SETTINGS, TEXT, WIDTH
from bench.render.lines import COLORS, MARKERS
from bench.render.table import Column, Document, Page, plain
from bench.render.values import share
from datasets.shifts import DEFECTIVE, PLAIN, SEVERITIES, SHIFTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 1.9  # inches of a row of panels
LINES = {DEFECTIVE: "defects found"}


@dataclass(frozen=True)
class ShiftsDocument(Document):
    """A table for each data set: a line for each shift, a column for each detector.

    Attributes:
        found: alarms of detectors on data sets.
        alpha: the alarm rate of the thresholds.
        notes: on what is missing.
    """

    found: Sequence[Alarms]
    alpha: float
    notes: tuple[str, ...] = ()

    def page(self, *, narrow: bool) -> Page:
        """Return the page."""
        tables, title = [], "False alarms on shifted normal images"
        names = list(dict.fromkeys(one.dataset for one in self.found))
        for number, name in enumerate(names):
            here = [one for one in self.found if one.dataset == name]
            lines = [
                (LINES.get(group, group), *(_text(one.shares[group]) for one in here))
                for group in (*SHIFTED, DEFECTIVE)
            ]
            text = (
                f"{'' if number else f'{name}: '}share of normal images with an alarm, and its 95 "
                f"% interval. The threshold is fixed on {here[0].n_held} held-out normal images: a "
                f"normal image has an alarm with a probability of at most {self.alpha:g}.",
            )
            heads = [Column("shift", "name"), *(Column(one.label, "name") for one in here)]
            notes = (*_NOTES, *self.notes) if number == len(names) - 1 else ()
            tables.append(plain(name if number else "", heads, lines, text=text, notes=notes))
        return Page(title, tuple(tables))


_NOTES = (
    "1 to 3: severity. Intervals are of Clopper and Pearson, over images; they do not cover the "
    "choice of the images that were held out.",
    "Defects found: share of the defective images above the same threshold.",
)


def _text(value: Share) -> str:
    return f"{share(value.value, 2)} {share(value.low, 2)}\N{EN DASH}{share(value.high, 2)}"


def draw(document: ShiftsDocument) -> Figure:
    """Return the share of false alarms against severity, a panel for each kind of shift."""
    import matplotlib
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(one.dataset for one in document.found))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, HEIGHT * len(names) + 0.5), layout="constrained")
        grid = figure.subplots(len(names), len(SHIFTS), sharex=True, sharey=True, squeeze=False)
        for panels, name in zip(grid, names, strict=True):
            here = [one for one in document.found if one.dataset == name]
            for axes, kind in zip(panels, SHIFTS, strict=True):
                groups = [PLAIN, *(f"{kind} {severity}" for severity in SEVERITIES)]
                axes.axhline(document.alpha, color="0.6", linewidth=0.8, linestyle=":")
                for number, one in enumerate(here):
                    shares = [one.shares[group] for group in groups]
                    values = [each.value for each in shares]
                    below = [each.value - each.low for each in shares]
                    above = [each.high - each.value for each in shares]
                    beside = 0.08 * (number - (len(here) - 1) / 2)
                    axes.errorbar(
                        [i + beside for i in range(len(groups))], values, (below, above),
                        color=COLORS[number % len(COLORS)], marker=MARKERS[number % len(MARKERS)],
                        markersize=3, linewidth=0.8, elinewidth=0.5, label=one.label,
                    )  # fmt: skip
                axes.set_title(kind if name == names[0] else "", fontsize=TEXT)
                axes.set_xticks(range(len(groups)))
                axes.set_ylim(-0.03, 1.03)
            panels[0].set_ylabel(f"{name}\nfalse alarms", fontsize=TEXT)
        figure.supxlabel("severity, 0: as photographed", fontsize=TEXT)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center",
                      ncols=4, frameon=False, fontsize=TEXT)  # fmt: skip
    return figure
