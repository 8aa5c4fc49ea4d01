"""Comparison of two sets of stored rows: changes of quality and cost, and their possible causes.

Rows pair by detector, data set, protocol, scaler, device and seed; if the sides share no seed of a
data set, by the order of their seeds. A verdict is for a detector under a protocol:

- *better* or *worse*: the change differs from 0 at the 5 % level, after Holm's correction over all
  detectors that changed, and exceeds a margin; or, for *worse*, rows fail that did not.
- *same*: neither; a wide interval does not prove equality.
- *not comparable*: other data, protocol or scaler, rows on one side only, or a single pair.

Times are compared if both sides come from one machine, as ratios, with a wide margin: they are of
different runs, and the machine may have been busier in one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from bench.history.causes import Details, Pair, causes, machines
from bench.history.selection import Record, Side, date_of
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.stats.change import Change, change, mean
from bench.stats.differences import holm
from bench.stats.intervals import LEVEL
from bench.store.records import canonical

Verdict = Literal["better", "worse", "same", "not comparable"]

MARGIN = 0.005  # of a metric of quality; baselines are often closer to the best detectors
COST_MARGIN = math.log(1.25)  # of the logarithm of a ratio of costs
COSTS = ("fit_seconds", "score_us")
LEAST_COST = 1e-6  # so that a cost too small to measure has a logarithm
ONE_PAIR = "a single pair of rows has no interval; run more seeds or data sets"
OTHER = ("protocol", "scaler", "device")


@dataclass(frozen=True)
class Judged:
    """A change with its verdict, and why rows are not comparable or, if they fail, worse.

    The change of a cost is that of its natural logarithm.
    """

    verdict: Verdict
    change: Change | None = None
    why: str = ""


@dataclass(frozen=True)
class Line:
    """A detector under one protocol, scaler and device, on both sides.

    Attributes:
        label, protocol, scaler, device: of its rows.
        pairs: number of pairs of rows with values; in `same_rows` of them both rows are the same.
        seeds_in_order: whether different seeds were paired in order.
        a, b: mean of the metric on each side, over the same data sets.
        quality: the change of the metric.
        costs: the changes of costs, by name.
        by_dataset: mean change on each data set.
        failing, mended: rows that fail on one side only, in words.
        causes: what differs, by kind.
    """

    label: str
    protocol: str
    scaler: str
    device: str
    pairs: int = 0
    same_rows: int = 0
    seeds_in_order: bool = False
    a: float = math.nan
    b: float = math.nan
    quality: Judged = Judged("not comparable")
    costs: Mapping[str, Judged] = field(default_factory=dict)
    by_dataset: Mapping[str, float] = field(default_factory=dict)
    failing: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    causes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """All lines of two sides, in the order of the detectors' names, and notes for the reader."""

    metric: Metric
    sides: tuple[Side, Side]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    def regressions(self, margin: float) -> list[Line]:
        """Return the lines that are worse by more than a margin of the metric, or newly fail."""
        worse = [line for line in self.lines if line.quality.verdict == "worse"]
        return [line for line in worse if line.failing or _drop(line) > margin]


def compare(a: Side, b: Side, metric: str = "auroc") -> Comparison:
    """Return how the rows of `b` differ from those of `a`.

    Raises:
        ValueError: the metric is unknown, or not one of quality.
    """
    chosen = scored.of_quality(metric)
    old, new = _grouped(a.records), _grouped(_named_as_before(a.records, b.records))
    paired = [
        _line(key, _pairs(old[key], new[key]), chosen, (a.details, b.details))
        for key in old.keys() & new.keys()
    ]
    lines = _with_verdicts(paired) + _unpaired(old, new, (a.name, b.name))
    ordered = sorted(lines, key=lambda line: (line.label, line.protocol, line.scaler, line.device))
    notes = dict.fromkeys((*_same(a, b), *a.notes, *b.notes, *_notes(old, new)))
    return Comparison(chosen, (a, b), tuple(ordered), tuple(notes))


