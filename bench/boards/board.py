"""A leaderboard from the rows of a suite: pure functions of one table.

`build` turns one line for each wanted row into a `Board`: ranked detectors, the best of each data
set, every cell with its interval, and the sentences that a reader needs beside the numbers.
`bench.render` prints it.

A detector is ranked when it has all its rows, since a mean over other data sets is another
quantity. The unit of every average is the data set, after its seeds; data sets are averaged within
their family first.
"""

from dataclasses import dataclass, replace

import pandas as pd

from bench.boards import cells, columns, detectors, groups, notes
from bench.boards.estimates import estimates
from bench.boards.grid import Grid
from bench.boards.paired import Paired, Scores, paired
from bench.metrics import scored
from bench.metrics.scored import Metric
from bench.store import provenance


@dataclass(frozen=True)
class Board:
    """A leaderboard as tables; every number at full precision, nan where there is none.

    Attributes:
        title, metric: of the board.
        protocol: that it ranks under; all of them, if data sets have their own.
        detectors: a line for each detector, the ranked ones first: `rank` (nan when incomplete),
            `rank_low` and `rank_high`, its best and worst rank with all data sets and with each
            left out, `label`, `spec`, `type`, `rows_ok` of `rows`, `failures` in words,
            `mean_rank`, the means NAME with `NAME_low` and `NAME_high` for each of
            `columns.AVERAGED` and the board's metric, with `NAME_best`, the best mean of all, and
            `NAME_near`, a mean that is not distinguishable from it (both are False where
            incomplete); `median_COST` for each of `columns.COSTS`, `transductive`,
            `shared_model`, and `beats_baseline` (True, False, or None where unknown).
        datasets: a line for each data set: kind, sizes (medians over rows), `best` with value and
            limits, `ties` (others with the same value), `best_FAMILY` with its value, and
            `reaching` of `compared`: the detectors whose own interval contains the best value.
        cells: a line for each detector and data set: `value`, the mean over the available seeds;
            `low` and `high`, the means of the rows' limits, since seeds share anomalies and their
            average does not narrow an interval as independent test sets would; `std`, the standard
            deviation over the available seeds, nan for a single one; `rows_ok` of
            `rows`, `status`, the most frequent one that is not ok, else ""; `best`, and `near`,
            whose own interval contains the best value of the data set.
        failures: a line for each detector, status and reason: `rows` and their `datasets`.
        protocols: for rows under several protocols a line for each detector and protocol: `value`,
            the mean of the metric, with its limits `low` and `high`, and `rows_ok` of `rows`. The
            other tables are of the first protocol of each data set. Empty otherwise.
        kinds: the same for kinds of data (`kind` in place of `protocol`), if there are several.
        types: a line for each type of detector; see `groups.types`.
        made_by: sentences on the machines, versions and commits of the rows.
        caption: what was compared, in one line.
        notes: sentences under the tables.
        errors: of the differences of detectors, for one or two data sets whose scores are known.
        best_baseline: label of what `beats_baseline` refers to; empty if there is none.
        stale: number of rows of older code that were left out.
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
    types: pd.DataFrame
    made_by: tuple[str, ...]
    caption: str
    notes: tuple[str, ...]
    errors: Paired | None
    best_baseline: str
    stale: int


def build(
    frame: pd.DataFrame,
    *,
    metric: str = "auroc",
    title: str,
    stale: int = 0,
    scores: Scores | None = None,
) -> Board:
    """Return the board of rows.

    Args:
        frame: a line for each wanted row, with `columns.TEXT_COLUMNS` and `NUMBER_COLUMNS`; with a
            column `provenance`, as stored, the board says which code and machines made the rows.
        metric: that detectors are ranked by.
        title: of the board.
        stale: number of rows of older code that were left out.
        scores: from a row's key to its labels and scores, None if it has none. Boards of one or two
            data sets compare detectors by them, which costs milliseconds a row.

    Raises:
        ValueError: the metric is unknown or does not rank, or as `columns.check` says.
    """
    chosen = _rankable(metric)
    columns.check(frame)
    ranked = columns.ranked(frame)
    made = _build(ranked, chosen, title, stale, scores)
    if frame["protocol"].nunique() == 1:
        return made
    order = list(made.detectors["label"])
    means = groups.means(columns.derived(frame), "protocol", chosen, order)
    several = notes.of_several_protocols(ranked) if len(ranked) < len(frame) else ()
    flaws = [note for note in notes.flaws(frame) if note not in made.notes]
    return replace(made, protocols=means, notes=(*several, *made.notes, *flaws))


def _build(
    frame: pd.DataFrame, metric: Metric, title: str, stale: int, scores: Scores | None
) -> Board:
    """Return the board of rows under one protocol of each data set."""
    rows = columns.derived(frame)
    grid = Grid(rows)
    errors = None
    if scores is not None:
        complete = estimates(grid, rows, "auroc").labels
        errors = paired(rows.assign(key=frame["key"].to_numpy(str)), complete, scores)
    every_cell = cells.cells(grid, rows, metric)
    table, best_baseline = detectors.detectors(grid, rows, metric, errors)
    order = ["mean_rank", "rows_ok", "label"]
    table = table.sort_values(order, ascending=[True, False, True], kind="stable")
    table = table.reset_index(drop=True)
    datasets = cells.data_sets(grid, rows, every_cell, table, metric)
    kinds = pd.DataFrame()
    if rows["dataset_kind"].nunique() > 1:
        kinds = groups.means(rows, "dataset_kind", metric, list(table["label"]))
        kinds = kinds.rename(columns={"dataset_kind": "kind"})
    found = estimates(grid, rows, metric.name, errors)
    sentences = notes.sentences(table, every_cell, metric, best_baseline, found, stale)
    return Board(
        title=title,
        metric=metric,
        protocol=", ".join(rows["protocol"].unique()),
        detectors=table,
        datasets=datasets,
        cells=cells.marked(every_cell, datasets, metric),
        failures=_failures(rows),
        protocols=pd.DataFrame(),
        kinds=kinds,
        types=groups.types(table, datasets, found),
        made_by=provenance.made_by(frame.get("provenance", ())),
        caption=notes.caption(rows, grid),
        notes=(*sentences, *notes.splits(rows), *notes.of_groups(rows), *notes.flaws(rows)),
        errors=errors,
        best_baseline=best_baseline,
        stale=stale,
    )


def _rankable(name: str) -> Metric:
    metric = scored.get(name)
    if metric.larger_is_better is None:
        able = [m.name for m in scored.METRICS.values() if m.larger_is_better is not None]
        msg = f"a board does not rank by {name!r}; it ranks by {', '.join(able)}"
        raise ValueError(msg)
    return metric


def _failures(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line for each detector, status and first line of a reason."""
    failed = rows[~rows["status"].isin(["ok", "missing"])].copy()
    failed["reason"] = [
        reason.strip().partition("\n")[0] if isinstance(reason, str) else ""
        for reason in failed["reason"]
    ]
    grouped = failed.groupby(["label", "status", "reason"], sort=True)["dataset"]
    return pd.DataFrame(
        {"rows": grouped.size(), "datasets": grouped.agg(lambda names: sorted(set(names)))}
    ).reset_index()
