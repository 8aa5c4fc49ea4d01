"""What a choice of settings changes: the default, the median, the chosen and the best.

Everything is computed on each data set, over its seeds, and then averaged over data sets and
families as on a board. A configuration counts on a data set with all its seeds, if its training
started within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.boards.columns import ranked
from bench.boards.tuning.selectors import SELECTORS, Pool, choice
from bench.metrics import scored, volumes
from bench.metrics.scored import Metric
from bench.plan.costs import trained
from bench.stats import averages
from bench.stats.averages import Floats, Nesting

ANY = "all methods"  # the pool of the configurations of all of them
LADDER = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # CPU seconds
MOST_SAMPLES = 2000  # of a test set, evenly spaced, that selectors see
PLAIN = ("default", "median", "random")
ORACLE = "oracle"  # the best by labels
CHOICES = (*PLAIN, *SELECTORS, ORACLE)

Scores = Callable[[str], tuple[NDArray[np.int8], NDArray[np.float64]] | None]
Samples = Callable[[Mapping[str, Any]], NDArray[np.intp] | None]


@dataclass(frozen=True)
class Tuned:
    """Methods as distributions over their settings; every number at full precision.

    Attributes:
        title, metric, budget: of the suite; a budget of None is no limit.
        methods: a line for each method, and `ANY` where there are several: `configurations`, which
            count on the average data set, of `tried`; `datasets`, those on which its default has
            all rows; the means of `CHOICES`, nan for a selector that cannot choose; `spread`, the
            standard deviation over configurations; `seconds` of CPU of all of them on a data set,
            and `peak_mib`, the most memory of one.
        gains: a line for each choice but the default: how much better it is than the default and
            than a random choice, `default` and `random` with their 95 % limits, and the number of
            `methods` and `datasets` that it could be made for.
        over_settings, over_methods: standard deviations, see `components`.
        ladder: a line for each method: the mean of the best by labels of the configurations whose
            training had ended after so many CPU seconds, by `LADDER`; nan while there is none on
            some data set.
        missing: rows that are not stored.
        failed: rows without a value.
    """

    title: str
    metric: Metric
    budget: float | None
    methods: pd.DataFrame
    gains: pd.DataFrame
    over_settings: float
    over_methods: float
    ladder: pd.DataFrame
    missing: int
    failed: int


@dataclass(frozen=True)
class _Tried:
    """The configurations of all methods on one data set, in the order of their draws.

    Attributes:
        methods: (configurations,) names.
        values: (configurations,) means over seeds, nan where a row is missing or failed.
        before, after: (configurations,) CPU seconds of training, failures included, when one
            started and had ended.
        peaks: (configurations,) MiB.
        pool: what selectors see; the lines of configurations without a value are nan.
    """

    methods: NDArray[np.str_]
    values: Floats
    before: Floats
    after: Floats
    peaks: Floats
    pool: Pool


def tuned(
    frame: pd.DataFrame,
    methods: Mapping[str, str],
    *,
    metric: str,
    title: str,
    budget: float | None,
    scores: Scores,
    details: Callable[[str], Mapping[str, Any]],
    samples: Samples,
) -> Tuned:
    """Return what a choice of settings changes.

    Args:
        frame: a line for each wanted row, as `rows.frame_of` returns them, in the suite's order.
        methods: the method of each configuration beside its default, both by label.
        metric: of quality.
        title: of the suite.
        budget: CPU seconds of training of a method on a data set; None for no limit.
        scores: from a row's key to its labels and scores.
        details: from a row's key to its details, with the diagnostics of the fit.
        samples: from a row to the numbers of its test samples; None if they are not known.

    Raises:
        ValueError: no method has several configurations, no default has all its rows on a data
            set, or the metric is not one of quality.
    """
    chosen = scored.of_quality(metric)
    own = set(methods.values())
    rows = ranked(frame[frame["label"].isin(own | methods.keys())])
    if rows.empty:
        msg = "no detector has several configurations; give one `configurations = 20` in the suite"
        raise ValueError(msg)
    lines, steps = [], []
    for name, of_set in rows.groupby("dataset", sort=True):
        tried = _tried(of_set, methods, chosen.name, scores, details, samples)
        for method in dict.fromkeys(tried.methods):
            counted = np.flatnonzero(tried.methods == method)
            tested = _within(tried, counted, budget)
            where = {"method": method, "dataset": name, "family": of_set["dataset_family"].iloc[0]}
            if len(tested) and tested[0] == counted[0]:
                lines.append(where | {"tried": len(counted)} | _chosen(tried, tested))
                steps.append(where | _ladder(tried, counted))
        every = [line for line in lines if line["dataset"] == name]
        if len(own) > 1 and len(every) == len(own):
            whole = np.concatenate([
                _within(tried, np.flatnonzero(tried.methods == method), budget) for method in own
            ])  # fmt: skip
            line = _chosen(tried, np.sort(whole))
            line["default"] = float(np.mean([one["default"] for one in every]))
            line["loss"] = np.nan  # methods have losses of their own
            lines.append({**every[0], "method": ANY, "tried": len(tried.values), **line})
    if not lines:
        msg = "no default has all its rows on a data set; run the suite first"
        raise ValueError(msg)
    picks = pd.DataFrame(lines)
    each = picks[picks["method"] != ANY]
    over_settings, over_methods = components(each)
    return Tuned(
        title=title,
        metric=chosen,
        budget=budget,
        methods=_means(picks, (*CHOICES, "tried", "configurations", "spread", "seconds")).assign(
            peak_mib=picks.groupby("method", sort=False)["peak_mib"].max().to_numpy()
        ),
        gains=_gains(each),
        over_settings=over_settings,
        over_methods=over_methods,
        ladder=_means(pd.DataFrame(steps), tuple(map(str, LADDER))),
        missing=int((rows["status"] == "missing").sum()),
        failed=int((~rows["status"].isin(["ok", "missing"])).sum()),
    )


def _tried(
    rows: pd.DataFrame,
    methods: Mapping[str, str],
    metric: str,
    scores: Scores,
    details: Callable[[str], Mapping[str, Any]],
    samples: Samples,
) -> _Tried:
    """Return the configurations on one data set from their rows."""
    labels = list(dict.fromkeys(rows["label"]))
    seeds = sorted(rows["seed"].unique())
    shape = len(labels), len(seeds)
    values, losses, excess, volume = (np.full(shape, np.nan) for _ in range(4))
    ranks: list[Floats | None] = [None] * len(seeds)
    numbers: list[NDArray[np.intp] | None] = [None] * len(seeds)
    costs, peaks = np.zeros(len(labels)), np.full(len(labels), np.nan)
    for line in rows.to_dict("records"):
        row = {str(name): value for name, value in line.items() if value == value}  # nan is absent
        i, j = labels.index(row["label"]), seeds.index(row["seed"])
        costs[i] += trained(row)
        found = scores(row["key"]) if row["status"] == "ok" else None
        if found is None:
            continue
        _, own = found
        values[i, j] = scored.value_of(row, metric)
        peaks[i] = np.fmax(peaks[i], row.get("peak_mib", np.nan))
        losses[i, j] = _held_out(details(row["key"]).get("diagnostics", {}))
        excess[i, j], volume[i, j] = (row.get(name, np.nan) for name in volumes.NAMES)
        seen = np.linspace(0, len(own) - 1, min(len(own), MOST_SAMPLES)).astype(np.intp)
        places = ranks[j]
        if places is None:
            places = ranks[j] = np.full((len(labels), len(seen)), np.nan)
            drawn = samples(row)
            numbers[j] = None if drawn is None else drawn[seen]
        places[i] = _ranks(own[seen])
    after = np.zeros(len(labels))
    names = np.array([methods.get(label, label) for label in labels])
    for name in set(names):
        after[names == name] = np.cumsum(costs[names == name])
    known = [(line, drawn) for line, drawn in zip(ranks, numbers, strict=True) if line is not None]
    means = (each.mean(axis=1) for each in (losses, excess, volume))
    pool = Pool([line for line, _ in known], [drawn for _, drawn in known], *means)
    return _Tried(names, values.mean(axis=1), after - costs, after, peaks, pool)


def _held_out(diagnostics: Mapping[str, Any]) -> float:
    """Return the least loss of held-out samples in the last phase of training that has one."""
    curves = [curve for name, curve in diagnostics.items() if name.endswith("validation")]
    return float(min(curves[-1])) if curves and curves[-1] else np.nan


def _ranks(scores: Floats) -> Floats:
    from scipy.stats import rankdata

    found: Floats = rankdata(scores)
    return found


def _within(tried: _Tried, members: NDArray[np.intp], budget: float | None) -> NDArray[np.intp]:
    """Return the members with a value whose training started within the budget."""
    started = tried.before[members] < (np.inf if budget is None else budget)
    return members[started & np.isfinite(tried.values[members])]


def _chosen(tried: _Tried, members: NDArray[np.intp]) -> dict[str, float]:
    """Return the value of each choice among the configurations of one data set."""
    values, pool = tried.values[members], tried.pool.take(list(members))
    found = {
        "configurations": float(len(members)),
        "default": float(values[0]),
        "median": float(np.median(values)),
        "random": float(values.mean()),
        ORACLE: float(values.max()),
        "spread": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
        "seconds": float((tried.after - tried.before)[members].sum()),
        "peak_mib": float(tried.peaks[members].max()),
    }
    for name in SELECTORS:
        place = choice(name, pool)
        found[name] = np.nan if place is None else float(values[place])
    return found


def _ladder(tried: _Tried, members: NDArray[np.intp]) -> dict[str, float]:
    """Return the best value after each number of CPU seconds, nan where nothing had ended."""
    whole = members[np.isfinite(tried.values[members])]
    found = {}
    for seconds in LADDER:
        ended = tried.values[whole[tried.after[whole] <= seconds]]
        found[str(seconds)] = float(ended.max()) if len(ended) else np.nan
    return found


def _means(lines: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return a line for each method: means over its data sets, then families.

    nan for a column without a value on one of them.
    """
    found = []
    for method, own in lines.groupby("method", sort=False):
        nesting = Nesting.of(list(own["family"]), list(own["dataset"]))
        table = own.sort_values("dataset")[list(columns)].to_numpy(float).T
        means = averages.family_means(table, nesting)
        means[np.isnan(table).any(axis=1)] = np.nan
        named = dict(zip(columns, means.tolist(), strict=True))
        found.append({"method": method, "datasets": len(own), **named})
    return pd.DataFrame(found)


