"""Types of detectors and kinds of data on a board, what is marked in it, and what made it."""

import re

import numpy as np
import pandas as pd
import pytest

from bench.boards.board import build
from bench.boards.words import MARKS, TYPES
from bench.render.table import NONE
from bench.render.values import ends, share
from bench.report.depth import answer
from bench.store.provenance import made_by
from tests.helpers.boards_made_up import DETECTORS, failed, line_of, rows_of, written

SKILL = {"lof": 0.9, "vae:elbo": 0.8, "ae+lof": 0.7, "random": 0.5}


def test_a_line_for_each_family_of_detectors_says_what_its_best_reaches():
    rows = rows_of(DETECTORS | {"knn": "shallow", "pca": "shallow"}, auroc=SKILL | {"knn": 0.6,
                   "pca": 0.95})  # fmt: skip
    rows.loc[(rows["label"] == "vae:elbo") & (rows["dataset"] == "wine"), "auroc"] = 0.99
    types = build(rows, title="t").types.set_index("type")
    assert types.index.tolist() == ["deep", "shallow", "hybrid", "control"]
    shallow = types.loc["shallow"]
    assert shallow[["detectors", "ranked", "best", "rank"]].tolist() == [3, 3, "pca", 1]
    assert shallow["value"] == pytest.approx(0.95)
    assert shallow["typical"] == pytest.approx(0.9)
    assert types["first"].tolist() == [1, 4, 0, 0]
    assert types["datasets"].tolist() == [5] * 4


def test_the_best_of_a_family_has_the_best_mean_on_the_board_and_on_the_page():
    rows = rows_of(DETECTORS | {"pca": "shallow"}, auroc=SKILL | {"pca": 0.91})
    wine = rows["dataset"] == "wine"
    rows.loc[wine, "auroc"] = rows.loc[wine, "label"].map({"lof": 0.9, "pca": 0.2}).fillna(0.1)
    made = build(rows, title="t")
    assert made.detectors["label"].iloc[0] == "pca"  # by mean rank
    shallow = made.types.set_index("type").loc["shallow"]
    assert shallow[["best", "rank"]].tolist() == ["lof", 2]
    assert shallow["value"] == pytest.approx(0.9)
    by_precision = build(rows, title="t", metric="lifted_average_precision")
    bests = {one.name: one.best["label"] for one in answer(made, by_precision).types["auroc"]}
    types = made.types["type"].map(TYPES)
    assert bests == dict(zip(types, made.types["best"], strict=True))
    costs = build(rows, title="t", metric="fit_seconds")
    cheapest = costs.detectors.groupby("type")["fit_seconds"].min()
    assert costs.types.set_index("type")["value"].to_dict() == pytest.approx(dict(cheapest))


def test_a_type_without_a_ranked_detector_has_a_line_without_values():
    rows = failed(rows_of(), rows_of()["label"] == "vae:elbo", "timeout")
    made = build(rows, title="t")
    deep = made.types.set_index("type").loc["deep"]
    assert deep[["detectors", "ranked", "best"]].tolist() == [1, 0, ""]
    assert np.isnan(deep["value"])
    none = NONE
    assert f"| deep | 0/1 | {none} | {none} | {none} [{none}] |" in written("md", made)


def test_several_kinds_of_data_have_means_of_their_own():
    rows = rows_of(auroc=SKILL)
    image = rows["dataset"].str.startswith("digits")
    rows.loc[image, "dataset_kind"] = "image"
    rows.loc[image & (rows["label"] == "lof"), "auroc"] = 0.6
    made = build(rows, title="t")
    kinds = made.kinds.set_index(["label", "kind"])
    assert kinds.loc[("lof", "image"), "value"] == pytest.approx(0.6)
    assert kinds.loc[("lof", "tabular"), "value"] == pytest.approx(0.9)
    assert kinds.loc[("lof", "image"), "rows"] == 9
    page = written("md", made)
    assert "## AUROC by kind of data" in page
    assert "AUROC by kind of data" in written("table", made)
    assert build(rows_of(), title="t").kinds.empty


