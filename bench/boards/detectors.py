"""The table of the detectors of a board: means, ranks, costs and why rows do not count."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.boards.cells import is_inverted
from bench.boards.columns import AVERAGED, COSTS, SOMETIMES
from bench.boards.estimates import SAME, Estimates, estimates
from bench.boards.grid import Grid
from bench.boards.paired import Paired
from bench.metrics import scored
from bench.metrics.scored import NOMINAL_ALARM_RATE, Metric
from bench.stats import averages
from bench.stats.averages import Floats
from bench.stats.conformal import false_alarm_band


def detectors(
    grid: Grid, rows: pd.DataFrame, metric: Metric, errors: Paired | None
) -> tuple[pd.DataFrame, str]:
    """Return the table in order of labels, and the label of the best baseline.

    errors: of the differences of AUROCs, for boards of one or two data sets.
    """
    by_label = rows.groupby("label", sort=True)
    first = by_label[["spec", "type"]].first()
    table = pd.DataFrame({"label": grid.labels, "spec": first["spec"].to_numpy(str)})
    table["type"] = first["type"].to_numpy(str)
    values = grid.table(rows[metric.name])
    table["rows_ok"] = np.isfinite(values).sum(axis=1)
    table["rows"] = values.shape[1]
    table["failures"] = _failures_in_words(grid, rows, metric)
    found = estimates(grid, rows, metric.name, errors)
    _ranks(table, found, larger_is_better=bool(metric.larger_is_better))
    best_baseline, verdicts = _verdicts(table, found, metric)
    table["beats_baseline"] = pd.Series(verdicts, dtype=object)
    shown = [name for name in AVERAGED if name not in SOMETIMES or rows[name].notna().any()]
    for name in dict.fromkeys([metric.name, *shown]):
        _means(table, grid, rows, name, errors)
    if "alarm_rate@0.05" in shown:
        within = _within_band(rows).groupby(rows["label"], sort=True)
        table["alarms_within"], table["alarms_rows"] = (
            within.sum().to_numpy(),
            within.count().to_numpy(),
        )
    table["inverted"] = is_inverted("auroc", table["auroc"], table["auroc_high"])
    for name in COSTS:
        table[f"median_{name}"] = by_label[name].median().to_numpy(float)
    table["transductive"] = rows["transductive"].eq(True).groupby(rows["label"]).any().to_numpy()
    table["shared_model"] = by_label["model_rows"].max().to_numpy(float) > 1
    return table, best_baseline


def _ranks(table: pd.DataFrame, found: Estimates, *, larger_is_better: bool) -> None:
    """Add mean ranks, places, and their range when none or one of the data sets is left out."""
    whole = table["label"].isin(found.labels).to_numpy()
    ranks = averages.ranks(found.by_dataset, larger_is_better=larger_is_better)
    columns = np.full((4, len(table)), np.nan)
    if whole.any():
        mean_ranks = averages.family_means(ranks, found.nesting)
        own = places(mean_ranks)
        without = [places(each) for each in averages.left_out_means(ranks, found.nesting)]
        ends_of = [own, *without]
        ends = [np.min(ends_of, axis=0), np.max(ends_of, axis=0)] if without else 2 * [np.nan]
        for column, values in zip(columns, (own, *ends, mean_ranks), strict=True):
            column[whole] = values
    for place, name in enumerate(("rank", "rank_low", "rank_high")):
        table.insert(place, name, columns[place])
    table["mean_rank"] = columns[3]


def places(mean_ranks: Floats) -> Floats:
    """(detectors,) places from 1; equal mean ranks share the best of theirs."""
    rounded = mean_ranks.round(9)
    found: Floats = 1.0 + (rounded[None, :] < rounded[:, None]).sum(axis=1)
    return found


def _means(
    table: pd.DataFrame, grid: Grid, rows: pd.DataFrame, name: str, errors: Paired | None
) -> None:
    """Add the means by a metric, their limits, the best and what is not distinguishable from it."""
    by_dataset = averages.dataset_means(grid.table(rows[name]), grid.nesting)
    table[name] = averages.family_means(by_dataset, grid.nesting)
    limits = np.full((2, len(table)), np.nan)
    best, near = np.zeros((2, len(table)), bool)
    found = estimates(grid, rows, name, errors)
    whole = np.isin(grid.labels, found.labels)
    if whole.any():
        means, *limits[:, whole] = found.means()
        better = scored.get(name).larger_is_better
        if better is not None:
            goodness = means if better else -means
            best[whole] = goodness >= goodness.max() - SAME
            near[whole] = found.signs(found.labels[int(np.argmax(goodness))]) == 0
            near &= ~best
    table[f"{name}_low"], table[f"{name}_high"] = limits
    table[f"{name}_best"], table[f"{name}_near"] = best, near


def _verdicts(
    table: pd.DataFrame, found: Estimates, metric: Metric
) -> tuple[str, list[bool | None]]:
    """Return the best complete baseline and, for each detector, whether it is clearly better.

    The best baseline has the best mean; a detector is clearly better when the 95 % interval of the
    paired difference is above 0. The verdict is None for baselines, incomplete detectors, where the
    difference has no interval, and metrics of cost (it is no aim to be cheaper than a baseline).
    """
    verdicts: list[bool | None] = [None] * len(table)
    marked = set(table["label"][table["type"] == "control"])
    baselines = [label for label in found.labels if label in marked]
    if not (metric.larger_is_better and baselines and len(baselines) < len(found.labels)):
        return "", verdicts
    means = dict(zip(found.labels, found.means()[0], strict=True))
    best = max(baselines, key=lambda label: means[label])
    signs = dict(zip(found.labels, found.signs(best), strict=True))
    for place, label in enumerate(table["label"]):
        if label in signs and label not in marked and np.isfinite(signs[label]):
            verdicts[place] = bool(signs[label] > 0)
    return str(best), verdicts


def _within_band(rows: pd.DataFrame) -> pd.Series:
    """Return (rows,) 1 where the alarms are in the band of the nominal rate, 0 if not, else nan."""
    measured = rows["alarm_rate@0.05"].dropna()
    normals = rows["n_test"] - rows["n_anomalies"]
    sizes = pd.concat([rows["n_held"], normals], axis=1).loc[measured.index].astype(int)
    pairs = [(int(held), int(tested)) for held, tested in sizes.to_numpy()]
    bands = {pair: false_alarm_band(*pair, NOMINAL_ALARM_RATE) for pair in set(pairs)}
    low, high = np.array([bands[pair] for pair in pairs]).T
    return measured.between(low - SAME, high + SAME).astype(float).reindex(rows.index)


def _failures_in_words(grid: Grid, rows: pd.DataFrame, metric: Metric) -> list[str]:
    """Return (detectors,) "unsupported 5, missing 2": why a detector's rows do not count."""
    status = rows["status"].to_numpy(str).astype(object)
    status[(status == "ok") & np.isnan(rows[metric.name].to_numpy(float))] = f"no {metric.name}"
    counts = pd.crosstab(rows["label"], pd.Series(status, name="status"))
    counts["not wanted"] = len(grid.nesting) - counts.sum(axis=1)
    counts = counts.drop(columns="ok", errors="ignore")
    words = []
    for _, line in counts.iterrows():
        found = line[line > 0].sort_values(ascending=False, kind="stable")
        words.append(", ".join(f"{name} {count}" for name, count in found.items()))
    return words
