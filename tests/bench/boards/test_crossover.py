"""A deep detector against a shallow one along each axis, by hand from rows made up."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.boards.crossover import AT, crossover, protocols
from bench.boards.rows import frame_of
from tests.helpers.rows_made_up import made_up

SETS = {"a": ("a", 2), "b": ("b", 8), "c/1": ("c", 32), "c/2": ("c", 32), "d": ("d", 64)}
ROWS, SHARES = [50, 200], [0.0, 0.1]


def gain(protocol, dataset, wobble):
    """Return how much the deep one is better: with 200 rows, but not with 50 or with anomalies."""
    if "contamination" in protocol:
        return -0.2 + wobble
    by_rows = {"one-class(max_train=50)": -0.1, f"one-class(max_train={AT})": 0.1}
    return by_rows.get(protocol, 0.1 * math.log2(SETS[dataset][1]) - 0.3) + wobble


def frame(*, without=()):
    rows = []
    for number, (dataset, (family, _)) in enumerate(SETS.items()):
        for protocol in protocols(ROWS, SHARES):
            for label in ("deep", "shallow"):
                more = gain(protocol, dataset, 0.01 * (-1) ** number) if label == "deep" else 0
                row = made_up(
                    0.5 + more, label=label, spec=label, dataset=dataset, data_sha256=dataset,
                    dataset_family=family, protocol=protocol, settings={"label": label},
                )  # fmt: skip
                size = {"one-class(max_train=50)": 50}.get(protocol, 200)
                sizes = {**row.sizes, "n_train": 400 if protocol == "one-class" else size}
                if (dataset, protocol) not in without:
                    rows.append(replace(row, sizes=sizes))
    return frame_of([row.wanted for row in rows], [row.record() for row in rows])[0]


def axes(made):
    dimensions = {name: d for name, (_, d) in SETS.items()}
    found = crossover(made, "deep", "shallow", ROWS, SHARES, dimensions)
    return {axis.name: axis for axis in found}


def test_protocols_are_the_ladder_of_rows_and_then_that_of_shares():
    assert protocols(ROWS, SHARES) == [
        "one-class(max_train=50)", "one-class(max_train=200)", "one-class",
        "one-class(contamination=0.1, max_train=200)",
    ]  # fmt: skip


def test_the_difference_changes_sign_between_the_rows_where_it_does():
    by_rows = axes(frame())["training rows"]
    assert by_rows.x == pytest.approx([50, 200, 400])
    deep, shallow, apart, low, high = by_rows.curves["auroc"]
    assert apart[:2] == pytest.approx(
        np.array([-0.1, 0.1]) + np.mean([0.01, -0.01, 0, -0.01]) + 0.005
    )
    assert deep - shallow == pytest.approx(apart)
    assert (low[:2] < apart[:2]).all()
    assert (apart[:2] < high[:2]).all()
    assert (by_rows.families, len(by_rows.datasets)) == (4, 5)


def test_over_features_the_line_crosses_where_the_differences_do():
    found = axes(frame())["features"]
    crossing = found.crossings["auroc"]
    assert math.exp(crossing.at) == pytest.approx(8, rel=0.15), "log2(8) is 3"
    assert crossing.rises
    assert crossing.low < crossing.at < crossing.high


def test_a_difference_that_never_changes_sign_says_so():
    found = axes(frame())["share of anomalies"]
    assert found.x.tolist() == SHARES
    assert found.crossings["auroc"].rises is False
    assert found.crossings["lifted_average_precision"].at == math.inf, "it is 0 everywhere"


def test_a_data_set_without_all_rows_of_an_axis_is_left_out_of_that_one():
    found = axes(frame(without={("b", "one-class(contamination=0.1, max_train=200)")}))
    assert found["share of anomalies"].left_out == ("b",)
    assert found["training rows"].left_out == ()


def test_without_rows_the_next_step_is_said():
    made = frame()
    made["status"] = "missing"
    with pytest.raises(
        ValueError, match="no data set has all rows of deep and shallow along an axis"
    ):
        axes(made)
