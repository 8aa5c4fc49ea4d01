"""Boards of one or two data sets: intervals of their test sets, and paired tests of detectors."""

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from bench.boards.against import against
from bench.boards.board import build
from bench.boards.paired import paired
from bench.metrics import scored
from bench.metrics.delong import Components
from tests.helpers.boards_made_up import line_of, rows_of, written

LABELS = {"good": "deep", "even": "shallow", "worse": "hybrid", "random": "control"}
SHIFTS = {"good": 2.0, "even": 1.9, "worse": 1.0, "random": 0.0}


def scored_rows(datasets, seeds, n=(60, 140), noise=0.0):
    """Rows with keys, and their labels and scores by key; `noise` differs between seeds."""
    rows = rows_of(LABELS, datasets, seeds)
    rows["key"] = [f"k{i}" for i in range(len(rows))]
    stored = {}
    for i, row in rows.iterrows():
        shared = np.random.default_rng([row["seed"], len(row["dataset"])])
        own = np.random.default_rng([row["seed"], 9, list(LABELS).index(row["label"])])
        y = np.repeat([1, 0], n).astype(np.int8)
        shift = SHIFTS[row["label"]] + noise * own.normal()
        scores = shared.normal(size=len(y)) + 0.5 * own.normal(size=len(y)) + shift * y
        stored[row["key"]] = y, scores
        for name, value in scored.compute(y, scores).items():
            rows.loc[i, name] = value
        rows.loc[i, ["n_anomalies", "n_test"]] = [n[0], sum(n)]
    return rows, stored.get


def test_on_one_test_set_the_test_is_delongs():
    rows, scores = scored_rows({"wine": "wine"}, [0], n=(110, 140))
    made = build(rows, title="t", scores=scores)
    found = against(made, "good").lines.set_index("label")
    by_label = {row["label"]: scores(row["key"]) for _, row in rows.iterrows()}
    y, good = by_label["good"]
    for label in ("even", "worse", "random"):
        a, b = (part[0, 1] for part in Components.of(y, [by_label[label][1], good]).variances())
        difference = roc_auc_score(y, by_label[label][1]) - roc_auc_score(y, good)
        freedom = (a + b) ** 2 / (a**2 / 109 + b**2 / 139)
        expected = scipy.stats.t(freedom, difference, np.sqrt(a + b))
        line = found.loc[label]
        assert line["difference"] == pytest.approx(difference)
        assert (line["low"], line["high"]) == pytest.approx(expected.interval(0.95), abs=1e-5)
        assert line["p"] == pytest.approx(2 * min(expected.cdf(0), expected.sf(0)), abs=1e-9)
    assert "DeLong's paired test" in " ".join(against(made, "good").notes)


def test_marks_of_few_data_sets_follow_the_paired_intervals():
    rows, scores = scored_rows({"wine": "wine"}, [0, 1])
    made = build(rows, title="t", scores=scores)
    assert line_of(made, "good")["beats_baseline"] is True
    best, other = sorted(("good", "even"), key=lambda label: -line_of(made, label)["auroc"])
    assert bool(line_of(made, best)["auroc_best"])
    assert bool(line_of(made, other)["auroc_near"])
    assert not line_of(made, "worse")["auroc_near"]
    assert "paired, by DeLong's method" in written("md", made)
    alone = build(rows, title="t")
    assert line_of(alone, "good")["beats_baseline"] is None
    assert not alone.detectors["auroc_near"].any()
    assert "Differences of detectors have no intervals here" in written("md", alone)


def test_two_families_add_their_errors_and_two_data_sets_of_one_do_not():
    apart, related = (
        paired(rows, list(LABELS), scores)
        for rows, scores in (
            scored_rows({"a": "f", "bcd": "g"}, [0]), scored_rows({"a": "f", "bcd": "f"}, [0]),
        )
    )  # fmt: skip
    ones = [
        paired(rows[rows["dataset"] == name], list(LABELS), scores).variance
        for rows, scores in [scored_rows({"a": "f", "bcd": "g"}, [0])]
        for name in ("a", "bcd")
    ]
    np.testing.assert_allclose(apart.variance, (ones[0] + ones[1]) / 4)
    np.testing.assert_allclose(related.variance, np.mean(np.sqrt(ones), axis=0) ** 2)


def test_seeds_that_differ_widen_the_interval_of_a_difference():
    steady, shaky = (
        paired(rows, list(LABELS), scores)
        for rows, scores in (scored_rows({"a": "f"}, range(3), noise=n) for n in (0.0, 1.0))
    )
    place = steady.labels.index("worse"), steady.labels.index("even")
    assert shaky.variance[place] > 2 * steady.variance[place]
    assert shaky.freedom[place] < 4 < steady.freedom[place]


def test_where_scores_are_not_paired_nothing_is_known():
    rows, scores = scored_rows({"wine": "wine"}, [0])
    assert paired(rows, ["good"], scores) is None
    assert paired(rows, list(LABELS), lambda key: None) is None
    first = rows["key"].iloc[0]
    assert paired(rows, list(LABELS), lambda key: (
        (scores(key)[0][::-1], scores(key)[1]) if key == first else scores(key)
    )) is None  # fmt: skip
    many, of_many = scored_rows({"a": "f", "b": "g", "c": "h"}, [0])
    assert paired(many, list(LABELS), of_many) is None
    few, of_few = scored_rows({"a": "f"}, [0], n=(1, 20))
    assert paired(few.assign(auroc=0.9), list(LABELS), of_few) is None


@pytest.mark.slow
@pytest.mark.parametrize("n", [(5, 100), (10, 100), (20, 300), (60, 140)])
@pytest.mark.parametrize("truth", [(0.84, 0.78), (0.98, 0.95), (0.99, 0.97), (0.995, 0.995)])
def test_the_coverage_of_paired_differences_by_simulation(n, truth):
    """Binormal scores of two detectors, correlated; near 1 the intervals are too wide."""
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], n).astype(np.int8)
    shifts = np.sqrt(2 * 1.25) * scipy.stats.norm.ppf(truth)
    rows = rows_of({"a": "deep", "b": "shallow"}, {"d": "d"}, [0]).assign(key=["a", "b"])
    held = 0
    for _ in range(1000):
        shared = rng.normal(size=len(y))
        pair = [shared + 0.5 * rng.normal(size=len(y)) + s * y for s in shifts]
        rows["auroc"] = [roc_auc_score(y, each) for each in pair]
        errors = paired(rows, ["a", "b"], lambda key, pair=pair: (y, pair[key == "b"]))
        difference = rows["auroc"].iloc[0] - rows["auroc"].iloc[1]
        held += abs(difference - (truth[0] - truth[1])) <= errors.reach(["a"], "b")[0]
    assert held / 1000 >= 0.93
