"""Every detector against one of a board."""

import json

import numpy as np
import pytest

from bench.boards.against import against, comparable
from bench.boards.blocks import blocks
from bench.boards.board import build
from bench.stats import differences
from tests.helpers.boards_made_up import DETECTORS, failed, rows_of, written

MANY = {f"s/{i}": f"f{i // 2}" for i in range(24)}


def test_the_lines_hold_the_tests_of_the_blocks_against_the_first():
    made = build(rows_of(datasets=MANY), title="t")
    found = against(made)
    by_family = blocks(made)
    assert found.reference == made.detectors["label"].iloc[0]
    assert found.lines["label"].tolist() == made.detectors["label"].tolist()[1:]
    pairs = differences.wilcoxon(by_family.values)
    np.testing.assert_allclose(found.lines["holm"], pairs.holm[0, 1:])
    counts = differences.win_tie_loss(by_family.values, 0.01)[1:, 0]
    np.testing.assert_array_equal(found.lines[["wins", "ties", "losses"]], counts)
    means = made.detectors.set_index("label")["auroc"]
    np.testing.assert_allclose(
        found.lines["difference"], means[found.lines["label"]] - means[found.reference]
    )
    assert (found.lines["low"] < found.lines["difference"]).all()
    np.testing.assert_allclose(found.lines[["better", "same", "worse"]].sum(axis=1), 1)
    assert found.friedman == differences.friedman(by_family.ranks)
    assert "mean ranks differ" in " ".join(found.notes)


def test_with_few_blocks_it_says_that_no_difference_can_be_significant():
    notes = " ".join(against(build(rows_of(), title="t"), "random").notes)
    assert "With 3 blocks no p-value is below 0.25, so after the correction no difference" in notes
    assert "rough: few blocks" in notes
    assert "no p-value is below" not in " ".join(against(build(rows_of(datasets=MANY), title="t"),
                                                         unit="dataset").notes)  # fmt: skip


def test_two_detectors_are_compared_without_friedmans_test():
    found = against(build(rows_of({"a": "deep", "b": "shallow"}), title="t"))
    assert found.friedman is None
    assert len(found.lines) == 1


def test_what_cannot_be_compared_is_refused():
    made = build(rows_of(), title="t")
    with pytest.raises(ValueError, match="'loff' is not among the detectors that can be compared"):
        against(made, "loff")
    with pytest.raises(ValueError, match="fit_seconds is a cost, and costs are not tested"):
        against(build(rows_of(), metric="fit_seconds", title="t"))
    rows = rows_of()
    lonely = build(failed(rows, rows["label"] != "lof", "error"), title="t")
    assert comparable(made)
    assert not comparable(lonely)
    with pytest.raises(ValueError, match="1 detectors have all 5 data sets"):
        against(lonely)


def test_json_holds_the_comparison():
    made = build(rows_of(DETECTORS), title="t")
    content = json.loads(written("json", made, against(made)))["comparison"]
    assert content["reference"] == "lof"
    assert set(content["mean_ranks"]) == set(DETECTORS)
    assert len(content["lines"]) == 3
    assert content["holm"]["lof"]["random"] == content["holm"]["random"]["lof"]
    assert [content["holm"]["lof"][c["label"]] for c in content["lines"]] == [
        c["holm"] for c in content["lines"]
    ]
    assert 0 <= content["friedman"]["p"] <= 1
    assert json.loads(written("json", made))["comparison"] is None
