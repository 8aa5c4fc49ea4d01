"""The table of the detectors of a board: means, ranks, costs and why rows do not count."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.boards.columns import AVERAGED, COSTS
from bench.boards.grid import Grid
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.stats import averages, intervals
from bench.stats.averages import Floats

Bools = NDArray[np.bool_]


def detectors(grid: Grid, rows: pd.DataFrame, metric: Metric) -> tuple[pd.DataFrame, str]:
    """Return the table in order of labels, and the label of the best baseline."""
    by_label = rows.groupby("label", sort=True)
    first = by_label[["spec", "family"]].first()
    table = pd.DataFrame({"label": grid.labels, "spec": first["spec"].to_numpy(str)})
    table["family"] = first["family"].to_numpy(str)
    values = grid.table(rows[metric.name])
    table["rows_ok"] = np.isfinite(values).sum(axis=1)
    table["rows"] = values.shape[1]
    table["failures"] = _failures_in_words(grid, rows, metric)
    table["mean_rank"] = np.nan
    complete = np.isfinite(values).all(axis=1)
    if complete.any():
        table.loc[complete, "mean_rank"] = averages.mean_ranks(
            values[complete], grid.cells, larger_is_better=bool(metric.larger_is_better)
        )
    weights = averages.bootstrap_weights(grid.cells)
    best_control, verdicts = _verdicts(table, values, grid, weights, metric)
    table["beats_control"] = pd.Series(verdicts, dtype=object)
    table.insert(0, "rank", table["mean_rank"].round(9).rank(method="min"))
    for name in dict.fromkeys([metric.name, *AVERAGED]):
        column = grid.table(rows[name])
        table[name] = averages.family_means(averages.dataset_means(column, grid.cells), grid.cells)
        limits = np.full((2, len(table)), np.nan)
        best, near = np.zeros((2, len(table)), bool)
        whole = np.isfinite(column).all(axis=1)
        if whole.any():
            samples = column[whole] @ weights
            limits[:, whole] = averages.percentile_interval(samples)
            better = scored.get(name).larger_is_better
            if better is not None:
                sign = 1 if better else -1
                best[whole], near[whole] = _best_means(
                    sign * table[name].to_numpy(float)[whole], sign * samples
                )
        table[f"{name}_low"], table[f"{name}_high"] = limits
        table[f"{name}_best"], table[f"{name}_near"] = best, near
    for name in COSTS:
        table[f"median_{name}"] = by_label[name].median().to_numpy(float)
    table["transductive"] = rows["transductive"].eq(True).groupby(rows["label"]).any().to_numpy()
    table["shared_model"] = by_label["model_rows"].max().to_numpy(float) > 1
    return table, best_control


def _best_means(values: Floats, samples: Floats) -> tuple[Bools, Bools]:
    """Return (detectors,) the best mean, and those not distinguishable from it.

    values: (detectors,) means, larger is better. samples: (detectors, draws), bootstrapped.
    """
    best = values >= values.max() - 1e-9
    lead = samples[np.argmax(values)] - samples
    low = np.quantile(lead, (1 - intervals.LEVEL) / 2, axis=1)
    return best, (low <= 1e-9) & ~best


def _verdicts(
    table: pd.DataFrame, values: Floats, grid: Grid, weights: Floats, metric: Metric
) -> tuple[str, list[bool | None]]:
    """Return the best complete baseline and, for each detector, whether it is clearly better.

    The best baseline has the best mean; a detector is clearly better when the 95 % interval of the
    paired difference is above 0. The verdict is None for baselines, incomplete detectors, a single
    cell (nothing varies) and metrics of cost (it is no aim to be cheaper than a baseline).
    """
    verdicts: list[bool | None] = [None] * len(table)
    ranked = table["mean_rank"].notna().to_numpy()
    control = table["family"].to_numpy(str) == "control"
    baselines, others = np.flatnonzero(ranked & control), np.flatnonzero(ranked & ~control)
    if not (metric.larger_is_better and len(baselines) and len(others) and len(grid.cells) > 1):
        return "", verdicts
    means = averages.family_means(averages.dataset_means(values[baselines], grid.cells), grid.cells)
    best = baselines[np.argmax(means)]
    low = np.quantile((values[others] - values[best]) @ weights, (1 - intervals.LEVEL) / 2, axis=1)
    for detector, limit in zip(others, low, strict=True):
        verdicts[detector] = bool(limit > 1e-9)
    return str(grid.labels[best]), verdicts


def _failures_in_words(grid: Grid, rows: pd.DataFrame, metric: Metric) -> list[str]:
    """Return (detectors,) "unsupported 5, missing 2": why a detector's rows do not count."""
    status = rows["status"].to_numpy(str).astype(object)
    status[(status == "ok") & np.isnan(rows[metric.name].to_numpy(float))] = f"no {metric.name}"
    counts = pd.crosstab(rows["label"], pd.Series(status, name="status"))
    counts["not wanted"] = len(grid.cells) - counts.sum(axis=1)
    counts = counts.drop(columns="ok", errors="ignore")
    words = []
    for _, line in counts.iterrows():
        found = line[line > 0].sort_values(ascending=False, kind="stable")
        words.append(", ".join(f"{name} {count}" for name, count in found.items()))
    return words
