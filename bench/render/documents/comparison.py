"""A comparison of stored rows as a table, with what may have caused each change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.history.compare import COST_MARGIN, COSTS, MARGIN, Comparison, Judged, Line
from bench.render.table import NONE, Column, Document, Page, Table, plain
from bench.render.values import ends, finite, share, signed

HEADS = {"fit_seconds": "fit", "score_us": "score"}
MOST = 3  # data sets or failing rows named of a detector
LEGEND = (
    "better, worse: the change differs from 0 at the 5 % level, corrected for the number of "
    f"detectors that changed (Holm), and exceeds {MARGIN:g}. same: neither; a wide interval does "
    "not prove equality. Intervals are for these data sets, over seeds (~ over data sets, for too "
    "few seeds). Costs are ratios of different runs; a verdict requires a factor of "
    f"{math.exp(COST_MARGIN):.3g}."
)


@dataclass(frozen=True)
class ComparisonDocument(Document):
    """The verdicts of a comparison; its JSON holds everything but the rows."""

    made: Comparison

    def page(self, *, narrow: bool) -> Page:
        """Return the page: the verdicts, what explains them, and the notes."""
        a, b = self.made.sides
        sides = zip("ab", self.made.sides, strict=True)
        text = tuple(f"{name}: {side.meaning}, {len(side.records)} rows" for name, side in sides)
        title = f"{a.name} → {b.name}: {self.made.metric.name}"
        shown = [line for line in self.made.lines if not _is_apart(line)]
        verdicts = _table(shown, text)
        details = [sentence for line in shown for sentence in _sentences(line)]
        details += _apart(filter(_is_apart, self.made.lines))
        details += [f"{cause}: {', '.join(names)}" for cause, names in _causes(self.made.lines)]
        tables = [verdicts, Table("Details", notes=tuple(details))] if details else [verdicts]
        return Page(title, (*tables, Table("Notes", notes=(*self.made.notes, LEGEND))))

    def content(self) -> Any:
        """Return everything that the comparison holds but the rows; absent numbers are null."""
        return finite(
            {
                "metric": self.made.metric.name,
                "sides": [
                    {"name": side.name, "meaning": side.meaning, "rows": len(side.records)}
                    for side in self.made.sides
                ],
                "lines": [asdict(line) for line in self.made.lines],
                "notes": self.made.notes,
            }
        )


def _is_apart(line: Line) -> bool:
    """Whether a line has nothing for the table: no pair of rows, and no verdict."""
    return not line.pairs and line.quality.verdict == "not comparable"


def _apart(lines: Iterable[Line]) -> Iterable[str]:
    """Yield why detectors are not in the table, those with the same reason together."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.quality.why, []).append(line.label)
    for why, labels in found.items():
        yield f"{len(labels)} not comparable, {why}: {', '.join(labels)}"


def _table(lines: Sequence[Line], text: tuple[str, ...]) -> Table:
    several = len({(line.protocol, line.scaler, line.device) for line in lines}) > 1
    columns = (
        Column("detector", "name"), *([Column("under", "prose")] if several else []), Column("a"),
        Column("b"), Column("change"), Column("95 %"), Column("verdict", "text"),
        *(Column(HEADS[name]) for name in COSTS), Column("pairs"),
    )  # fmt: skip
    rows = (
        [
            line.label,
            *([f"{line.protocol}, {line.scaler}, {line.device}"] if several else []),
            share(line.a),
            share(line.b),
            signed(line.quality.change.mean) if line.quality.change else NONE,
            limits(line.quality),
            line.quality.verdict,
            *(_ratio(line.costs.get(name)) for name in COSTS),
            f"{line.pairs} ({line.same_rows} same)" if line.same_rows else str(line.pairs),
        ]
        for line in lines
    )
    return plain("", columns, rows, text=text)


def _sentences(line: Line) -> Iterable[str]:
    """Yield what the table does not say of a line: its reason, where it changed, what fails."""
    if line.quality.why:
        yield f"{line.label}: {line.quality.verdict}: {line.quality.why}"
    if line.quality.verdict in ("better", "worse") and line.by_dataset:
        sign = 1 if line.quality.verdict == "worse" else -1
        ordered = sorted(line.by_dataset.items(), key=lambda item: sign * item[1])
        most = ", ".join(f"{name} {signed(value)}" for name, value in ordered[:MOST])
        yield f"{line.label}: {line.quality.verdict}, most on {most}"
    for what, rows in (("fails now", line.failing), ("failed before", line.mended)):
        more = f"; {len(rows) - MOST} more" if len(rows) > MOST else ""
        if rows:
            yield f"{line.label} {what}: {'; '.join(rows[:MOST])}{more}"
    if line.seeds_in_order:
        yield f"{line.label}: the seeds differ and are paired in order"
    other = {judged.why for judged in line.costs.values() if judged.why}
    for why in sorted(other):
        yield f"{line.label}: costs not comparable: {why}"


def _causes(lines: Sequence[Line]) -> Iterable[tuple[str, list[str]]]:
    """Return what differs, each with the detectors for which it does."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for kind, texts in line.causes.items():
            found.setdefault(f"{kind}: {', '.join(texts)}", []).append(line.label)
    return found.items()


def limits(judged: Judged) -> str:
    """Return the limits of a change in words, marked where they are over data sets."""
    if judged.change is None or math.isnan(judged.change.low):
        return NONE
    mark = "~" if judged.change.of_data_sets else ""
    return mark + " to ".join(ends(signed, judged.change.low, judged.change.high))


def _ratio(judged: Judged | None) -> str:
    if judged is None or judged.change is None:
        return NONE
    mark = f" {judged.verdict}" if judged.verdict in ("better", "worse") else ""
    return f"\N{MULTIPLICATION SIGN}{math.exp(judged.change.mean):.2f}{mark}"
