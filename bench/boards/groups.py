"""Means of a board over parts of its rows: protocols, kinds of data, types of detectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.boards.grid import Grid
from bench.boards.words import FAMILIES
from bench.metrics.scored import Metric
from bench.stats import averages


def means(rows: pd.DataFrame, by: str, metric: Metric, order: Sequence[str]) -> pd.DataFrame:
    """Return a line for each value of the column `by` and detector, in the given order of labels.

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
            samples = column[whole] @ averages.bootstrap_weights(grid.cells)
            limits[:, whole] = averages.percentile_interval(samples)
        table = pd.DataFrame({"label": grid.labels, by: name})
        table["value"] = averages.family_means(
            averages.dataset_means(column, grid.cells), grid.cells
        )
        table["low"], table["high"] = limits
        table["rows_ok"] = np.isfinite(column).sum(axis=1)
        table["rows"] = column.shape[1]
        tables.append(table.set_index("label").loc[list(order)].reset_index())
    return pd.concat(tables, ignore_index=True)


def families(detectors: pd.DataFrame, datasets: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return a line for each type of detector on the board, with the values of its best.

    Columns: `family`; `detectors` and how many of them are `ranked`; `best`, the label of its
    ranked detector with the best mean (of equal ones the higher on the board), with `rank`,
    `value`, `low`, `high` and the median costs of that one; `median`, the median of the means of
    its ranked detectors; and `first`, the number of data sets whose best detector (or one that
    ties with it) is of the type, of `datasets` that have one.
    """
    lines = []
    for family in FAMILIES:
        own = detectors[detectors["family"] == family]
        if own.empty:
            continue
        ranked = own[own["rank"].notna()]
        line = {"family": family, "detectors": len(own), "ranked": len(ranked)}
        goodness = ranked[metric.name] if metric.larger_is_better else -ranked[metric.name]
        top = ranked.iloc[goodness.round(9).argmax()] if len(ranked) else None
        line["best"] = "" if top is None else top["label"]
        for name, column in (
            ("rank", "rank"), ("value", metric.name), ("low", f"{metric.name}_low"),
            ("high", f"{metric.name}_high"), ("fit_seconds", "median_fit_seconds"),
            ("score_us", "median_score_us"),
        ):  # fmt: skip
            line[name] = np.nan if top is None else top[column]
        line["median"] = ranked[metric.name].median() if len(ranked) else np.nan
        lead = (datasets[f"best_{family}_value"] - datasets["best_value"]).abs()
        line["first"] = int((lead < 1e-9).sum())
        line["datasets"] = int((datasets["best"] != "").sum())
        lines.append(line)
    return pd.DataFrame(lines)
