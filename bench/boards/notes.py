"""The caption of a board and the sentences under it."""

from __future__ import annotations

import pandas as pd

from bench.boards.grid import Grid
from bench.boards.words import MARKS
from bench.metrics.scored import Metric
from bench.protocols import named as protocols
from bench.stats import averages


def caption(rows: pd.DataFrame, grid: Grid) -> str:
    """Return what was compared, in one line."""

    def distinct(column: str) -> str:
        return ", ".join(sorted(rows[column].dropna().astype(str).unique())) or "unknown"

    seeds = sorted(int(s) for s in rows["seed"].unique())
    run = seeds == list(range(seeds[0], seeds[-1] + 1)) and len(seeds) > 2
    named = f"{seeds[0]}-{seeds[-1]}" if run else ", ".join(map(str, seeds))
    families = int(grid.cells.family.max()) + 1
    return (
        f"{_count(len(grid.labels), 'detector')}, {_count(len(grid.datasets), 'data set')} in "
        f"{_count(families, 'family', 'families')}, {_count(len(seeds), 'seed')} ({named}); "
        f"protocol {distinct('protocol')}, scaler {distinct('scaler')}, device "
        f"{distinct('device')}"
    )


def sentences(
    detectors: pd.DataFrame, metric: Metric, best_control: str, families: int, stale: int
) -> tuple[str, ...]:
    """Return the sentences: which detectors beat no baseline first, then how to read the numbers.

    Args:
        detectors: the table of the board.
        metric: of the board.
        best_control: label of the best baseline; empty if none is known.
        families: number of families of data sets.
        stale: number of rows of older code that were left out.
    """
    ranked = detectors["rank"].notna()
    notes = []
    if not ranked.any():
        notes.append("No detector has all its rows, so none is ranked.")
    if best_control:
        verdicts = list(detectors["beats_control"].dropna())
        notes.append(
            f"{MARKS['weak']} not clearly better than the best baseline, {best_control}: "
            f"{verdicts.count(False)} of {len(verdicts)} ranked detectors (the 95 % interval of "
            "the paired difference is not above 0)."
        )
    notes.append(
        f"Means and mean ranks (by {metric.name}) are taken over seeds, then data sets, then "
        f"families. Intervals: 95 %, {averages.DRAWS} bootstrap draws of families, data sets in "
        "them, and seeds in those; no interval where nothing varies."
    )
    if families < averages.FEW_FAMILIES:
        notes[-1] += (
            f" With only {_count(families, 'family', 'families')} they are rough and too narrow "
            "(with 4, about 80 % contain the true value)."
        )
    baselines = (
        "Baselines have no model, or one without training; a method has to beat them."
        if (detectors["family"] == "control").any()
        else "No baseline is among these detectors; add random and mean-distance."
    )
    notes.append(f"Chance-adjusted AP = (AP - prevalence) / (1 - prevalence). {baselines}")
    notes.append(
        "fit s: median CPU seconds; \N{MICRO SIGN}s/x: median microseconds to score a sample."
    )
    if detectors["shared_model"].any():
        notes[-1] += (
            f" {MARKS['shared']} one fitted model serves several rows; each has its full cost."
        )
    notes.append(
        f"{MARKS['near']} not distinguishable from the best: for means, the 95 % interval of the "
        "paired difference contains 0; for a data set, the detector's own interval contains the "
        "best value."
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


def left_out(stale: int) -> str:
    """Return how many rows of older code the board leaves out."""
    return f"{_count(stale, 'stale row')} of older code left out."


def of_several_protocols(protocol: str) -> str:
    """Return what a board of several protocols says of the one that it ranks under."""
    return (
        f"Ranked under the protocol {protocol}, to which every table applies but the one of "
        "protocols; `--protocol` prints the board of another."
    )


def flaws(protocol: str) -> tuple[str, ...]:
    """Return what is wrong with a published protocol, if anything is."""
    flaw = protocols.find(protocol).flaw
    return (f"Protocol {protocol}: {flaw}.",) if flaw else ()


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
