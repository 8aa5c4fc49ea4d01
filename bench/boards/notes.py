"""The caption of a board and the sentences under it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.boards.cells import INVERTED
from bench.boards.estimates import Estimates
from bench.boards.grid import Grid
from bench.boards.words import MARKS, listed
from bench.metrics.scored import Metric
from bench.protocols import named as protocols
from bench.store.records import IMPORTED

FEW = 10  # data sets that a sentence names
UNUSED = "The official split is not used"


def caption(rows: pd.DataFrame, grid: Grid) -> str:
    """Return what was compared, in one line."""

    def distinct(column: str) -> str:
        return ", ".join(sorted(rows[column].dropna().astype(str).unique())) or "unknown"

    seeds = sorted(int(s) for s in rows["seed"].unique())
    run = seeds == list(range(seeds[0], seeds[-1] + 1)) and len(seeds) > 2
    named = f"{seeds[0]}-{seeds[-1]}" if run else ", ".join(map(str, seeds))
    families = int(grid.nesting.family.max()) + 1
    return (
        f"{_count(len(grid.labels), 'detector')}, {_count(len(grid.datasets), 'data set')} in "
        f"{_count(families, 'family', 'families')}, {_count(len(seeds), 'seed')} ({named}); "
        f"protocol {distinct('protocol')}, scaler {distinct('scaler')}, device "
        f"{distinct('device')}"
    )


def sentences(
    detectors: pd.DataFrame,
    cells: pd.DataFrame,
    metric: Metric,
    best_baseline: str,
    found: Estimates,
    stale: int,
) -> tuple[str, ...]:
    """Return the sentences: which detectors beat no baseline first, then how to read the numbers.

    Args:
        detectors: the table of the board.
        cells: of the board.
        metric: of the board.
        best_baseline: label of the best baseline; empty if none is known.
        found: means of the metric and their differences.
        stale: number of rows of older code that were left out.
    """
    ranked = detectors["rank"].notna()
    notes = []
    if not ranked.any():
        notes.append("No detector has all its rows, so none is ranked.")
    verdicts = list(detectors["beats_baseline"].dropna())
    if verdicts:
        notes.append(
            f"{MARKS['weak']} not clearly better than the best baseline, {best_baseline}: "
            f"{verdicts.count(False)} of {len(verdicts)} ranked detectors (the 95 % interval of "
            "the paired difference is not above 0)."
        )
    notes.append(
        f"Means and mean ranks (by {metric.name}) are taken over seeds, then data sets, then "
        f"families. {_intervals(found)}"
    )
    if detectors["rank_low"].notna().any():
        name, changes = found.most_influential()
        most = int(np.abs(changes).argmax())
        notes.append(
            "#: the place, and in brackets its range with all data sets and each left out. The "
            f"means depend most on {name}: without it they change by "
            f"{_number(np.abs(changes).mean())} on average, that of {found.labels[most]} by "
            f"{_number(np.abs(changes[most]))}."
        )
    inverted = cells[cells["inverted"]].groupby("dataset").size()
    if len(inverted):
        counts = ", ".join(
            f"{_count(count, 'detector')} on {name}" for name, count in inverted.items()
        )
        notes.append(
            f"{MARKS['inverted']} may be inverted: an AUROC below {INVERTED} and clearly below .5, "
            f"as if larger scores were less anomalous: {counts}."
        )
    baselines = (
        "Baselines have no model, or one without training; a method has to beat them."
        if (detectors["type"] == "control").any()
        else "No baseline is among these detectors; add random and mean-distance."
    )
    notes.append(f"Chance-adjusted AP = (AP - prevalence) / (1 - prevalence). {baselines}")
    notes.append(
        "fit s: median CPU seconds; \N{MICRO SIGN}s/x: median microseconds to score a sample."
    )
    if detectors["shared_model"].any():
        notes.append(
            f"{MARKS['shared']} one fitted model serves several rows; each has its full cost."
        )
    notes.append(
        f"{MARKS['near']} not distinguishable from the best: for means, the 95 % interval of the "
        "paired difference contains 0; for a data set, the detector's own interval contains the "
        "best value."
    )
    if "alarms_rows" in detectors:
        notes.append(
            "False alarms@5%: share of the normal test samples with an alarm, p <= 0.05 by "
            "split-conformal p-values of held-out training samples. In band: rows whose share is "
            "within the 95 % beta-binomial band of a rate of 0.05; fewer have it where normal test "
            "samples differ from training samples, or where scores are equal."
        )
    elsewhere = detectors["spec"].str.startswith(f"{IMPORTED}:")
    if elsewhere.any():
        notes.append(
            f"{listed(list(detectors['label'][elsewhere]), FEW)}: scores that were computed "
            "elsewhere, not run here. Whether the method trained on the training samples alone, "
            "and without labels, cannot be checked; its costs are unknown."
        )
    if detectors["transductive"].any():
        notes.append(f"{MARKS['transductive']} transductive: scores depend on the other test rows.")
    if not ranked.all():
        notes.append(
            "Incomplete detectors are not ranked: their means are over other rows and are not "
            "comparable."
        )
    if metric.name in ("auroc", "average_precision", "lifted_average_precision"):
        notes.append(
            "By data set: the interval is for a single test set (seeds share its anomalies and do "
            "not narrow it); reach: detectors whose own interval contains the best value."
        )
    if stale:
        notes.append(left_out(stale))
    return tuple(notes)


def _intervals(found: Estimates) -> str:
    """Return what the intervals of means are."""
    n_sets, n_families = found.by_dataset.shape[1], len(set(found.nesting.family))
    if not found.of_test_sets:
        unit = f"{n_families} families" if n_families > 1 else f"{n_sets} data sets of one family"
        return (
            f"Intervals: 95 %, Student's t over the {unit}, wider on the side of a longer tail; "
            "none where all agree."
        )
    sets = "test set" if n_sets == 1 else "two test sets"
    text = f"Intervals: 95 %, of the {sets}; they say nothing of other data sets or seeds."
    if found.paired is not None:
        return f"{text} Differences are paired, by DeLong's method, over test samples and seeds."
    return f"{text} Differences of detectors have no intervals here."


def left_out(stale: int) -> str:
    """Return how many rows of older code the board leaves out."""
    return f"{_count(stale, 'stale row')} of older code left out."


def of_several_protocols(ranked: pd.DataFrame) -> tuple[str]:
    """Return what a board of data sets under several protocols says of those that it ranks under.

    Args:
        ranked: the rows of each data set's first protocol.
    """
    names = ranked["protocol"].unique()
    first = f"protocol {names[0]}" if len(names) == 1 else "first protocol of each data set"
    return (
        f"Ranked under the {first}, to which every table applies but the one of "
        "protocols; `--protocol` prints the board of another.",
    )


def splits(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return which data sets have which protocol, and which have an official split unused.

    Args:
        rows: under one protocol of each data set.
    """
    sets = rows.groupby("dataset")[["protocol", "official_split"]].first()
    under = sets.groupby("protocol", sort=False).groups
    notes = []
    if len(under) > 1:
        each = "; ".join(
            f"{name} for {listed(list(members), FEW)}" for name, members in under.items()
        )
        notes.append(f"Data sets have protocols of their own: {each}.")
    unused = sets[[
        official and protocols.parse(name).name != "official"
        for official, name in zip(sets["official_split"], sets["protocol"], strict=True)
    ]]  # fmt: skip
    if len(unused):
        notes.append(
            f"{UNUSED} for {listed(list(unused.index), FEW)} (protocol "
            f"{', '.join(unused['protocol'].unique())}): values are not comparable with those "
            "under the protocol official."
        )
    return tuple(notes)


def of_groups(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return what samples are, if a protocol of rows scores groups."""
    names = [name for name in rows["protocol"].unique() if protocols.find(name).scores_groups]
    return tuple(
        f"Protocol {name}: samples are groups of rows, and every metric counts groups; a detector "
        "of rows scores a group by the mean of the scores of its rows."
        for name in names
    )


def flaws(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return what is wrong with the published protocols of rows, if anything is."""
    found = {name: protocols.find(name).flaw for name in rows["protocol"].unique()}
    return tuple(f"Protocol {name}: {flaw}." for name, flaw in found.items() if flaw)


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.3g}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
