"""A leaderboard from the rows a suite wants: pure functions of one table.

`build` turns one line per wanted row into a `Board`: detectors ranked, the best of each data set,
every cell with its interval, and the sentences a reader needs beside the numbers. `bench.render`
prints it.

A detector is ranked when all its rows are there, since a mean over other data sets is another
quantity. The unit of every average is the data set, after its seeds; data sets are averaged within
their family first.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.boards import groups
from bench.boards.grid import Grid
from bench.boards.groups import FAMILIES
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.protocols import named as protocols
from bench.stats import averages, intervals
from bench.store import provenance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TEXT_COLUMNS = (
    "label", "spec", "family", "dataset", "dataset_family", "dataset_kind", "protocol", "scaler",
    "seed", "device", "status", "reason", "transductive",
)  # fmt: skip
NUMBER_COLUMNS = (
    "auroc", "auroc_se", "average_precision", "prevalence", "recall@fpr=0.05", "distinct",
    "n_train", "n_test", "n_anomalies", "fit_seconds", "fit_wall_seconds", "model_rows",
    "score_us", "peak_mib", "parameters", *scored.OF_PIXELS,
)  # fmt: skip
AVERAGED = (
    "auroc", "lifted_average_precision", "average_precision", "prevalence", "recall@fpr=0.05",
)  # fmt: skip
MARKS = {
    "weak": "\N{DEGREE SIGN}", "transductive": "\N{DAGGER}", "shared": "*",
    "near": "\N{ALMOST EQUAL TO}",
}  # fmt: skip
COSTS = ("fit_seconds", "fit_wall_seconds", "score_us", "peak_mib", "parameters")


@dataclass(frozen=True)
class Board:
    """A leaderboard as tables; every number at full precision, nan where there is none.

    detectors: a line per detector, the ranked ones first: `rank` (nan when incomplete), `label`,
        `spec`, `family`, `rows_ok` of `rows`, `failures` in words, `mean_rank`, the means NAME with
        `NAME_low` and `NAME_high` for each of `AVERAGED` and the board's metric, with `NAME_best`,
        the best mean of all, and `NAME_near`, a mean that is not told apart from it (False, as
        both are, where incomplete); `median_COST` for each of `COSTS`, `transductive`,
        `shared_model`, and `beats_control` (True, False, or None where that is not known).
    datasets: a line per data set: kind, sizes (medians over rows), `best` with value and limits,
        `ties` (others that reach the same value), `best_FAMILY` with its value, and `reaching` of
        `compared`: the detectors whose own interval reaches the best value.
    cells: a line per detector and data set: `value`, the mean over the seeds there are; `low` and
        `high`, the means of the rows' limits, since seeds share anomalies and averaging them does
        not narrow an interval as independent test sets would; `rows_ok` of `rows`, `status`, the
        commonest of those that are not ok, else ""; `best`, and `near`, whose own interval reaches
        the best value of the data set.
    failures: a line per detector, status and reason: `rows` and the `datasets` it struck.
    protocols: where rows are under several protocols, all the above is of the first, and this has
        a line per detector and protocol: `value`, the mean of the metric, with its limits `low`
        and `high`, and `rows_ok` of `rows`. Empty otherwise.
    kinds: the same for kinds of data (`kind` in place of `protocol`), where there are several.
    families: a line for each of deep, shallow, hybrid and control; see `groups.families`.
    made_by: sentences on the machines, versions and commits that the rows come from.
    caption: what was compared, one line. notes: sentences that belong under the tables.
    best_control: label of the control that `beats_control` refers to; empty where there is none.
    """

    title: str
    metric: Metric
    protocol: str
    detectors: pd.DataFrame
    datasets: pd.DataFrame
    cells: pd.DataFrame
    failures: pd.DataFrame
    protocols: pd.DataFrame
    kinds: pd.DataFrame
    families: pd.DataFrame
    made_by: tuple[str, ...]
    caption: str
    notes: tuple[str, ...]
    best_control: str
    stale: int


def build(frame: pd.DataFrame, *, metric: str = "auroc", title: str, stale: int = 0) -> Board:
    """The board of `frame`: one line per wanted row, with TEXT_COLUMNS and NUMBER_COLUMNS.

    Where it has a column `provenance`, as stored, the board says what made the rows.

    metric: what is ranked by. stale: rows of older code that were left out, to be mentioned.
    Raises ValueError for an unknown metric or one that ranks nothing, an empty frame, absent
    columns, a row given twice, or a data set under more than one scaler.
    """
    chosen = _rankable(metric)
    _check(frame)
    boards = [
        _build(part, chosen, title, stale) for _, part in frame.groupby("protocol", sort=False)
    ]
    first = boards[0]
    if len(boards) == 1:
        return first
    order = list(first.detectors["label"])
    return replace(
        first,
        protocols=groups.means(_derived(frame), "protocol", chosen, order),
        notes=(
            f"Ranked under the protocol {first.protocol}, of which all but the table of protocols "
            "is; `--protocol` gives the board of another.",
            *first.notes,
            *dict.fromkeys(note for board in boards[1:] for note in _flaws(board.protocol)),
        ),
    )


def _build(frame: pd.DataFrame, chosen: Metric, title: str, stale: int) -> Board:
    """The board of rows under one protocol."""
    rows = _derived(frame)
    grid = Grid(rows)
    cells = _cells(grid, rows, chosen)
    detectors, best_control = _detectors(grid, rows, chosen)
    order = detectors.sort_values(
        ["mean_rank", "rows_ok", "label"], ascending=[True, False, True], kind="stable"
    )["label"]
    detectors = detectors.set_index("label", drop=False).loc[order].reset_index(drop=True)
    datasets = _datasets(grid, rows, cells, detectors, chosen)
    several = rows["dataset_kind"].nunique() > 1
    return Board(
        title=title,
        metric=chosen,
        protocol=str(rows["protocol"].iloc[0]),
        detectors=detectors,
        datasets=datasets,
        cells=_marked(cells, datasets, chosen),
        failures=_failures(rows),
        protocols=pd.DataFrame(),
        kinds=groups.means(rows, "dataset_kind", chosen, list(order)).rename(
            columns={"dataset_kind": "kind"}
        )
        if several
        else pd.DataFrame(),
        families=groups.families(detectors, datasets, chosen),
        made_by=provenance.made_by(frame.get("provenance", ())),
        caption=_caption(rows, grid),
        notes=(
            *_notes(detectors, chosen, best_control, len(set(grid.cells.family)), stale),
            *_flaws(rows["protocol"].iloc[0]),
        ),
        best_control=best_control,
        stale=stale,
    )


def _rankable(name: str) -> Metric:
    metric = scored.get(name)
    if metric.larger_is_better is None:
        able = [m.name for m in scored.METRICS.values() if m.larger_is_better is not None]
        msg = f"a board does not rank by {name!r}; it ranks by {', '.join(able)}"
        raise ValueError(msg)
    return metric


def _check(frame: pd.DataFrame) -> None:
    absent = [c for c in (*TEXT_COLUMNS, *NUMBER_COLUMNS) if c not in frame.columns]
    if absent:
        msg = f"a board needs the columns {', '.join(absent)}, which the table of rows lacks"
        raise ValueError(msg)
    if frame.empty:
        msg = "no rows to make a board of: the suite wants none; give it detectors and data sets"
        raise ValueError(msg)
    twice = frame[frame.duplicated(["label", "dataset", "protocol", "seed"])]
    if len(twice):
        label, dataset, seed = twice.iloc[0][["label", "dataset", "seed"]]
        msg = (
            f"{label!r} on {dataset!r} with seed {seed} is there {len(twice) + 1} times or more; "
            "a board takes one row of each: give two settings of a detector two labels"
        )
        raise ValueError(msg)
    for column in ("scaler", "dataset_family"):
        counts = frame.groupby("dataset")[column].nunique(dropna=False)
        if (counts > 1).any():
            name = counts.index[counts > 1][0]
            found = ", ".join(sorted(frame.loc[frame["dataset"] == name, column].astype(str)
                                     .unique()))  # fmt: skip
            msg = f"{name!r} has more than one {column} ({found}); rows of one board share it"
            raise ValueError(msg)


def _derived(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with plain floats, lifted AP, and no number but sizes where the row is not ok."""
    rows = frame[list(TEXT_COLUMNS)].reset_index(drop=True)
    ok = rows["status"].to_numpy(str) == "ok"
    for column in NUMBER_COLUMNS:
        values = pd.to_numeric(frame[column]).to_numpy(float, na_value=np.nan)
        rows[column] = values if column.startswith("n_") else np.where(ok, values, np.nan)
    rows["lifted_average_precision"] = scored.lifted_average_precision(
        rows["average_precision"].to_numpy(float), rows["prevalence"].to_numpy(float)
    )
    return rows


