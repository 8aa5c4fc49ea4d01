"""Boards by a metric of pixels."""

import numpy as np

from bench.boards.board import build
from bench.boards.pixels import judged
from tests.helpers.boards_made_up import rows_of


def test_a_mixed_suite_is_ranked_by_what_has_pixels_judged():
    detectors = {"ae": "deep", "untrained-ae": "control", "knn": "shallow"}
    rows = rows_of(detectors, {"wine": "wine", "a": "images", "b": "images"})
    has_maps = rows["label"].ne("knn") & rows["dataset"].ne("wine")
    rows["aupro"] = np.where(has_maps, rows["auroc"] - 0.1, np.nan)
    made = build(judged(rows, "aupro"), metric="aupro", title="t")
    ranks = made.detectors.set_index("label")["rank"]
    assert list(ranks.index) == ["ae", "untrained-ae", "knn"]
    assert list(ranks.notna()) == [True, True, False]  # one without scores of pixels is incomplete
    assert list(made.datasets["dataset"]) == ["a", "b"]
    assert build(rows, metric="aupro", title="t").detectors["rank"].isna().all()


def test_other_metrics_and_boards_without_pixels_keep_all_rows():
    rows = rows_of()
    assert judged(rows, "auroc") is rows
    assert judged(rows, "aupro") is rows
