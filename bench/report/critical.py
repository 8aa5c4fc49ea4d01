"""Which detectors differ: what the page shows of the tests, by family and by data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.boards.blocks import Blocks, Unit, blocks
from bench.boards.board import Board
from bench.render.values import fixed, share
from bench.stats import averages, bayes, differences

ALPHA = differences.ALPHA
NAMES: dict[Unit, str] = {"family": "families of data sets", "dataset": "data sets"}


@dataclass(frozen=True)
class Pair:
    """Two detectors compared on all blocks.

    won, tied, lost: blocks on which the first is better by more than `bayes.ROPE`, no different,
    worse. p: of Wilcoxon's test, corrected by Holm for all pairs of the board. practical: how
    likely the first is better, the same in practice, worse.
    """

    first: str
    second: str
    won: int
    tied: int
    lost: int
    p: float
    practical: bayes.Practical


@dataclass(frozen=True)
class Critical:
    """The critical-difference diagram of a board over one kind of block, and some of its pairs.

    unit: what a block is, in words. caption: what was compared. sentence: the tests' verdict.
    labels, mean_ranks: of the detectors, best first. difference: Nemenyi's critical difference.
    cliques: first and last place of detectors that it does not tell apart.
    """

    unit: str
    caption: str
    sentence: str
    labels: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    difference: float
    cliques: tuple[tuple[int, int], ...]
    pairs: tuple[Pair, ...]


def critical(board: Board, chosen: Sequence[str]) -> tuple[list[Critical], str]:
    """Return the diagrams over families and over data sets, or why there are none.

    chosen: labels whose pairs are told one by one, if they are compared.
    """
    found: list[Critical] = []
    try:
        for unit in NAMES:
            compared = blocks(board, unit=unit)
            if not found or len(compared.names) > len(set(compared.families)):
                found.append(_critical(compared, unit, chosen))
    except ValueError as error:
        return found, str(error)
    return found, ""


def _critical(compared: Blocks, unit: Unit, chosen: Sequence[str]) -> Critical:
    values = compared.values
    friedman, pairs = differences.friedman(values), differences.wilcoxon(values)
    ranks = averages.ranks(values).mean(axis=1)
    order = sorted(range(len(ranks)), key=lambda i: (ranks[i], compared.detectors[i]))
    ordered = [float(ranks[i]) for i in order]
    width = differences.critical_difference(*values.shape)
    return Critical(
        NAMES[unit],
        compared.caption,
        _sentence(friedman, pairs, NAMES[unit], values.shape[1]),
        tuple(compared.detectors[i] for i in order),
        tuple(ordered),
        width,
        tuple((clique[0], clique[-1]) for clique in differences.cliques(ordered, width)),
        tuple(_pairs(compared, pairs, chosen)),
    )


def _sentence(
    friedman: differences.Friedman, pairs: differences.Pairs, unit: str, n_blocks: int
) -> str:
    k = len(pairs.p)
    n_pairs, differing = k * (k - 1) // 2, int((pairs.holm < ALPHA).sum()) // 2
    alike = "do not all rank alike" if friedman.f_p < ALPHA else "may all rank alike"
    told = (
        f"Over {n_blocks} {unit} the detectors {alike} (Friedman's test, "
        f"chi-squared {fixed(friedman.chi2, 1)}, Iman and Davenport's p {chance(friedman.f_p)}). "
        f"Of {n_pairs} pairs, {differing} differ by Wilcoxon's test after Holm's correction"
    )
    if pairs.least * n_pairs >= ALPHA:
        told += f"; {n_blocks} blocks give no p below {chance(pairs.least)}, so none can"
    return told + "."


def _pairs(compared: Blocks, tested: differences.Pairs, chosen: Sequence[str]) -> list[Pair]:
    there = [compared.detectors.index(label) for label in chosen if label in compared.detectors]
    counts = differences.win_tie_loss(compared.values[there], bayes.ROPE)
    told = []
    for i, j in combinations(range(len(there)), 2):
        first, second = there[i], there[j]
        won, tied, lost = map(int, counts[i, j])
        p = float(tested.holm[first, second])
        practical = bayes.signed_rank(compared.values[first] - compared.values[second])
        names = compared.detectors[first], compared.detectors[second]
        told.append(Pair(*names, won, tied, lost, p, practical))
    return told


def chance(p: float) -> str:
    """Return a p-value or probability, ".032", "<.001"."""
    return "<.001" if 0 <= p < 0.001 else share(p)
