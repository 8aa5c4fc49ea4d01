"""Every detector of a board against one of them: tests, effect sizes and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.boards.blocks import Blocks, Coverage, Unit, blocks
from bench.boards.board import Board
from bench.stats import averages, bayes, differences
from bench.stats.differences import Friedman, Pairs

MARGIN = bayes.ROPE
ROUGH = 10  # blocks below which Friedman's approximation is rough, after Demsar


@dataclass(frozen=True)
class Comparison:
    """Detectors compared with a reference.

    Attributes:
        reference: label of the one that all are compared with.
        blocks: what the tests are over.
        lines: a line per other detector, in the order of the board: `label`, `mean_rank` within
            the blocks, `difference` of means from the reference with `low` and `high`, `wins`,
            `ties` and `losses` by the margin, `superiority` (the chance to beat the reference on
            a block) with `superiority_low` and `superiority_high`, `p` and `holm` of `pairs`, and
            the posterior probabilities `better`, `same` and `worse`.
        mean_ranks: (detectors,) of the blocks, the reference included, in their order.
        holm: (detectors, detectors) p-values of all pairs, corrected, in that order.
        friedman: the test that all rank alike; None for two detectors, or a single block.
        critical_difference: Nemenyi's, of mean ranks.
        notes: sentences that belong under the table.
    """

    reference: str
    blocks: Blocks
    lines: pd.DataFrame
    mean_ranks: averages.Floats
    holm: averages.Floats
    friedman: Friedman | None
    critical_difference: float
    notes: tuple[str, ...]


def against(
    board: Board,
    reference: str | None = None,
    *,
    unit: Unit = "family",
    coverage: Coverage = "complete",
    margin: float = MARGIN,
) -> Comparison:
    """Return the comparison of a board's detectors with one, by default the first of the board.

    Args:
        board: its metric is compared; a metric of cost has no margin that suits all scales.
        reference: label of a detector.
        unit: what counts as one, see `bench.boards.blocks`.
        coverage: what is left out if rows are missing.
        margin: differences of at most this are ties, and practically the same; in units of the
            metric.

    Raises:
        ValueError: a metric of cost, a negative margin, an unknown reference or one that is left
            out, fewer than two detectors, or no data set left.
    """
    if not board.metric.larger_is_better:
        msg = f"{board.metric.name} is a cost, and costs are not tested; choose a metric of quality"
        raise ValueError(msg)
    found = blocks(board, unit=unit, coverage=coverage)
    if reference is not None and reference not in found.detectors:
        msg = (
            f"{reference!r} is not among the detectors that can be compared: "
            f"{', '.join(found.detectors)}"
        )
        raise ValueError(msg)
    ref = found.detectors.index(reference) if reference else 0
    values, own = found.values, found.values[ref]
    ranks = found.ranks.mean(axis=1)
    tested, test_of_pairs = pairs(found)
    k, n = values.shape
    table = pd.DataFrame({"label": found.detectors, "mean_rank": ranks})
    change = found.estimates.differences(found.detectors[ref])
    table["difference"], table["low"], table["high"] = change
    counts = differences.win_tie_loss(values, margin)[:, ref]
    table["wins"], table["ties"], table["losses"] = counts.T
    chance = differences.superiority(values, own, found.nesting)
    for name, column in zip(("", "_low", "_high"), chance, strict=True):
        table[f"superiority{name}"] = column
    table["p"], table["holm"] = tested.p[:, ref], tested.holm[:, ref]
    practical = [bayes.signed_rank(line, rope=margin) for line in values - own]
    for name in ("better", "same", "worse"):
        table[name] = [getattr(found, name) for found in practical]
    test = differences.friedman(found.ranks) if k > 2 and n > 1 else None
    cd = differences.critical_difference(found.ranks)
    return Comparison(
        reference=found.detectors[ref],
        blocks=found,
        lines=table.drop(index=ref).reset_index(drop=True),
        mean_ranks=ranks,
        holm=tested.holm,
        friedman=test,
        critical_difference=cd,
        notes=_notes(found, test, cd, (tested, test_of_pairs), margin, board.metric.label),
    )


def pairs(found: Blocks) -> tuple[Pairs, str]:
    """Return the test of all pairs, with Holm's correction, and its name.

    It is Wilcoxon's over the blocks; one or two data sets whose scores are known have DeLong's over
    their test sets and seeds.
    """
    estimates = found.estimates
    if estimates.of_test_sets and estimates.paired is not None:
        p = estimates.p()
        k = len(p)
        corrected, (first, second) = np.ones((k, k)), np.triu_indices(k, 1)
        corrected[first, second] = corrected[second, first] = differences.holm(p[first, second])
        return Pairs(p, corrected, 0.0), "DeLong's paired test over test samples and seeds"
    return differences.wilcoxon(found.values), "Wilcoxon's signed-rank test"


def comparable(board: Board) -> bool:
    """Whether a board has what `against` needs: a metric of quality, and two complete detectors."""
    return bool(board.metric.larger_is_better) and int(board.detectors["rank"].notna().sum()) > 1


def _notes(
    found: Blocks,
    test: Friedman | None,
    cd: float,
    tested: tuple[Pairs, str],
    margin: float,
    metric: str,
) -> tuple[str, ...]:
    k, n = found.values.shape
    notes = [f"{found.caption}."]
    if test is not None:
        verdict = "differ" if test.f_p < differences.ALPHA else "may be equal"
        value = f"F = {test.f:.3g}" if np.isfinite(test.f) else "all agree"
        rough = " (rough: few blocks)" if n < ROUGH else ""
        notes.append(
            f"Friedman with Iman and Davenport's correction: {value}, {_p(test.f_p)}: mean ranks "
            f"{verdict}{rough}."
        )
    n_pairs = k * (k - 1) // 2
    least, text = tested[0].least, f"p: {tested[1]}, Holm-corrected over all {n_pairs} pairs."
    if least * n_pairs > differences.ALPHA:
        text += (
            f" With {n} blocks no p-value is below {least:.2g}, so after the correction no "
            "difference of a pair can be significant."
        )
    notes.append(f"{text} Nemenyi: mean ranks {cd:.2f} apart differ at the 5 % level.")
    notes.append(
        f"w/t/l: wins, ties and losses, by more than {margin:g} of {metric}. P(beats): the chance "
        "to beat the reference on a block, ties half. Better/same/worse: posterior probabilities "
        f"of the Bayesian signed-rank test, the same within {margin:g}."
    )
    return tuple(notes)


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)