def _gains(lines: pd.DataFrame) -> pd.DataFrame:
    """Return how much better each choice is than the default and than a random choice."""
    found = []
    for name in (one for one in CHOICES if one != "default"):
        able = lines[lines[name].notna()]
        line: dict[str, Any] = {"choice": name, "methods": able["method"].nunique()}
        line["datasets"] = able["dataset"].nunique()
        for other in ("default", "random"):
            gain = able.assign(gain=able[name] - able[other]).groupby(["dataset", "family"])["gain"]
            line |= dict.fromkeys((other, f"{other}_low", f"{other}_high"), np.nan)
            if len(able) and name != other:
                means = gain.mean().reset_index()
                nesting = Nesting.of(list(means["family"]), list(means["dataset"]))
                table = means["gain"].to_numpy(float)[None]
                low, high = averages.interval(table, nesting)
                line[other] = float(averages.family_means(table, nesting)[0])
                line[f"{other}_low"], line[f"{other}_high"] = float(low[0]), float(high[0])
        found.append(line)
    return pd.DataFrame(found)


def components(lines: pd.DataFrame) -> tuple[float, float]:
    """Return the standard deviations over the settings of a method and over methods.

    Components of variance in a one-way layout with random effects, averaged over data sets, then
    families: means of *n* configurations vary over methods by the *n*-th part of the variance over
    settings besides, which is subtracted (S. R. Searle, G. Casella & C. E. McCulloch, "Variance
    Components", 1992, section 3.6); 0 where nothing is left.

    Args:
        lines: a line for each method on a data set, with `family`, `dataset`, `configurations`,
            their mean `random` and their standard deviation `spread`, nan for one alone.
    """
    within = lines["spread"] ** 2
    parts = lines.assign(within=within, of_mean=within / lines["configurations"])
    by_set = parts.groupby(["family", "dataset"])
    each = by_set[["within", "of_mean"]].mean().assign(means=by_set["random"].var())
    settings, of_means, means = each.groupby("family").mean().mean()
    return float(np.sqrt(settings)), float(np.sqrt(np.maximum(means - of_means, 0)))
