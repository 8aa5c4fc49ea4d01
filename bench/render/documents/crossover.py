"""Where a deep detector overtakes a shallow one, as a document, a figure, and a file of claims."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.boards.crossover import AT, METRICS, N_PLACES, WHOLE, Axis
from bench.boards.words import listed
from bench.metrics import scored
from bench.render.lines import lines
from bench.render.table import Column, Document, Maker, Page, Record, Table, filled
from bench.render.values import bracketed, finite, share, signed
from bench.stats.crossing import Crossing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (0, N_PLACES // 4, N_PLACES // 2, 3 * N_PLACES // 4, N_PLACES - 1)  # of a fitted line
LEFT_OUT = 6  # data sets that a note names
NOTE = (
    f"deep and shallow: the detectors in this order. Anomalies are among {AT} training rows. "
    "Differences are paired, averaged over seeds, data sets, then families, which are the sample; "
    "over features, a least-squares line through the families. The change of sign is interpolated, "
    "and its interval holds every place at which the 95 % interval of the difference contains 0."
)


@dataclass(frozen=True)
class CrossoverDocument(Document):
    """A deep and a shallow detector along the axes."""

    deep: str
    shallow: str
    axes: tuple[Axis, ...]

    def page(self, *, narrow: bool) -> Page:
        """Return the page."""
        texts = tuple(sentence for axis in self.axes for sentence in self.sentences(axis))
        head = Table("", text=texts)
        tables = (head, *map(self._table, self.axes), Table("Notes", notes=(NOTE,)))
        return Page(f"Where {self.deep} begins to beat {self.shallow}", tables)

    def content(self) -> Any:
        """Return everything; absent and infinite numbers are null."""
        found = []
        for axis in self.axes:
            curves = {
                name: dict(zip(("deep", "shallow", "difference", "low", "high"),
                               (part.tolist() for part in curve), strict=True))
                for name, curve in axis.curves.items()
            }  # fmt: skip
            found.append({
                "axis": axis.name, "x": axis.x.tolist(), "datasets": axis.datasets,
                "families": axis.families, "left_out": axis.left_out, "curves": curves,
                "crossings": {name: vars(one) for name, one in axis.crossings.items()},
                "sentences": list(self.sentences(axis)),
            })  # fmt: skip
        return finite({"deep": self.deep, "shallow": self.shallow, "axes": found})

    def sentences(self, axis: Axis) -> tuple[str, ...]:
        """Return where the difference changes sign along an axis, by each metric."""
        return tuple(self._sentence(axis, metric) for metric in METRICS)

    def _sentence(self, axis: Axis, metric: str) -> str:
        *_, low, high = axis.curves[metric]
        mean, one = axis.curves[metric][2], axis.crossings[metric]
        span = f"between {_place(axis.x[0])} and {_place(axis.x[-1])}"
        of = f"{scored.get(metric).label} by {axis.name}: "
        if math.isinf(one.at):
            better = self.deep if mean[-1] > 0 else self.shallow
            clear = (low > 0) if mean[-1] > 0 else (high < 0)
            where = "everywhere" if clear.all() else "somewhere" if clear.any() else "nowhere"
            return f"{of}no change of sign {span}; {better} is better throughout, clearly {where}."
        first, then = (self.shallow, self.deep) if one.rises else (self.deep, self.shallow)
        text = f"{of}{then} is better beyond {_place(_back(axis, one.at))}"
        return f"{text}{_limits(axis, one)}, {first} before."

    def _table(self, axis: Axis) -> Table:
        shown = range(len(axis.x)) if len(axis.x) < N_PLACES else SHOWN
        is_fitted = np.isnan(axis.curves[METRICS[0]][0]).all()
        makers: list[Maker] = [(Column(axis.name), lambda line: _place(line["x"]))]
        for metric in METRICS:
            label = scored.get(metric).label
            if not is_fitted:
                makers += [(Column(f"{label} deep"), _value(metric, 0)),
                           (Column("shallow"), _value(metric, 1))]  # fmt: skip
            head = f"{label} difference" if is_fitted else "difference"
            makers.append((Column(f"{head} [95 %]"), _difference(metric)))
        found = [
            {"x": axis.x[i], **{m: [part[i] for part in axis.curves[m]] for m in METRICS}}
            for i in shown
        ]
        notes = [f"{len(axis.datasets)} data sets of {axis.families} families."]
        if axis.left_out:
            names = listed(axis.left_out, LEFT_OUT)
            notes.append(f"Without all rows along this axis, and left out: {names}.")
        title = f"By {axis.name}"
        return filled(title, makers, found, notes=tuple(notes))


def _value(metric: str, part: int) -> Any:
    return lambda line: share(line[metric][part])


def _difference(metric: str) -> Any:
    def cell(line: Record) -> str:
        _, _, mean, low, high = line[metric]
        return bracketed(signed, mean, low, high)

    return cell


def _back(axis: Axis, place: float) -> float:
    """Return a place on the scale of the axis, on which infinite ones stay as they are."""
    return math.exp(place) if axis.is_log and math.isfinite(place) else place


def _place(x: float) -> str:
    return f"{x:,.0f}" if x >= 10 else f"{x:.3g}"


def _limits(axis: Axis, one: Crossing) -> str:
    if math.isnan(one.low):
        return ""
    low = "below all" if math.isinf(one.low) else _place(_back(axis, one.low))
    high = "beyond all" if math.isinf(one.high) else _place(_back(axis, one.high))
    return f" [{low}, {high}]"


def draw(document: CrossoverDocument) -> Figure:
    """Return the difference against the training rows, or the first axis there is."""
    axis = document.axes[0]
    values = {scored.get(m).label: curve[2].tolist() for m, curve in axis.curves.items()}
    limits = {
        scored.get(m).label: (curve[3].tolist(), curve[4].tolist())
        for m, curve in axis.curves.items()
    }
    label = f"{document.deep} less {document.shallow}"
    figure = lines(axis.x.tolist(), values, axis.name, label, limits=limits, is_log=axis.is_log)
    figure.axes[0].axhline(0, color="0.3", linewidth=0.8)
    return figure


def claims(deep: str, shallow: str, names: Sequence[str], seeds: Sequence[int], few: str) -> str:
    """Return a file of claims that `bench claims` judges by the same rows.

    Args:
        deep, shallow: specs of the detectors.
        names: of the data sets.
        seeds: as in the suite.
        few: the protocol with the fewest training rows.
    """
    texts = {
        "title": f"Where {deep} begins to beat {shallow}",
        "datasets": list(names),
        "seeds": list(seeds),
        "margin": 0.0,
        "protocol": WHOLE,
    }
    head = "".join(f"{key} = {json.dumps(value)}\n" for key, value in texts.items())
    source = f"bench crossover {deep} {shallow}"
    found = [
        (f"{deep} is better than {shallow} on all training rows.", ""),
        (
            f"{deep} gains more than {shallow} from training rows.",
            f"against_protocol = {json.dumps(few)}\n",
        ),
    ]
    return head + "".join(
        f"\n[[claims]]\nsentence = {json.dumps(sentence)}\nsource = {json.dumps(source)}\n"
        f"detectors = {json.dumps(deep)}\nagainst = {json.dumps(shallow)}\n{more}"
        for sentence, more in found
    )
