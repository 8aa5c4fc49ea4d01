"""Where a deep detector overtakes a shallow one: their difference against sizes of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.boards.columns import derived
from bench.protocols.named import parse
from bench.stats import averages
from bench.stats.averages import Floats, Nesting
from bench.stats.crossing import Crossing, crossing, line

METRICS = ("auroc", "lifted_average_precision")
WHOLE = "one-class"  # the protocol with all training rows
AT = 200  # training rows at every share of anomalies
N_PLACES = 50  # at which the line over dimensions is drawn
FEWEST = 3  # different dimensions, of which a line says something


@dataclass(frozen=True)
class Axis:
    """The differences along one axis.

    Attributes:
        name: of the axis.
        is_log: whether places lie on a logarithmic scale.
        x: (places,) ascending.
        datasets: those that have all rows along the axis; `families` is their number of families.
        left_out: data sets that do not.
        curves: by metric, (places,) the means of the deep and the shallow detector, and the
            difference with its limits; the first two are nan for a fitted line.
        crossings: by metric.
    """

    name: str
    is_log: bool
    x: Floats
    datasets: tuple[str, ...]
    families: int
    left_out: tuple[str, ...]
    curves: Mapping[str, tuple[Floats, Floats, Floats, Floats, Floats]]
    crossings: Mapping[str, Crossing]


def protocols(rows: Sequence[int], shares: Sequence[float]) -> list[str]:
    """Return the protocols whose rows a crossover needs: training rows, then shares."""
    by_rows = [f"one-class(max_train={n})" for n in rows]
    by_share = [f"one-class(contamination={share}, max_train={AT})" for share in shares]
    return list(dict.fromkeys(str(parse(text)) for text in (*by_rows, WHOLE, *by_share)))


def crossover(
    frame: pd.DataFrame,
    deep: str,
    shallow: str,
    rows: Sequence[int],
    shares: Sequence[float],
    dimensions: Mapping[str, int],
) -> tuple[Axis, ...]:
    """Return the differences along each axis for which a data set has all rows.

    Args:
        frame: a line for each wanted row, as a board takes them.
        deep, shallow: labels of the detectors.
        rows: numbers of training rows, ascending; all of them come last.
        shares: of anomalies among the training rows, ascending.
        dimensions: number of features of each data set, where it is known.

    Raises:
        ValueError: no data set has all rows along an axis.
    """
    made = derived(frame)
    sizes = made.groupby(["dataset", "protocol"])["n_train"].first()
    ladder = protocols(rows, ())
    found = [
        _along("training rows", made, ladder, (deep, shallow), sizes),
        _over_dimensions(made, (deep, shallow), dimensions),
        _along(
            "share of anomalies",
            made,
            protocols((), shares)[1:],
            (deep, shallow),
            shares,
        ),
    ]
    axes = tuple(axis for axis in found if axis is not None)
    if not axes:
        msg = f"no data set has all rows of {deep} and {shallow} along an axis; run them with --run"
        raise ValueError(msg)
    return axes


def _table(made: pd.DataFrame, metric: str, label: str, under: Sequence[str]) -> pd.DataFrame:
    """(data sets, protocols) means over seeds of a detector; nan where a row has no value."""
    own = made[(made["label"] == label) & made["protocol"].isin(under)]
    values = own.groupby(["dataset", "protocol"])[metric].agg(lambda each: each.mean(skipna=False))
    return values.unstack().reindex(columns=list(under))


def _along(
    name: str, made: pd.DataFrame, under: Sequence[str], labels: tuple[str, str],
    places: pd.Series | Sequence[float],
) -> Axis | None:  # fmt: skip
    """Return the means under each protocol of the data sets that have all of them."""
    if len(under) < 2:
        return None
    tables = {m: [_table(made, m, label, under) for label in labels] for m in METRICS}
    first, second = tables[METRICS[0]]
    whole = first.index[(first.notna() & second.notna()).all(axis=1)]
    if whole.empty:
        return None
    is_log = isinstance(places, pd.Series)
    if isinstance(places, pd.Series):  # training rows, which a small data set may not have
        counts = places.unstack().loc[whole, list(under)].to_numpy(float)
        x = np.exp(np.log(counts).mean(axis=0))
    else:
        x = np.array(places, float)
    families = made.groupby("dataset")["dataset_family"].first()
    nesting = Nesting.of(list(families[whole]), list(whole))
    curves, crossings = {}, {}
    for metric, pair in tables.items():
        values = [table.loc[whole].to_numpy(float).T for table in pair]  # (protocols, data sets)
        apart = values[0] - values[1]
        low, high = averages.interval(apart, nesting)
        means = [averages.family_means(each, nesting) for each in (*values, apart)]
        if len(whole) > averages.TEST_SETS:  # a difference that never varies is its own interval
            low, high = (np.where(np.isnan(end), means[2], end) for end in (low, high))
        curves[metric] = (means[0], means[1], means[2], low, high)
        crossings[metric] = crossing(np.log(x) if is_log else x, means[2], low, high)
    return Axis(
        name, is_log, x, tuple(whole), len(set(families[whole])),
        tuple(sorted(set(made["dataset"]) - set(whole))), curves, crossings,
    )  # fmt: skip


def _over_dimensions(
    made: pd.DataFrame, labels: tuple[str, str], dimensions: Mapping[str, int]
) -> Axis | None:
    """Return the line of the differences over the number of features, families as its points."""
    families = made.groupby("dataset")["dataset_family"].first()
    curves, crossings, whole, places = {}, {}, list[str](), np.empty(0)
    for metric in METRICS:
        pair = [_table(made, metric, label, [WHOLE])[WHOLE] for label in labels]
        apart = (pair[0] - pair[1]).dropna()
        whole = [str(name) for name in apart.index if name in dimensions]
        logs = pd.Series({name: math.log(dimensions[name]) for name in whole}, dtype=float)
        of = families[whole]
        x: Floats = np.asarray(logs.groupby(of).mean(), np.float64)
        if len(np.unique(x)) < FEWEST:
            return None
        places = np.linspace(float(x.min()), float(x.max()), N_PLACES)
        means, low, high = line(x, apart[whole].groupby(of).mean().to_numpy(float), places)
        nothing = np.full_like(means, np.nan)
        curves[metric] = (nothing, nothing, means, low, high)
        crossings[metric] = crossing(places, means, low, high)
    return Axis(
        "features", True, np.exp(places), tuple(whole), len(set(families[whole])),
        tuple(sorted(set(made["dataset"]) - set(whole))), curves, crossings,
    )  # fmt: skip
