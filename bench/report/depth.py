"""The question the page answers first: does depth pay here?

Types of detectors (deep, shallow, hybrid, baseline) are compared by their best detector (with the
highest mean) and by their typical one (the median of the type on each data set), as the board does.
Best against best is a paired difference of two detectors. Both are chosen with the same data, so
the best of a larger type looks better by chance; the page says so beside the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.boards.board import Board
from bench.boards.words import TYPES
from bench.render.table import Record
from bench.render.values import cost, ends, records, share, signed

ORDER = ("shallow", "deep", "hybrid", "control")  # types of detectors, as rows store them
ALIKE = (0.8, 1.25)  # ratios of times that are called about the same
FEW = 10  # families of data sets below which an answer is tentative
METRICS = ("auroc", "lifted_average_precision")


@dataclass(frozen=True)
class Type:
    """What the complete detectors of one type reach, by one metric.

    Attributes:
        name: deep, shallow, hybrid or baseline.
        count: complete detectors of the type.
        best: the record, from `Board.detectors`, of the one with the highest mean.
        value: the mean of the best, with its limits `low` and `high`.
        typical: the mean of the medians, with its limits `typical_low` and `typical_high`.
        gain: the best minus the best shallow one, paired, with its limits `gain_low` and
            `gain_high`; nan for shallow itself.
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
    """Whether depth pays: in a word, in sentences, and the types by metric.

    Attributes:
        verdict: the word or two that the page prints large.
        sentences: the evidence.
        types: for each of METRICS the types with a complete detector, shallow first.
    """

    verdict: str
    sentences: tuple[str, ...]
    types: Mapping[str, Sequence[Type]]


def answer(board: Board, other: Board) -> Answer:
    """Return whether depth pays, from boards of the same rows by each of METRICS."""
    types = {name: _types(each) for name, each in zip(METRICS, (board, other), strict=True)}
    shallow, deep, hybrid = (_of(types["auroc"], name) for name in ("shallow", "deep", "hybrid"))
    if shallow is None or deep is None:
        absent = " and no ".join(k for k, v in (("shallow", shallow), ("deep", deep)) if v is None)
        sentence = f"There is no {absent} detector with all its rows, so nothing is compared."
        return Answer("Unknown", (sentence,), types)
    n_families = board.datasets["dataset_family"].nunique()
    verdict = _verdict(deep, n_families)
    sentences = [_comparison(deep, shallow), _typical(deep, shallow)]
    sentences += [_by_dataset(board, deep, shallow), *_second_opinion(types, deep)]
    if hybrid is not None:
        sentences.append(_hybrid(hybrid))
    if n_families < FEW:
        sentences.append(
            f"The answer rests on {n_families} families of data sets; others may differ more than "
            "so few show, so it is tentative."
        )
    return Answer(verdict, tuple(sentences), types)


def _types(board: Board) -> list[Type]:
    lines = {line["type"]: line for line in records(board.types)}
    detectors = {d["label"]: d for d in records(board.detectors)}
    shown = [lines[name] for name in ORDER if name in lines and lines[name]["ranked"]]
    names = (
        "value", "low", "high", "typical", "typical_low", "typical_high", "gain", "gain_low",
        "gain_high",
    )  # fmt: skip
    return [
        Type(
            TYPES[line["type"]], line["ranked"], detectors[line["best"]],
            **{name: line[name] for name in names},
        )
        for line in shown
    ]  # fmt: skip


def _of(types: Sequence[Type], name: str) -> Type | None:
    return next((one for one in types if one.name == name), None)


def _verdict(deep: Type, n_families: int) -> str:
    few = n_families < FEW
    if np.isnan(deep.gain_low):
        return "Unknown: the difference has no interval"
    if deep.gain_low > 0:
        return "Perhaps, on few data" if few else "Yes"
    if deep.gain_high < 0:
        return "Perhaps not, on few data" if few else "No, it costs quality"
    return "Not shown"


def _sign(deep: Type) -> tuple[bool, bool]:
    return deep.gain_low > 0, deep.gain_high < 0


def _comparison(deep: Type, shallow: Type) -> str:
    doubt = ", which may be zero" if deep.gain_low <= 0 <= deep.gain_high else ""
    return (
        f"The best deep detector, {deep.best['label']}, has a mean AUROC of {share(deep.value)}, "
        f"the best shallow one, {shallow.best['label']}, {share(shallow.value)}: a difference of "
        f"{difference(deep.gain, deep.gain_low, deep.gain_high)}{doubt}. {_times(deep, shallow)}."
    )


def _times(deep: Type, shallow: Type) -> str:
    parts = []
    for name, what in (("fit_seconds", "to fit"), ("score_us", "to score")):
        own, other = deep.best[f"median_{name}"], shallow.best[f"median_{name}"]
        if own > 0 and other > 0:
            alike = ALIKE[0] < own / other < ALIKE[1]
            times = "about the same" if alike else f"{cost(own / other)} times the"
            parts.append(f"{times} time {what}")
    return f"It takes {' and '.join(parts)}" if parts else "Their times are not on record"


def _typical(deep: Type, shallow: Type) -> str:
    return (
        f"The typical deep detector has {share(deep.typical)}, the typical shallow one "
        f"{share(shallow.typical)}: the medians of {deep.count} deep and {shallow.count} shallow "
        "detectors on each data set."
    )


def _by_dataset(board: Board, deep: Type, shallow: Type) -> str:
    values = board.cells.set_index(["label", "dataset"])["value"]
    ours, theirs = values[deep.best["label"]], values[shallow.best["label"]]
    gains = {name: float(ours[name] - theirs[name]) for name in board.datasets["dataset"]}
    most, least = max(gains, key=gains.__getitem__), min(gains, key=gains.__getitem__)
    ahead = sum(gain > 1e-9 for gain in gains.values())
    sentence = f"{deep.best['label']} is ahead on {ahead} of {len(gains)} data sets"
    if ahead:
        sentence += f", most on {most} ({signed(gains[most])})"
    if gains[least] < -1e-9:
        sentence += f", and furthest behind on {least} ({signed(gains[least])})"
    return sentence + "."


def _second_opinion(types: Mapping[str, Sequence[Type]], deep: Type) -> list[str]:
    other, against = (_of(types[METRICS[1]], name) for name in ("deep", "shallow"))
    if other is None or against is None:
        return []
    answer = "there is no answer"
    if not np.isnan([other.gain_low, deep.gain_low]).any():
        answer = f"the answer is {'the same' if _sign(other) == _sign(deep) else 'different'}"
    return [
        f"By chance-adjusted AP {answer}: "
        f"{other.best['label']} minus {against.best['label']} is "
        f"{difference(other.gain, other.gain_low, other.gain_high)}."
    ]


def _hybrid(hybrid: Type) -> str:
    return (
        f"The best hybrid detector, {hybrid.best['label']} (a head on the codes of a deep model), "
        f"minus the best shallow one is "
        f"{difference(hybrid.gain, hybrid.gain_low, hybrid.gain_high)}."
    )


def difference(value: float, low: float, high: float) -> str:
    """Return a difference with its limits, "-.010 (95 % -.035 to +.012)"."""
    limits = " to ".join(ends(signed, low, high))
    return f"{signed(value)} (95\N{NO-BREAK SPACE}% {limits})" if limits else signed(value)