def _row_limits(rows: pd.DataFrame, metric: Metric) -> tuple[Floats, Floats]:
    """95 % limits (rows,) of the metric; nan for metrics without an interval of their own."""
    column = {name: rows[name].to_numpy(float) for name in NUMBER_COLUMNS}
    anomalies, normals = column["n_anomalies"], column["n_test"] - column["n_anomalies"]
    if metric.name == "auroc":
        return intervals.auroc_interval(column["auroc"], column["auroc_se"], anomalies, normals)
    if metric.name in ("average_precision", "lifted_average_precision"):
        low, high = intervals.average_precision_interval(column["average_precision"], anomalies)
        if metric.name == "average_precision":
            return low, high
        base = column["prevalence"]
        lifted = scored.lifted_average_precision
        return lifted(low, base), lifted(high, base)
    return np.full(len(rows), np.nan), np.full(len(rows), np.nan)


def _cells(grid: Grid, rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    low, high = _row_limits(rows, metric)
    table = grid.table(rows[metric.name])
    shape = (len(grid.labels), len(grid.datasets))
    member = np.eye(len(grid.datasets))[grid.cells.dataset]  # (cells, data sets)
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
        columns[name] = averages.dataset_means(part, grid.cells).ravel()
    cells = pd.DataFrame(columns)
    keys = pd.MultiIndex.from_frame(cells[["label", "dataset"]])
    cells["status"] = commonest.reindex(keys).fillna("").to_numpy(object)
    return cells


def _marked(cells: pd.DataFrame, datasets: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The cells with what is best on their data set and what reaches it."""
    top = cells["dataset"].map(dict(zip(datasets["dataset"], datasets["best_value"], strict=True)))
    whole = cells["rows_ok"] == cells["rows"]
    reached = cells["high"] >= top if metric.larger_is_better else cells["low"] <= top
    best = whole & ((cells["value"] - top).abs() < 1e-9)
    return cells.assign(best=best, near=whole & reached & ~best)


def _detectors(grid: Grid, rows: pd.DataFrame, metric: Metric) -> tuple[pd.DataFrame, str]:
    """The table of detectors in order of labels, and the name of the best control."""
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
    """(detectors,) the best mean, and those whose paired difference from it may be none.

    values: (detectors,) means, larger is better. samples: (detectors, draws), bootstrapped.
    """
    best = values >= values.max() - 1e-9
    lead = samples[np.argmax(values)] - samples
    low = np.quantile(lead, (1 - intervals.LEVEL) / 2, axis=1)
    return best, (low <= 1e-9) & ~best


def _verdicts(
    table: pd.DataFrame, values: Floats, grid: Grid, weights: Floats, metric: Metric
) -> tuple[str, list[bool | None]]:
    """The best complete control and, per detector, whether it is surely better than that one.

    The best control is the one with the best mean; surely better is a 95 % interval of the paired
    difference above 0. None for controls, incomplete detectors, a single cell (nothing varies) and
    metrics of cost (being cheaper than a control is no aim).
    """
    verdicts: list[bool | None] = [None] * len(table)
    ranked = table["mean_rank"].notna().to_numpy()
    control = table["family"].to_numpy(str) == "control"
    controls, others = np.flatnonzero(ranked & control), np.flatnonzero(ranked & ~control)
    if not (metric.larger_is_better and len(controls) and len(others) and len(grid.cells) > 1):
        return "", verdicts
    means = averages.family_means(averages.dataset_means(values[controls], grid.cells), grid.cells)
    best = controls[np.argmax(means)]
    low = np.quantile((values[others] - values[best]) @ weights, (1 - intervals.LEVEL) / 2, axis=1)
    for detector, limit in zip(others, low, strict=True):
        verdicts[detector] = bool(limit > 1e-9)
    return str(grid.labels[best]), verdicts


def _failures_in_words(grid: Grid, rows: pd.DataFrame, metric: Metric) -> list[str]:
    """(detectors,) "unsupported 5, missing 2": why a detector's rows do not count."""
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


def _datasets(
    grid: Grid, rows: pd.DataFrame, cells: pd.DataFrame, detectors: pd.DataFrame, metric: Metric
) -> pd.DataFrame:
    by_dataset = rows.groupby("dataset", sort=True)
    told = ["dataset_family", "dataset_kind", "protocol", "scaler"]
    table = by_dataset[told].first().reset_index()
    for name in ("n_train", "n_test", "n_anomalies"):
        table[name] = by_dataset[name].median().to_numpy(float)
    whole = cells[cells["rows_ok"] == cells["rows"]]
    place = {label: i for i, label in enumerate(detectors["label"])}  # ties go to the higher rank
    family = dict(zip(detectors["label"], detectors["family"], strict=True))
    whole = whole.assign(
        goodness=(whole["value"] if metric.larger_is_better else -whole["value"]).round(9),
        place=whole["label"].map(place),
        family=whole["label"].map(family),
    ).sort_values(["goodness", "place"], ascending=[False, True])
    groups = dict(list(whole.groupby("dataset")))
    lines = [_best(groups.get(name)) for name in grid.datasets]
    return pd.concat([table, pd.DataFrame(lines)], axis=1)


def _best(cells: pd.DataFrame | None) -> dict[str, object]:
    """The best of one data set, from its whole cells, the best first."""
    if cells is None:
        return _no_best()
    top = cells.iloc[0]
    found = _no_best() | {
        "best": top["label"], "best_value": top["value"],
        "best_low": top["low"], "best_high": top["high"],
        "ties": int((cells["goodness"] == top["goodness"]).sum()) - 1,
    }  # fmt: skip
    for family in FAMILIES:
        of_family = cells[cells["family"] == family]
        if len(of_family):
            found[f"best_{family}"] = of_family["label"].iloc[0]
            found[f"best_{family}_value"] = of_family["value"].iloc[0]
    if np.isfinite(cells["high"]).any():
        found["reaching"] = int((cells["high"] >= top["value"]).sum())
        found["compared"] = len(cells)
    return found


def _no_best() -> dict[str, object]:
    nothing: dict[str, object] = {"best": "", "ties": 0, "reaching": np.nan, "compared": np.nan}
    nothing |= dict.fromkeys(("best_value", "best_low", "best_high"), np.nan)
    for family in FAMILIES:
        nothing |= {f"best_{family}": "", f"best_{family}_value": np.nan}
    return nothing


def _failures(rows: pd.DataFrame) -> pd.DataFrame:
    failed = rows[~rows["status"].isin(["ok", "missing"])].copy()
    failed["reason"] = [str(r).strip().partition("\n")[0] if isinstance(r, str) else ""
                        for r in failed["reason"]]  # fmt: skip
    grouped = failed.groupby(["label", "status", "reason"], sort=True)["dataset"]
    return pd.DataFrame(
        {"rows": grouped.size(), "datasets": grouped.agg(lambda names: sorted(set(names)))}
    ).reset_index()


def _caption(rows: pd.DataFrame, grid: Grid) -> str:
    def of(column: str) -> str:
        return ", ".join(sorted(rows[column].dropna().astype(str).unique())) or "unknown"

    seeds = sorted(int(s) for s in rows["seed"].unique())
    run = seeds == list(range(seeds[0], seeds[-1] + 1)) and len(seeds) > 2
    named = f"{seeds[0]}-{seeds[-1]}" if run else ", ".join(map(str, seeds))
    families = int(grid.cells.family.max()) + 1
    return (
        f"{_count(len(grid.labels), 'detector')}, {_count(len(grid.datasets), 'data set')} in "
        f"{_count(families, 'family', 'families')}, {_count(len(seeds), 'seed')} ({named}); "
        f"protocol {of('protocol')}, scaler {of('scaler')}, device {of('device')}"
    )


def _notes(
    detectors: pd.DataFrame, metric: Metric, best_control: str, families: int, stale: int
) -> tuple[str, ...]:
    """Sentences under the tables: what beats no control first, then how to read the numbers."""
    ranked = detectors["rank"].notna()
    notes = []
    if not ranked.any():
        notes.append("No detector has all its rows, so none is ranked.")
    if best_control:
        verdicts = list(detectors["beats_control"].dropna())
        notes.append(
            f"{MARKS['weak']} not clearly better than the best control, {best_control}: "
            f"{verdicts.count(False)} of {len(verdicts)} ranked detectors (the 95 % interval of "
            "the paired difference is not above 0)."
        )
    notes.append(
        f"Means and mean ranks (by {metric.name}) run over seeds, then data sets, then families. "
        f"Intervals: 95 %, {averages.DRAWS} bootstrap draws of families, data sets in them, seeds "
        "in those; none where nothing varies."
    )
    if families < averages.FEW_FAMILIES:
        notes[-1] += (
            f" Over {_count(families, 'family', 'families')} only they are rough and too narrow "
            "(with 4, about 80 % hold the truth)."
        )
    controls = (
        "Controls are what a method has to beat: no model, or one without training."
        if (detectors["family"] == "control").any()
        else "There is no control among these detectors, so nothing shows what they had to beat; "
        "add random and mean-distance."
    )
    notes.append(f"Lifted AP = (AP - prevalence) / (1 - prevalence). {controls}")
    notes.append(
        "fit s: median CPU seconds; \N{MICRO SIGN}s/x: median microseconds to score a sample."
    )
    if detectors["shared_model"].any():
        notes[-1] += (
            f" {MARKS['shared']} one fitted model serves several rows; each carries its whole cost."
        )
    notes.append(
        f"{MARKS['near']} not told apart from the best: for means the 95 % interval of the paired "
        "difference holds 0, for a data set the detector's own interval reaches the best value."
    )
    if detectors["transductive"].any():
        notes.append(f"{MARKS['transductive']} transductive: scores depend on the other test rows.")
    if not ranked.all():
        notes.append(
            "Incomplete detectors are unranked: their means are over other rows and do not compare."
        )
    if metric.name in ("auroc", "average_precision", "lifted_average_precision"):
        notes.append(
            "By data set: the interval is a single test set's (seeds share anomalies, so it is not "
            "narrowed by them); reach: detectors whose own interval reaches the best value."
        )
    if stale:
        notes.append(f"{_count(stale, 'stale row')} of older code left out.")
    return tuple(notes)


def _flaws(protocol: str) -> tuple[str, ...]:
    flaw = protocols.find(protocol).flaw
    return (f"Protocol {protocol}: {flaw}.",) if flaw else ()


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
