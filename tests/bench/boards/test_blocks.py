"""Complete tables for tests of differences: what is kept, dropped and reported."""

import numpy as np
import pytest

from bench.boards.blocks import blocks
from bench.boards.board import build
from tests.helpers.boards_made_up import failed, rows_of


def board_with_gaps(**metric):
    """One seed of lof is missing on wine, and all of random on digits/1."""
    rows = rows_of()
    rows = failed(rows, (rows["label"] == "lof") & (rows["dataset"] == "wine")
                  & (rows["seed"] == 1), "timeout")  # fmt: skip
    gone = (rows["label"] == "random") & (rows["dataset"] == "digits/1")
    return build(failed(rows, gone, "error", "boom"), title="t", **metric)


def test_complete_blocks_leave_out_detectors_and_say_which():
    found = blocks(board_with_gaps(), unit="dataset")
    assert found.detectors == ("vae:elbo", "ae+lof")
    assert len(found.names) == 5
    assert found.caption == (
        "2 detectors, 5 data sets in 3 families; each data set counts; "
        "detectors dropped for missing rows: lof, random"
    )


def test_common_sets_leave_out_data_sets_and_say_which():
    found = blocks(board_with_gaps(), unit="dataset", coverage="common")
    assert set(found.detectors) == {"lof", "vae:elbo", "ae+lof", "random"}
    assert found.names == ("digits/0", "digits/2", "synthetic/dependency")
    assert "data sets dropped for missing rows: digits/1, wine" in found.caption


def test_values_are_means_over_seeds_then_over_the_data_sets_of_a_family():
    made = build(rows_of(), title="t")
    by_set, by_family = blocks(made, unit="dataset"), blocks(made, unit="family")
    cell = made.cells.set_index(["label", "dataset"])["value"]
    for label, line in zip(by_set.detectors, by_set.values, strict=True):
        np.testing.assert_allclose(line, [cell[label, name] for name in by_set.names])
    assert by_family.names == by_family.families == ("digits", "synthetic", "wine")
    np.testing.assert_allclose(by_family.values[:, 0], by_set.values[:, :3].mean(axis=1))
    np.testing.assert_allclose(by_family.values[:, 1:], by_set.values[:, 3:])
    assert "each family counts as one" in by_family.caption


def test_costs_are_turned_round_so_that_larger_is_better():
    made = build(rows_of(), metric="fit_seconds", title="t")
    assert (blocks(made).values < 0).all()


def test_a_choice_of_detectors_keeps_the_order_of_the_board():
    made = build(rows_of(), title="t")
    assert blocks(made, detectors=["random", "lof"]).detectors == ("lof", "random")
    with pytest.raises(ValueError, match="no detector 'lofty' on this board; it has lof, vae:elbo"):
        blocks(made, detectors=["lofty"])


def test_what_cannot_be_compared_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="1 detectors have all 5 data sets, and a comparison need"):
        blocks(board_with_gaps(), detectors=["lof", "ae+lof"])
    rows = rows_of()
    rows = failed(rows, (rows["label"] == "lof") & (rows["dataset"] != "wine"), "error")
    rows = failed(rows, (rows["label"] == "random") & (rows["dataset"] == "wine"), "error")
    with pytest.raises(ValueError, match="no data set has a value of every detector; name fewer"):
        blocks(build(rows, title="t"), coverage="common")