Key = tuple[str, str, str, str]  # label, protocol, scaler, device
ByDataSet = dict[str, dict[int, Record]]  # data set -> seed -> row


def _drop(line: Line) -> float:
    return -line.quality.change.mean if line.quality.change else 0.0


def _grouped(records: Iterable[Record]) -> dict[Key, ByDataSet]:
    grouped: dict[Key, ByDataSet] = {}
    for record in records:
        key = (record["label"], record["protocol"], record["scaler"], record["device"])
        grouped.setdefault(key, {}).setdefault(record["dataset"], {})[record["seed"]] = record
    return grouped


def _named_as_before(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """Return the new rows, with the old label of a detector that only has another label."""

    def labels(records: Iterable[Record]) -> dict[str, str]:
        return {r["label"]: canonical([r["spec"], r["settings"]]) for r in records}

    before, after = labels(old), labels(new)
    gone = {what: label for label, what in before.items() if label not in after}
    renamed = {
        label: gone[what] for label, what in after.items() if label not in before and what in gone
    }
    return [{**r, "label": renamed.get(r["label"], r["label"])} for r in new]


def _pairs(old: ByDataSet, new: ByDataSet) -> list[Pair]:
    """Return the pairs of rows with equal seeds, or else in the order of the seeds."""
    pairs = []
    for name in sorted(old.keys() & new.keys()):
        a, b = old[name], new[name]
        common = sorted(a.keys() & b.keys())
        seeds = zip(common, common, strict=True) if common else zip(sorted(a), sorted(b))  # noqa: B905
        pairs += [(a[i], b[j]) for i, j in seeds]
    return pairs


def _line(
    key: Key, pairs: Sequence[Pair], metric: Metric, details: tuple[Details, Details]
) -> Line:
    """Return the line of paired rows, its verdicts without the correction for many detectors."""
    line = Line(*key, causes=causes(pairs, details))
    if not pairs:
        return replace(line, quality=_none("no data set is on both sides"))
    same_data = [(a, b) for a, b in pairs if a["data_sha256"] == b["data_sha256"]]
    if not same_data:
        return replace(line, quality=_none("the data changed"))
    line = replace(
        line,
        failing=tuple(_failure(b) for a, b in same_data if a["status"] == "ok" != b["status"]),
        mended=tuple(_failure(a) for a, b in same_data if b["status"] == "ok" != a["status"]),
    )
    both_ok = [(a, b) for a, b in same_data if a["status"] == b["status"] == "ok"]
    if not both_ok:
        why = "every row fails now" if line.failing else "no row is ok on both sides"
        return replace(line, quality=Judged("worse", why=why) if line.failing else _none(why))
    families = {a["dataset"]: a["dataset_family"] for a, _ in both_ok}
    old = _by_dataset(both_ok, lambda a, b: scored.value_of(a, metric.name))
    new = _by_dataset(both_ok, lambda a, b: scored.value_of(b, metric.name))
    changes = {name: [y - x for x, y in zip(old[name], new[name], strict=True)] for name in old}
    return replace(
        line,
        pairs=len(both_ok),
        same_rows=sum(a["key"] == b["key"] for a, b in both_ok),
        seeds_in_order=any(a["seed"] != b["seed"] for a, b in both_ok),
        a=mean(old, families),
        b=mean(new, families),
        quality=Judged("same", change(changes, families)),
        costs={name: _cost(both_ok, name, families) for name in COSTS},
        by_dataset={name: float(np.mean(values)) for name, values in changes.items()},
    )


def _by_dataset(
    pairs: Iterable[Pair], of: Callable[[Record, Record], float]
) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for a, b in pairs:
        values.setdefault(a["dataset"], []).append(of(a, b))
    return values


def _cost(pairs: Sequence[Pair], name: str, families: Mapping[str, str]) -> Judged:
    """Return the change of a cost's logarithm."""
    other = [text for a, b in pairs for text in machines(a, b)]
    if other:
        return _none(f"another machine: {other[0]}")
    ratios = _by_dataset(pairs, lambda a, b: _log_cost(b, name) - _log_cost(a, name))
    return Judged("same", change(ratios, families))


def _log_cost(record: Record, name: str) -> float:
    return math.log(max(record[name], LEAST_COST))


def _none(why: str) -> Judged:
    return Judged("not comparable", why=why)


def _failure(record: Record) -> str:
    reason = f": {record['reason']}" if record["reason"] else ""
    return f"{record['dataset']}, seed {record['seed']}: {record['status']}{reason}"


def _with_verdicts(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with verdicts that hold for all of them at once."""
    quality = _verdicts([line.quality for line in lines], MARGIN, larger_is_better=True)
    costs: dict[str, list[Judged]] = {}
    for name in COSTS:
        given = [line.costs.get(name, _none("")) for line in lines]
        costs[name] = _verdicts(given, COST_MARGIN, larger_is_better=False)
    judged = []
    for i, line in enumerate(lines):
        found = quality[i]
        if line.failing and found.verdict != "worse":
            found = replace(found, verdict="worse", why=f"{len(line.failing)} rows fail now")
        own = {name: costs[name][i] for name in line.costs}
        judged.append(replace(line, quality=found, costs=own))
    return judged


def _verdicts(given: Sequence[Judged], margin: float, *, larger_is_better: bool) -> list[Judged]:
    """Return the verdicts that p-values and the margin allow in place of "same"."""
    p = np.array([one.change.p if one.change and one.change.mean else math.nan for one in given])
    corrected = np.ones(len(p))
    corrected[np.isfinite(p)] = holm(p[np.isfinite(p)])
    judged = []
    for one, chance in zip(given, corrected, strict=True):
        if one.change and math.isnan(one.change.p):
            judged.append(replace(one, verdict="not comparable", why=ONE_PAIR))
        elif one.change and chance < 1 - LEVEL and abs(one.change.mean) > margin:
            up = one.change.mean > 0
            judged.append(replace(one, verdict="better" if up == larger_is_better else "worse"))
        else:
            judged.append(one)
    return judged


def _unpaired(
    old: Mapping[Key, ByDataSet], new: Mapping[Key, ByDataSet], names: tuple[str, str]
) -> list[Line]:
    """Return a line for every detector, protocol, scaler and device that is on one side only."""
    lines = []
    for here, there, name in ((old, new, names[1]), (new, old, names[0])):
        for key in here.keys() - there.keys():
            others = [other for other in there.keys() - here.keys() if other[0] == key[0]]
            why = f"no rows in {name}"
            if others and here is old:
                why = ", ".join(
                    f"{what} {x} against {y}"
                    for what, x, y in zip(OTHER, key[1:], others[0][1:], strict=True)
                    if x != y
                )
            elif others:
                continue  # reported for the other side
            lines.append(Line(*key, quality=_none(why)))
    return lines


def _same(a: Side, b: Side) -> list[str]:
    """Return a sentence if both sides are the same rows."""
    old, new = ({(row["key"], date_of(row)) for row in side.records} for side in (a, b))
    if old != new:
        return []
    return [
        f"{a.name} and {b.name} are the same {len(old)} rows: none was rerun between them; "
        "`bench history` lists the versions that have rows"
    ]


def _notes(old: Mapping[Key, ByDataSet], new: Mapping[Key, ByDataSet]) -> list[str]:
    """Return how many rows have no pair, for detectors that are on both sides."""
    notes = []
    for here, there, which in ((old, new, "first"), (new, old, "second")):
        left = 0
        for key in here.keys() & there.keys():
            for name, seeds in here[key].items():
                other = there[key].get(name, {})
                n_paired = len(seeds.keys() & other.keys()) or min(len(seeds), len(other))
                left += len(seeds) - n_paired
        if left:
            notes.append(f"{left} rows of the {which} side have no pair and are left out")
    return notes
