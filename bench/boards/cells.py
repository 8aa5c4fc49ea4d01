"""The cells of a board, detectors times data sets, and the table of its data sets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.boards.grid import Grid
from bench.boards.words import TYPES
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.stats import averages, intervals
from bench.stats.averages import Floats

INVERTED = 0.3  # an AUROC below it is no accident of a random detector
CHANCE = 0.5


def row_limits(rows: pd.DataFrame, metric: str) -> tuple[Floats, Floats]:
    """Return the 95 % limits (rows,) of the metric; nan for one without an interval of its own."""

    def column(name: str) -> Floats:
        return rows[name].to_numpy(float)

    anomalies = column("n_anomalies")
    if metric == "auroc":
        normals = column("n_test") - anomalies
        return intervals.auroc_interval(column("auroc"), column("auroc_se"), anomalies, normals)
    if metric in ("average_precision", "lifted_average_precision"):
        low, high = intervals.average_precision_interval(column("average_precision"), anomalies)
        if metric == "average_precision":
            return low, high
        base = column("prevalence")
        lifted = scored.lifted_average_precision
        return lifted(low, base), lifted(high, base)
    if metric in scored.OF_PIXELS:
        return column(f"{metric}_low"), column(f"{metric}_high")
    return np.full(len(rows), np.nan), np.full(len(rows), np.nan)


def cells(grid: Grid, rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return a line for each detector and data set, with its value, limits and status."""
    low, high = row_limits(rows, metric.name)
    table = grid.table(rows[metric.name])
    shape = (len(grid.labels), len(grid.datasets))
    member = np.eye(len(grid.datasets))[grid.nesting.dataset]  # (columns, data sets)
    columns = {
        "label": np.repeat(grid.labels, shape[1]),
        "dataset": np.tile(grid.datasets, shape[0]),
        "rows_ok": (np.isfinite(table) @ member).astype(int).ravel(),
        "rows": np.tile(member.sum(axis=0).astype(int), shape[0]),
    }
    status = rows.loc[rows["status"] != "ok"].groupby(["label", "dataset"])["status"]
    commonest = status.agg(lambda found: found.value_counts(sort=True).index[0])
    parts = {"value": table, "low": grid.table(pd.Series(low)), "high": grid.table(pd.Series(high))}
    for name, part in parts.items():
        columns[name] = averages.dataset_means(part, grid.nesting).ravel()
    cells = pd.DataFrame(columns)
    keys = pd.MultiIndex.from_frame(cells[["label", "dataset"]])
    by_seed = rows.sort_values("seed").groupby(["label", "dataset"])[metric.name]
    cells["std"] = by_seed.std().reindex(keys).to_numpy()
    cells["status"] = commonest.reindex(keys).fillna("").to_numpy(object)
    cells["inverted"] = is_inverted(metric.name, cells["value"], cells["high"])
    return cells


def is_inverted(metric: str, value: pd.Series, high: pd.Series) -> pd.Series:
    """Whether an AUROC is so far below .5 that scores may be inverted, by its upper limit too."""
    return (metric == "auroc") & (value < INVERTED) & ~(high >= CHANCE)


def marked(cells: pd.DataFrame, datasets: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the cells with what is best on their data set, and what may equal it."""
    top = cells["dataset"].map(dict(zip(datasets["dataset"], datasets["best_value"], strict=True)))
    whole = cells["rows_ok"] == cells["rows"]
    reached = cells["high"] >= top if metric.larger_is_better else cells["low"] <= top
    best = whole & ((cells["value"] - top).abs() < 1e-9)
    return cells.assign(best=best, near=whole & reached & ~best)


def data_sets(
    grid: Grid, rows: pd.DataFrame, cells: pd.DataFrame, detectors: pd.DataFrame, metric: Metric
) -> pd.DataFrame:
    """Return a line for each data set, with its sizes and the best detectors on it."""
    by_dataset = rows.groupby("dataset", sort=True)
    constant = ["dataset_family", "dataset_kind", "protocol", "scaler"]
    table = by_dataset[constant].first().reset_index()
    for name in ("n_train", "n_test", "n_anomalies"):
        table[name] = by_dataset[name].median().to_numpy(float)
    whole = cells[cells["rows_ok"] == cells["rows"]]
    place = {label: i for i, label in enumerate(detectors["label"])}  # ties go to the higher rank
    types = dict(zip(detectors["label"], detectors["type"], strict=True))
    whole = whole.assign(
        goodness=(whole["value"] if metric.larger_is_better else -whole["value"]).round(9),
        place=whole["label"].map(place),
        type=whole["label"].map(types),
    ).sort_values(["goodness", "place"], ascending=[False, True])
    groups = dict(list(whole.groupby("dataset")))
    lines = [_best(groups.get(name)) for name in grid.datasets]
    return pd.concat([table, pd.DataFrame(lines)], axis=1)


def _best(cells: pd.DataFrame | None) -> dict[str, object]:
    """Return the best of one data set from its complete cells, the best first."""
    found: dict[str, object] = {"best": "", "ties": 0, "reaching": np.nan, "compared": np.nan}
    found |= dict.fromkeys(("best_value", "best_low", "best_high"), np.nan)
    for name in TYPES:
        found |= {f"best_{name}": "", f"best_{name}_value": np.nan}
    if cells is None:
        return found
    top = cells.iloc[0]
    found |= {
        "best": top["label"], "best_value": top["value"],
        "best_low": top["low"], "best_high": top["high"],
        "ties": int((cells["goodness"] == top["goodness"]).sum()) - 1,
    }  # fmt: skip
    for name in TYPES:
        its = cells[cells["type"] == name]
        if len(its):
            found[f"best_{name}"] = its["label"].iloc[0]
            found[f"best_{name}_value"] = its["value"].iloc[0]
    if np.isfinite(cells["high"]).any():
        found["reaching"] = int((cells["high"] >= top["value"]).sum())
        found["compared"] = len(cells)
    return found
