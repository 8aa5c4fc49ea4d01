"""Means of a board over parts of its rows: protocols, kinds of data, types of detectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.boards.estimates import Estimates, estimates
from bench.boards.grid import Grid
from bench.boards.words import TYPES
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.stats import averages

Limited = tuple[float, float, float]  # a value and its limits


def means(rows: pd.DataFrame, by: str, metric: Metric, order: Sequence[str]) -> pd.DataFrame:
    """Return a line for each value of the column `by` and detector with rows, in the given order.

    Columns: `by`, `label`, `value` (the mean over seeds, data sets and families), its 95 % limits
    `low` and `high` (nan where incomplete or nothing varies), and `rows_ok` of `rows`.
    """
    tables = []
    for name, part in rows.groupby(by, sort=False):
        grid = Grid(part)
        column = grid.table(part[metric.name])
        limits = np.full((2, len(column)), np.nan)
        whole = np.isfinite(column).all(axis=1)
        if whole.any():
            _, *limits[:, whole] = estimates(grid, part, metric.name).means()
        table = pd.DataFrame({"label": grid.labels, by: name})
        table["value"] = averages.family_means(
            averages.dataset_means(column, grid.nesting), grid.nesting
        )
        table["low"], table["high"] = limits
        table["rows_ok"] = np.isfinite(column).sum(axis=1)
        table["rows"] = column.shape[1]
        there = [label for label in order if label in set(grid.labels)]
        tables.append(table.set_index("label").loc[there].reset_index())
    return pd.concat(tables, ignore_index=True)


def types(detectors: pd.DataFrame, datasets: pd.DataFrame, found: Estimates) -> pd.DataFrame:
    """Return a line for each type of detector on the board, with the values of its best.

    Columns: `type`; `detectors` and how many of them are `ranked`; `best`, the label of its
    ranked detector with the best mean (of equal ones the higher on the board), with `rank`,
    `value`, `low`, `high` and the median costs of that one; `typical`, the mean of the medians of
    its ranked detectors on each data set, with `typical_low` and `typical_high`; `gain`, the best
    less the best shallow one, with `gain_low` and `gain_high` (nan for shallow itself); and
    `first`, the number of data sets whose best detector (or one that ties with it) is of the type,
    of `datasets` that have one.
    """
    metric = found.metric
    better = scored.get(metric).larger_is_better
    bests, lines = {}, []
    for name in TYPES:
        own = detectors[(detectors["type"] == name) & detectors["rank"].notna()]
        if len(own):
            goodness = own[metric] if better else -own[metric]
            bests[name] = own.iloc[goodness.round(9).argmax()]
    for name in TYPES:
        own = detectors[detectors["type"] == name]
        if own.empty:
            continue
        ranked = own[own["rank"].notna()]
        line = {"type": name, "detectors": len(own), "ranked": len(ranked), "best": ""}
        line |= dict.fromkeys(("rank", "value", "low", "high", "fit_seconds", "score_us"), np.nan)
        if name in bests:
            top = bests[name]
            line |= {
                "best": top["label"], "rank": top["rank"], "value": top[metric],
                "low": top[f"{metric}_low"], "high": top[f"{metric}_high"],
                "fit_seconds": top["median_fit_seconds"], "score_us": top["median_score_us"],
            }  # fmt: skip
        line |= _limited("typical", found.typical(list(ranked["label"])))
        line |= _limited("gain", _gain(found, bests.get(name), bests.get("shallow")))
        lead = (datasets[f"best_{name}_value"] - datasets["best_value"]).abs()
        line["first"] = int((lead < 1e-9).sum())
        line["datasets"] = int((datasets["best"] != "").sum())
        lines.append(line)
    return pd.DataFrame(lines)


def _gain(found: Estimates, best: pd.Series | None, shallow: pd.Series | None) -> Limited:
    """Return how much better the best of a type is than the best shallow detector."""
    if best is None or shallow is None or best["label"] == shallow["label"]:
        return np.nan, np.nan, np.nan
    place = found.labels.index(best["label"])
    mean, low, high = (float(column[place]) for column in found.differences(shallow["label"]))
    return mean, low, high


def _limited(name: str, values: Limited) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