def test_a_mean_over_a_part_of_the_rows_says_so_in_every_format():
    rows = rows_of(auroc=SKILL)
    rows.loc[rows["dataset"].str.startswith("digits"), "dataset_kind"] = "image"
    late = (rows["label"] == "lof") & (rows["dataset_kind"] == "tabular") & (rows["seed"] == 0)
    made = build(failed(rows, late, "timeout"), title="t")
    of = made.kinds.set_index(["label", "kind"]).loc[("lof", "tabular")]
    for text in (written("table", made), written("md", made)):
        part = text[text.index("y kind of data") :]
        assert f" ({of.rows_ok:.0f}/{of.rows:.0f})" in part


def test_what_is_not_distinguishable_from_the_best_is_marked():
    rows = rows_of({"a": "deep", "b": "shallow", "c": "control"}, seeds=range(4))
    rng = np.random.default_rng(0)
    rows["auroc"] = rows["label"].map({"a": 0.90, "b": 0.899, "c": 0.6}) + rng.normal(
        0, 0.01, len(rows)
    )
    made = build(rows, title="t")
    best = made.detectors.loc[made.detectors["auroc_best"], "label"].tolist()
    near = made.detectors.loc[made.detectors["auroc_near"], "label"].tolist()
    assert best == [made.detectors.sort_values("auroc")["label"].iloc[-1]]
    assert sorted(best + near) == ["a", "b"]
    page = written("md", made)
    assert f"[{ends(share, line_of(made, best[0])['auroc_low'], 1)[0]}, " in page
    assert page.count(MARKS["near"]) > 2
    value = f"{line_of(made, near[0])['auroc']:.3f}".removeprefix("0")
    assert re.search(rf"{value} \S+{MARKS['near']}", written("table", made))


def test_for_costs_the_smallest_mean_is_the_best():
    made = build(rows_of(), metric="fit_seconds", title="t")
    complete = made.detectors.set_index("label")
    assert complete["fit_seconds_best"].idxmax() == complete["fit_seconds"].idxmin()
    cells = made.cells[made.cells["best"]].set_index("dataset")["value"]
    lowest = made.cells.groupby("dataset")["value"].min()
    np.testing.assert_array_equal(cells.sort_index(), lowest)


def test_cells_that_failed_say_how_and_missing_ones_are_dashes():
    rows = rows_of()

    def of(label, dataset):
        return (rows["label"] == label) & (rows["dataset"] == dataset)

    rows = failed(rows, of("lof", "wine"), "timeout")
    rows = failed(rows, of("lof", "digits/0") & (rows["seed"] == 0), "memory")
    rows = failed(rows, of("lof", "digits/1"), "missing")
    page = written("md", build(rows, title="t"))
    matrix = page.rpartition("every data set\n\n")[2].partition("\n\n")[0]
    (line,) = [line for line in matrix.splitlines() if line.startswith("| `lof`")]
    cells = [cell.strip() for cell in line.split("|")[2:-1]]
    assert cells[0].endswith("(2/3, memory)")
    assert cells[1] == NONE
    assert cells[4] == "timeout"


def test_a_board_says_what_made_its_rows():
    one = {"commit": "0123456789abcdef", "dirty": True, "processor": "Chip 9", "cores": 4,
           "versions": {"numpy": "2.0", "torch": "2.13", "joblib": "1"}}  # fmt: skip
    assert made_by([one, one, None, np.nan]) == (
        "Machine: Chip 9, 4 cores.",
        "Versions: numpy 2.0, torch 2.13.",
        "Commit: 0123456789 with changes.",
    )
    other = one | {"processor": "Chip 8", "dirty": False}
    sentences = made_by([other, one, one])
    assert sentences[0] == "Machine: Chip 9, 4 cores (2 rows); Chip 8, 4 cores (1 rows)."
    assert sentences[1] == "Times of different machines do not compare."
    rows = rows_of()
    rows["provenance"] = [one] * len(rows)
    page = written("md", build(rows, title="t"))
    assert "- Machine: Chip 9, 4 cores.\n" in page
    assert made_by(()) == ()


def test_a_detector_may_lack_rows_under_a_further_protocol():
    first = rows_of({"knn": "shallow", "lof": "shallow"}, {"a": "f", "b": "g", "c": "h"}, [0])
    further = first[first["label"] == "knn"].assign(protocol="transductive")
    made = build(pd.concat([first, further], ignore_index=True), title="t")
    lines = made.protocols.groupby("protocol")["label"].agg(list).to_dict()
    assert {name: sorted(labels) for name, labels in lines.items()} == {
        "one-class": ["knn", "lof"], "transductive": ["knn"],
    }  # fmt: skip
    assert "transductive" in written("md", made)
