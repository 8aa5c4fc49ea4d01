"""The question the page answers first: does depth pay here?

Deep, shallow and hybrid detectors are compared by their best (of the highest mean) and by their
typical one (at each data set and seed the median of the family), with intervals over families, data
sets and seeds. Best against best is a paired difference of two detectors. Both are chosen with
hindsight, the better of a larger choice more luckily, which the page says beside the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.boards.board import Board
from bench.boards.grid import Grid
from bench.metrics import scored
from bench.render.values import Record, cost, records, share
from bench.stats import averages

Floats = averages.Floats
ORDER = ("shallow", "deep", "hybrid", "control")
ALIKE = (0.8, 1.25)  # ratios of times that are told as about the same
METRICS = ("auroc", "lifted_average_precision")


@dataclass(frozen=True)
class Family:
    """What the complete detectors of one family reach, by one metric.

    name: deep, shallow, hybrid or control. count: complete detectors of the family.
    best: the record, from `Board.detectors`, of the one with the highest mean.
    value, low, high: its mean with limits. typical, typical_low, typical_high: the median's.
    gain, gain_low, gain_high: the best less the best shallow one, paired; nan for shallow itself.
    """

    name: str
    count: int
    best: Record
    value: float
    low: float
    high: float
    typical: float
    typical_low: float
    typical_high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class Answer:
    """Whether depth pays: in a word, in a sentence, and the families by metric.

    verdict: the word or two that the page prints large. sentences: what it rests on.
    families: for each of METRICS the families that have a complete detector, shallow first.
    """

    verdict: str
    sentences: tuple[str, ...]
    families: Mapping[str, Sequence[Family]]


def answer(board: Board, rows: pd.DataFrame) -> Answer:
    """Return what a board and its rows (one line each, of the board's protocol) say of depth."""
    families = {name: _families(board, rows, name) for name in METRICS}
    shallow, deep, hybrid = (_of(families["auroc"], name) for name in ("shallow", "deep", "hybrid"))
    if shallow is None or deep is None:
        absent = " and no ".join(k for k, v in (("shallow", shallow), ("deep", deep)) if v is None)
        sentence = f"There is no {absent} detector with all its rows, so nothing is compared."
        return Answer("Cannot be said", (sentence,), families)
    n_families = rows["dataset_family"].nunique()
    verdict = _verdict(deep, n_families)
    sentences = [_comparison(deep, shallow), _typical(deep, shallow)]
    sentences += [_by_dataset(board, deep, shallow), *_second_opinion(families, deep)]
    if hybrid is not None:
        sentences.append(_hybrid(hybrid))
    if n_families < averages.FEW_FAMILIES:
        sentences.append(
            f"The limits rest on {n_families} families of data sets: so few make them too narrow, "
            "so the answer is held back."
        )
    return Answer(verdict, tuple(sentences), families)


def _families(board: Board, rows: pd.DataFrame, metric: str) -> list[Family]:
    grid = Grid(rows)
    ok = rows["status"].to_numpy(str) == "ok"
    column = _lifted(rows) if metric == METRICS[1] else rows[metric].to_numpy(float)
    table = grid.table(pd.Series(np.where(ok, column, np.nan)))
    weights = averages.bootstrap_weights(grid.cells)
    found = {d["label"]: d for d in records(board.detectors)}
    complete = np.isfinite(table).all(axis=1)
    place = {label: i for i, label in enumerate(found)}  # ties go to the higher on the board
    order = sorted(np.flatnonzero(complete), key=lambda i: place[grid.labels[i]])
    labels, table = grid.labels[order], table[order]
    families = np.array([found[label]["family"] for label in labels])
    told: list[Family] = []
    shallow = np.full(table.shape[1], np.nan)  # the best shallow detector's values
    for family in [name for name in ORDER if name in families]:
        values = table[families == family]  # (detectors, cells)
        means = averages.family_means(averages.dataset_means(values, grid.cells), grid.cells)
        first = int(np.argmax(means.round(9)))
        best, gain = values[first], values[first] - shallow
        if family == "shallow":
            shallow = best
        lines = (best, np.median(values, axis=0), gain)
        figures = [figure for line in lines for figure in _mean(line, grid.cells, weights)]
        record = found[labels[families == family][first]]
        told.append(Family(family, len(values), record, *figures))
    return told


def _mean(line: Floats, cells: averages.Cells, weights: Floats) -> tuple[float, float, float]:
    """Return mean and limits of values (cells,); nan limits where nothing varies."""
    if not np.isfinite(line).all():
        return (np.nan,) * 3
    mean = averages.family_means(averages.dataset_means(line[None], cells), cells)[0]
    low, high = averages.percentile_interval(line[None] @ weights)
    return float(mean), float(low[0]), float(high[0])


def _lifted(rows: pd.DataFrame) -> Floats:
    columns = (rows[name].to_numpy(float) for name in ("average_precision", "prevalence"))
    return scored.lifted_average_precision(*columns)


def _of(families: Sequence[Family], name: str) -> Family | None:
    return next((family for family in families if family.name == name), None)


def _verdict(deep: Family, n_families: int) -> str:
    few = n_families < averages.FEW_FAMILIES
    if np.isnan(deep.gain_low):
        return "Cannot be said: nothing varies"
    if deep.gain_low > 0:
        return "Perhaps, on few data" if few else "Yes"
    if deep.gain_high < 0:
        return "Perhaps not, on few data" if few else "No, it costs quality"
    return "Not shown"


def _sign(deep: Family) -> tuple[bool, bool]:
    return deep.gain_low > 0, deep.gain_high < 0


def _comparison(deep: Family, shallow: Family) -> str:
    doubt = ", which may be none" if deep.gain_low <= 0 <= deep.gain_high else ""
    return (
        f"The best deep detector, {deep.best['label']}, has a mean AUROC of {share(deep.value)}, "
        f"the best shallow one, {shallow.best['label']}, {share(shallow.value)}: a difference of "
        f"{difference(deep.gain, deep.gain_low, deep.gain_high)}{doubt}, for "
        f"{_times(deep, shallow)}."
    )


def _times(deep: Family, shallow: Family) -> str:
    parts = []
    for name, what in (("fit_seconds", "to fit"), ("score_us", "to score")):
        own, other = deep.best[f"median_{name}"], shallow.best[f"median_{name}"]
        if own > 0 and other > 0:
            alike = ALIKE[0] < own / other < ALIKE[1]
            times = "about the same" if alike else f"{cost(own / other)} times the"
            parts.append(f"{times} time {what}")
    return " and ".join(parts) or "a cost that is not on record"


def _typical(deep: Family, shallow: Family) -> str:
    return (
        f"The typical one, the median of {deep.count} deep and of {shallow.count} shallow "
        f"detectors at each data set and seed, has {share(deep.typical)} and "
        f"{share(shallow.typical)}."
    )


def _by_dataset(board: Board, deep: Family, shallow: Family) -> str:
    values = board.cells.set_index(["label", "dataset"])["value"]
    ours, theirs = values[deep.best["label"]], values[shallow.best["label"]]
    gains = {name: float(ours[name] - theirs[name]) for name in board.datasets["dataset"]}
    most, least = max(gains, key=gains.__getitem__), min(gains, key=gains.__getitem__)
    ahead = sum(gain > 1e-9 for gain in gains.values())
    told = f"{deep.best['label']} is ahead on {ahead} of {len(gains)} data sets"
    if ahead:
        told += f", most on {most} ({signed(gains[most])})"
    if gains[least] < -1e-9:
        told += f", and furthest behind on {least} ({signed(gains[least])})"
    return told + "."


def _second_opinion(families: Mapping[str, Sequence[Family]], deep: Family) -> list[str]:
    other, against = (_of(families[METRICS[1]], name) for name in ("deep", "shallow"))
    if other is None or against is None:
        return []
    agrees = _sign(other) == _sign(deep)
    return [
        f"By lifted AP {'the answer is the same' if agrees else 'the answer is another'}: "
        f"{other.best['label']} less {against.best['label']} is "
        f"{difference(other.gain, other.gain_low, other.gain_high)}."
    ]


def _hybrid(hybrid: Family) -> str:
    return (
        f"The best hybrid, {hybrid.best['label']}, a head on codes of a deep model, is "
        f"{difference(hybrid.gain, hybrid.gain_low, hybrid.gain_high)} from the best shallow one."
    )


def difference(value: float, low: float, high: float) -> str:
    """Return a difference with its limits, "-.010 (95 % -.035 to +.012)"."""
    if np.isnan(low):
        return signed(value)
    return f"{signed(value)} (95\N{NO-BREAK SPACE}% {signed(low)} to {signed(high)})"


def signed(value: float) -> str:
    """Return a share with its sign, "+.012", with a true minus."""
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return sign + share(abs(value))
