"""Which detectors differ: critical-difference diagrams over families and over data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.boards.against import pairs
from bench.boards.blocks import Blocks, Unit, blocks
from bench.boards.board import Board
from bench.render.table import Cell, Column, Table
from bench.render.values import fixed, share
from bench.stats import bayes, differences

ALPHA = differences.ALPHA
NAMES: dict[Unit, str] = {"family": "families of data sets", "dataset": "data sets"}


PAIRS = (
    Column("detector", "name"), Column("against", "name"), Column("won, tied, lost"),
    Column("p, Holm"), Column("better"), Column("same"), Column("worse"),
)  # fmt: skip


@dataclass(frozen=True)
class Diagram:
    """The critical-difference diagram of a board over one kind of block, and some of its pairs.

    Attributes:
        unit: what a block is, in words.
        caption: what was compared.
        sentence: what the tests found.
        test: name of the test of pairs.
        labels: of the detectors, best first.
        mean_ranks: of the detectors, best first.
        difference: Nemenyi's critical difference.
        cliques: first and last place of each group of detectors that do not differ by it.
        pairs: the chosen detectors, two by two: on how many blocks the first is better by more
            than `bayes.ROPE`, equal or worse; p of the test with Holm's correction for all pairs
            of the board; how likely the first is better, the same in practice, or worse.
    """

    unit: str
    caption: str
    sentence: str
    test: str
    labels: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    difference: float
    cliques: tuple[tuple[int, int], ...]
    pairs: Table


def diagrams(board: Board, chosen: Sequence[str]) -> tuple[list[Diagram], str]:
    """Return the diagrams over families and over data sets, or why there are none.

    chosen: labels of the detectors to compare two by two, if they are on the diagrams.
    """
    found: list[Diagram] = []
    try:
        for unit in NAMES:
            compared = blocks(board, unit=unit)
            if not found or len(compared.names) > len(set(compared.families)):
                found.append(_diagram(compared, unit, chosen))
    except ValueError as error:
        return found, str(error)
    return found, ""


def _diagram(compared: Blocks, unit: Unit, chosen: Sequence[str]) -> Diagram:
    tested, test = pairs(compared)
    ranks = compared.ranks.mean(axis=1)
    order = sorted(range(len(ranks)), key=lambda i: (ranks[i], compared.detectors[i]))
    ordered = [float(ranks[i]) for i in order]
    width = differences.critical_difference(compared.ranks)
    return Diagram(
        NAMES[unit],
        compared.caption,
        _sentence(compared, NAMES[unit], tested, test),
        test,
        tuple(compared.detectors[i] for i in order),
        tuple(ordered),
        width,
        tuple((clique[0], clique[-1]) for clique in differences.cliques(ordered, width)),
        _pairs(compared, tested, chosen),
    )


def _sentence(compared: Blocks, unit: str, tested: differences.Pairs, test: str) -> str:
    k, n = compared.values.shape
    n_pairs, differing = k * (k - 1) // 2, int((tested.holm < ALPHA).sum()) // 2
    sentence = ""
    if k > 2 and n > 1:
        friedman = differences.friedman(compared.ranks)
        ranks = "differ in rank" if friedman.f_p < ALPHA else "show no difference in rank"
        sentence = (
            f"Over {n} {unit} the detectors {ranks} (Friedman's test, chi-squared "
            f"{fixed(friedman.chi2, 1)}, Iman and Davenport's p {_chance(friedman.f_p)}). "
        )
    sentence += f"Of {n_pairs} pairs, {differing} differ by {test} with Holm's correction"
    if tested.least * n_pairs >= ALPHA:
        sentence += f"; with {n} blocks no p is below {_chance(tested.least)}, so no pair can"
    return sentence + "."


def _pairs(compared: Blocks, tested: differences.Pairs, chosen: Sequence[str]) -> Table:
    places = [compared.detectors.index(label) for label in chosen if label in compared.detectors]
    counts = differences.win_tie_loss(compared.values[places], bayes.ROPE)
    rows = []
    for i, j in combinations(range(len(places)), 2):
        first, second = places[i], places[j]
        names = (compared.detectors[first], compared.detectors[second])
        p = float(tested.holm[first, second])
        likely = bayes.signed_rank(compared.values[first] - compared.values[second])
        texts = (
            ", ".join(map(str, counts[i, j])), _chance(p),
            *(share(value, 2) for value in (likely.better, likely.same, likely.worse)),
        )  # fmt: skip
        rows.append((*(Cell(name, code=True) for name in names), *map(Cell, texts)))
    return Table("", PAIRS, tuple(rows))


def _chance(p: float) -> str:
    """Return a p-value or probability, ".032", "<.001"."""
    return "<.001" if 0 <= p < 0.001 else share(p)
