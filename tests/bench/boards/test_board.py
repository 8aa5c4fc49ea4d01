"""Boards of synthetic rows: what is ranked, what is said, and what fits in print."""

import io
import json
import re
import time

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from bench.boards.board import build
from bench.boards.columns import derived
from bench.boards.estimates import estimates
from bench.boards.grid import Grid
from bench.boards.words import MARKS, TYPES
from bench.render import formats, values
from bench.render.board import BoardDocument
from bench.render.table import NONE
from bench.stats import intervals
from tests.helpers.boards_made_up import (
    DIGITS,
    SETS,
    failed,
    in_terminal,
    line_of,
    rows_of,
    written,
)


def test_means_and_ranks_of_two_families_worked_by_hand():
    rows = rows_of({"a": "deep", "b": "shallow"}, DIGITS | {"wine": "wine"}, seeds=[0, 1])
    table = {
        ("a", "digits/0"): (0.9, 0.7), ("a", "digits/1"): (0.6, 0.6), ("a", "digits/2"): (0.5, 0.5),
        ("a", "wine"): (0.9, 1.0), ("b", "digits/0"): (0.8, 0.8), ("b", "digits/1"): (0.7, 0.7),
        ("b", "digits/2"): (0.6, 0.6), ("b", "wine"): (0.5, 0.7),
    }  # fmt: skip
    rows["auroc"] = [table[label, name][seed] for label, name, seed
                     in zip(rows["label"], rows["dataset"], rows["seed"], strict=True)]  # fmt: skip
    made = build(rows, title="by hand")
    a, b = line_of(made, "a"), line_of(made, "b")
    assert a["auroc"] == pytest.approx(((0.8 + 0.6 + 0.5) / 3 + 0.95) / 2)
    assert b["auroc"] == pytest.approx((0.7 + 0.6) / 2)
    assert a["mean_rank"] == pytest.approx(((1.5 + 2 + 2) / 3 + 1) / 2)
    assert b["mean_rank"] == pytest.approx(((1.5 + 1 + 1) / 3 + 2) / 2)
    assert (a["rank"], b["rank"]) == (1, 2)
    assert a["auroc_low"] < a["auroc"] < a["auroc_high"]
    best = made.datasets.set_index("dataset")
    assert best.loc["digits/0", ["best", "ties"]].tolist() == ["a", 1]
    assert best.loc["wine", ["best", "best_value", "best_shallow_value"]].tolist() == [
        "a", 0.95, pytest.approx(0.6),
    ]  # fmt: skip


def test_only_complete_detectors_are_ranked_and_the_others_say_why_not():
    rows = rows_of()
    wine = (rows["label"] == "lof") & (rows["dataset"] == "wine")
    rows = failed(rows, wine, "unsupported", "n_neighbors=500 needs 501 rows\nTraceback ...")
    rows = failed(rows, (rows["label"] == "lof") & (rows["dataset"] == "digits/1"), "missing")
    made = build(rows, title="t")
    lof = line_of(made, "lof")
    assert np.isnan(lof["rank"])
    assert (lof["rows_ok"], lof["rows"]) == (9, 15)
    assert lof["failures"] == "missing 3, unsupported 3"
    assert np.isfinite(lof["auroc"])
    assert np.isnan(lof["auroc_low"])
    assert made.detectors["label"].iloc[-1] == "lof"
    assert made.detectors["rank"].tolist()[:3] == [1, 2, 3]
    assert made.failures.to_dict("records") == [
        {"label": "lof", "status": "unsupported", "reason": "n_neighbors=500 needs 501 rows",
         "rows": 3, "datasets": ["wine"]}
    ]  # fmt: skip
    # whole on digits/0, absent from wine
    best = made.datasets.set_index("dataset")
    assert best.loc["digits/0", "best"] == "lof"
    assert best.loc["wine", "best"] == "vae:elbo"
    text = written("table", made)
    assert re.search(r"lof +shallow .* 9/15  missing 3, unsupported 3", text)
    assert "are not comparable" in text
    page = written("md", made)
    assert "| `lof` | unsupported | 3 | wine | `n_neighbors=500 needs 501 rows` |" in page
    assert "Traceback" not in page


def test_numbers_of_a_row_that_is_not_ok_do_not_count():
    rows = rows_of()
    rows.loc[(rows["label"] == "lof") & (rows["seed"] == 1), "status"] = "constant"
    lof = line_of(build(rows, title="t"), "lof")
    own = rows[(rows["label"] == "lof") & (rows["status"] == "ok")]
    by_family = own.groupby(["dataset_family", "dataset"])["auroc"].mean().groupby(level=0).mean()
    assert (lof["rows_ok"], lof["failures"]) == (10, "constant 5")
    assert lof["auroc"] == pytest.approx(by_family.mean())


def test_the_best_of_a_data_set_has_all_its_seeds_there():
    rows = rows_of(auroc={"lof": 0.99, "vae:elbo": 0.9, "ae+lof": 0.8, "random": 0.5})
    one = (rows["label"] == "lof") & (rows["dataset"] == "wine") & (rows["seed"] == 0)
    made = build(failed(rows, one, "memory"), title="t")
    best = made.datasets.set_index("dataset")
    assert best.loc["wine", ["best", "compared"]].tolist() == ["vae:elbo", 3]
    assert best.loc["digits/0", ["best", "compared"]].tolist() == ["lof", 4]
    assert " .990 [.886, 1.000] (2/3, memory) |" in written("md", made)


def test_ranking_the_complete_does_not_depend_on_the_incomplete():
    rows = rows_of()
    alone = build(rows[rows["label"] != "lof"], title="t").detectors
    broken = failed(rows, (rows["label"] == "lof") & (rows["seed"] == 0), "timeout")
    beside = build(broken, title="t").detectors
    pd.testing.assert_frame_equal(alone, beside[beside["label"] != "lof"], check_dtype=False)


def test_a_detector_wanted_on_fewer_data_sets_is_incomplete():
    rows = rows_of()
    made = build(rows[(rows["label"] != "lof") | (rows["dataset"] == "wine")], title="t")
    assert line_of(made, "lof")["failures"] == "not wanted 12"
    assert np.isnan(line_of(made, "lof")["rank"])


def test_a_metric_that_is_absent_from_ok_rows_leaves_a_detector_unranked():
    made = build(rows_of(), metric="parameters", title="t")
    assert made.detectors["label"].tolist()[0] == "vae:elbo"
    assert line_of(made, "lof")["failures"] == "no parameters 15"
    assert made.detectors["rank"].notna().sum() == 1


def test_all_failed_and_nothing_stored_make_a_board_that_says_so():
    for status in ("crashed", "missing"):
        rows = rows_of()
        made = build(failed(rows, np.full(len(rows), True), status), title="t")
        text = written("table", made)
        assert "No detector has all its rows, so none is ranked." in text
        assert f"0/15  {status} 15" in text
        assert "nan" not in text + written("md", made) + written("csv", made)
        assert json.loads(written("json", made))["detectors"][0]["auroc"] is None


def test_the_mean_over_one_data_set_has_the_interval_of_its_test_set():
    made = build(rows_of({"lof": "shallow"}, {"wine": "wine"}, [7]), title="t")
    lof = line_of(made, "lof")
    assert lof["rank"] == 1
    assert lof["mean_rank"] == 1
    cell = made.cells.iloc[0]
    assert cell["low"] < cell["value"] < cell["high"]
    assert [lof["auroc_low"], lof["auroc_high"]] == pytest.approx([cell["low"], cell["high"]])
    assert np.isnan([lof["rank_low"], lof["recall@fpr=0.05_low"]]).all()
    assert any("of the test set; they say nothing of other data sets" in n for n in made.notes)
    assert "1 detector, 1 data set in 1 family, 1 seed (7)" in written("table", made)


def test_missing_seeds_of_one_data_set_are_no_gap_if_nobody_wants_them():
    rows = rows_of()
    made = build(rows[(rows["dataset"] != "wine") | (rows["seed"] == 0)], title="t")
    assert made.detectors["rows"].tolist() == [13] * 4
    assert made.detectors["rank"].notna().all()


def test_costs_rank_the_smaller_first_and_quality_the_larger():
    rows = rows_of({"slow": "deep", "fast": "shallow"}, auroc={"slow": 0.9, "fast": 0.8})
    rows["fit_seconds"] = rows["label"].map({"slow": 50.0, "fast": 0.5})
    assert build(rows, title="t").detectors["label"].tolist() == ["slow", "fast"]
    made = build(rows, metric="fit_seconds", title="t")
    assert made.detectors["label"].tolist() == ["fast", "slow"]
    assert made.datasets["best"].tolist() == ["fast"] * 5
    assert made.datasets["reaching"].isna().all()


@pytest.mark.parametrize("metric", ["lifted_average_precision", "average_precision"])
def test_average_precision_carries_its_own_intervals(metric):
    rows = rows_of()
    made = build(rows, metric=metric, title="t")
    cells = made.cells
    assert (cells["low"] < cells["value"]).all()
    assert (cells["value"] < cells["high"]).all()
    means = line_of(made, "lof")
    assert means["lifted_average_precision"] == pytest.approx(
        (means["average_precision"] - 0.2) / 0.8
    )


def test_a_cell_holds_the_mean_of_its_rows_and_of_their_limits():
    rows = rows_of()
    cell = build(rows, title="t").cells.set_index(["label", "dataset"]).loc[("lof", "wine")]
    own = rows[(rows["label"] == "lof") & (rows["dataset"] == "wine")]
    low, high = intervals.auroc_interval(own["auroc"], own["auroc_se"], 100, 400)
    expected = [own["auroc"].mean(), low.mean(), high.mean()]
    np.testing.assert_allclose(cell[["value", "low", "high"]].astype(float), expected)


def test_reach_counts_the_detectors_whose_interval_holds_the_best_value():
    labels = {"best": "deep", "near": "deep", "far": "shallow"}
    made = build(rows_of(labels, auroc={"best": 0.95, "near": 0.94, "far": 0.6}), title="t")
    assert made.datasets["reaching"].tolist() == [2] * 5
    assert made.datasets["compared"].tolist() == [3] * 5


def test_a_detector_that_does_not_beat_the_best_baseline_is_marked():
    labels = {"good": "deep", "even": "deep", "worse": "shallow", "z": "control", "r": "control"}
    rows = rows_of(labels, auroc={"good": 0.95, "even": 0.8, "worse": 0.6, "z": 0.8, "r": 0.5})
    noise = np.random.default_rng(1).normal(0, 0.01, len(rows))
    rows["auroc"] += np.where(rows["label"] == "even", noise - noise.mean(), 0)
    made = build(rows, title="t")
    assert made.best_baseline == "z"
    verdicts = dict(zip(made.detectors["label"], made.detectors["beats_baseline"], strict=True))
    assert verdicts == {"good": True, "even": False, "worse": False, "z": None, "r": None}
    text = written("table", made)
    assert "than the best baseline, z: 2 of 3 ranked detectors" in text
    assert "worse° " in text
    assert "good " in text
    assert "best baseline" not in written("table", build(rows, metric="score_us", title="t"))


def test_a_difference_that_hangs_on_one_data_set_does_not_beat_a_baseline():
    rows = rows_of({"lucky": "deep", "z": "control"}, auroc={"lucky": 0.8, "z": 0.8})
    rows.loc[(rows["label"] == "lucky") & (rows["dataset"] == "wine"), "auroc"] = 0.99
    made = build(rows, title="t")
    assert line_of(made, "lucky")["rank"] == 1
    assert line_of(made, "lucky")["beats_baseline"] is False


def test_transductive_detectors_and_shared_models_get_their_footnotes():
    rows = rows_of()
    plain = written("table", build(rows, title="t"))
    assert "†" not in plain
    assert "*" not in plain
    rows["transductive"] = rows["label"] == "lof"
    rows.loc[rows["label"] == "ae+lof", ["model_rows", "fit_seconds"]] = [4.0, 0.25]
    made = build(rows, title="t")
    for text in (written("table", made), written("md", made)):
        assert re.search("lof`?† ", text)
        assert " .25* " in text
        assert "† transductive: scores depend on the other test rows." in text
        assert "each has its full cost" in re.sub(r"\s+", " ", text)


def test_stale_rows_are_counted_in_a_note():
    assert "1 stale row of older code left out." in build(rows_of(), title="t", stale=1).notes
    assert "12 stale rows of older code left out." in build(rows_of(), title="t", stale=12).notes


def test_a_note_says_what_intervals_are_over():
    of_three, of_one = (
        rows_of(datasets={f"s/{i}": family(i) for i in range(6)})
        for family in (lambda i: f"f{i // 2}", lambda i: "f")
    )
    assert any("over the 3 families," in note for note in build(of_three, title="t").notes)
    assert any("over the 6 data sets of one" in note for note in build(of_one, title="t").notes)


def test_the_caption_says_what_was_compared():
    assert build(rows_of(seeds=range(5)), title="t").caption == (
        "4 detectors, 5 data sets in 3 families, 5 seeds (0-4); "
        "protocol one-class, scaler standard, device cpu"
    )


def under(*protocols):
    """The same rows under each protocol, with an AUROC that is 0.1 less from one to the next."""
    rows = rows_of(auroc={"lof": 0.9, "vae:elbo": 0.8, "ae+lof": 0.7, "random": 0.5})
    parts = [rows.assign(protocol=p, auroc=rows["auroc"] - i / 10) for i, p in enumerate(protocols)]
    return pd.concat(parts, ignore_index=True)


def test_under_several_protocols_the_first_ranks_and_all_have_their_means():
    names = ["one-class", "one-class(contamination=0.05)", "goad"]
    made = build(under(*names), title="t")
    alone = build(under(names[0]), title="t")
    assert not len(alone.protocols)
    pd.testing.assert_frame_equal(made.detectors, alone.detectors)
    assert made.caption == alone.caption
    means = made.protocols.pivot(index="label", columns="protocol", values="value")
    np.testing.assert_allclose(means.loc["vae:elbo", names], [0.8, 0.7, 0.6])
    text = written("table", made)
    for expected in ("AUROC by protocol", " goad\n", ".800", ".700", ".600"):
        assert expected in text
    line = "| `vae:elbo` | .800 [-] | .700 [-] | .600 [-] |"
    assert line.replace("-", NONE) in written("md", made)
    assert "auroc:one-class(contamination=0.05)" in written("csv", made)
    assert len(json.loads(written("json", made))["protocols"]) == 12
    assert max(map(cell_len, text.splitlines())) <= 100


def test_missing_rows_of_a_protocol_are_counted_beside_its_mean():
    rows = under("one-class", "transductive")
    gone = (rows["protocol"] == "transductive") & (rows["label"] == "lof") & (rows["seed"] == 1)
    made = build(failed(rows, gone, "error", "boom"), title="t")
    assert "(10/15)" in written("md", made).partition("## By data set")[0]
    assert line_of(made, "lof")["rows_ok"] == 15


def test_what_is_wrong_with_a_published_protocol_stands_under_its_board():
    flaw = "Protocol goad: normal rows are split in the order of the file"
    for protocols in (["goad"], ["one-class", "goad"]):
        assert any(note.startswith(flaw) for note in build(under(*protocols), title="t").notes)
    assert not any("Protocol" in note for note in build(under("one-class"), title="t").notes)


def test_a_board_of_groups_says_that_its_samples_are_groups():
    notes = build(under("groups"), title="t").notes
    assert any(note.startswith("Protocol groups: samples are groups of rows") for note in notes)


def mixed():
    """Rows of wine under another protocol than all other data sets, which have an official one."""
    rows = rows_of()
    return rows.assign(
        protocol=np.where(rows["dataset"] == "wine", "goad", "official(max_train=9)"),
        official_split=rows["dataset"] != "wine",
    )


def test_data_sets_with_protocols_of_their_own_rank_on_one_board():
    rows = mixed()
    made, alike = (build(each, title="t") for each in (rows, rows.assign(protocol="official")))
    pd.testing.assert_frame_equal(made.detectors, alike.detectors)
    assert "protocol goad, official(max_train=9), scaler" in made.caption
    own = dict(zip(made.datasets["dataset"], made.datasets["protocol"], strict=True))
    assert own == dict(zip(rows["dataset"], rows["protocol"], strict=True))
    said = "Data sets have protocols of their own: official(max_train=9) for "
    assert any(note.startswith(said) and "; goad for wine." in note for note in made.notes)
    assert any(note.startswith("Protocol goad: normal rows") for note in made.notes)
    assert set(made.protocols["protocol"]) == {"goad", "official(max_train=9)"}
    assert not any("--protocol" in note or "is not used" in note for note in made.notes)
    assert not any("of their own" in note for note in alike.notes)


def test_further_protocols_of_some_data_sets_do_not_move_the_ranks():
    rows = mixed()
    further = rows[rows["dataset"] == "digits/0"].assign(protocol="one-class", auroc=0.1)
    made = build(pd.concat([rows, further], ignore_index=True), title="t")
    pd.testing.assert_frame_equal(made.detectors, build(rows, title="t").detectors)
    assert made.notes[0].startswith("Ranked under the first protocol of each data set, to which")
    assert set(made.protocols["protocol"]) == {"goad", "official(max_train=9)", "one-class"}


def test_a_board_says_where_an_official_split_is_not_used():
    rows = rows_of(datasets={f"parts/{i:02}": "parts" for i in range(13)} | {"wine": "wine"})
    rows["official_split"] = rows["dataset"].str.startswith("parts")
    rows.loc[rows["dataset"] == "parts/00", "protocol"] = "official"
    made = build(rows, title="t")
    names = ", ".join(f"parts/{i:02}" for i in range(1, 11))
    said = (
        f"The official split is not used for {names} and 2 more (protocol one-class): values are "
        "not comparable with those under the protocol official."
    )
    assert said in made.notes
    assert said in written("json", made)
    many = rows_of({f"d{i}": "shallow" for i in range(20)}).assign(official_split=True)
    document = BoardDocument(build(many, title="t"), short=True)
    assert document.is_cut
    (table, *_) = reversed(document.page(narrow=True).tables)
    assert any(note.startswith("The official split is not used") for note in table.notes)


def test_the_order_of_the_rows_does_not_matter():
    rows = failed(rows_of(), np.arange(60) % 17 == 3, "error", "boom")
    shuffled = rows.sample(frac=1, random_state=0)
    for name in ("table", "md", "csv", "json"):
        assert written(name, build(rows, title="t")) == written(name, build(shuffled, title="t"))


@pytest.mark.parametrize("metric", [
    "auroc", "lifted_average_precision", "recall@fpr=0.05", "fit_seconds", "peak_mib",
])  # fmt: skip
def test_the_table_fits_a_hundred_columns_and_shows_names_of_twenty_eight(metric):
    long = {f"{i}-name-of-twenty-eight-cells"[:28]: kind for i, kind in enumerate([*TYPES] * 3, 10)}
    assert {len(name) for name in long} == {28}
    datasets = {f"adbench/Cardiotocography-{i}": f"f{i // 2}" for i in range(40)}
    rows = rows_of({**long, "x" * 70: "deep"}, datasets, seeds=range(5))
    rows["transductive"] = True
    rows["model_rows"] = 9.0
    rows["fit_seconds"] = 123.0
    rows["score_us"] = 9999.0
    text = written("table", build(rows, metric=metric, title="t"))
    assert max(map(cell_len, text.splitlines())) <= 100
    assert all(f"{name}†" in text or f"{name}°†" in text for name in long)
    narrow = in_terminal(build(rows, metric=metric, title="t"), width=86)
    assert max(map(cell_len, narrow.splitlines())) <= 86
    ranked = narrow.partition("By data set")[0]
    assert len(re.findall(r" +123\* 9999\n", ranked)) == 13  # only names gave way


def test_wide_characters_and_markup_in_names_are_printed_as_they_are():
    names = {"知恵の検出器" * 6: "deep", "lof[bold]|`x`": "shallow", ":smile: é": "control"}
    made = build(rows_of(names, {"データ": "日本", "b/ü": "b"}), title="ü[red]")
    text = written("table", made)
    assert max(map(cell_len, text.splitlines())) <= 100
    assert "lof[bold]|`x`" in text
    assert ":smile: é" in text
    assert "ü[red]: auroc" in text
    assert "知恵の検出器知恵" in text
    page = written("md", made)
    assert "`lof[bold]\\|'x'`" in page
    matrix = page.partition("every data set\n\n")[2].splitlines()
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in matrix if line.startswith("|")} == {4}
    assert json.loads(written("json", made))["datasets"][1]["dataset"] == "データ"


def test_colour_goes_to_a_terminal_only():
    made = build(rows_of(), title="t")
    plain = written("table", made)
    assert "\x1b[" not in plain
    console = Console(file=io.StringIO(), width=100)
    formats.show(BoardDocument(made), "table", console)
    assert console.file.getvalue() == plain
    styled = in_terminal(made, styled=True)
    assert "\x1b[94mdeep" in styled
    assert re.sub(r"\x1b\[[0-9;]*m *", "", styled).count("\n") == plain.count("\n")


def test_csv_holds_a_line_a_detector_that_pandas_reads_back():
    rows = failed(rows_of(), np.arange(60) == 0, "timeout")
    made = build(rows, title="t")
    back = pd.read_csv(io.StringIO(written("csv", made)))
    assert back["label"].tolist() == made.detectors["label"].tolist()
    assert back["rank"].tolist()[:3] == [1, 2, 3]
    np.testing.assert_allclose(back["auroc"], made.detectors["auroc"], rtol=1e-5)
    wine = made.cells[made.cells["dataset"] == "wine"].set_index("label")["value"]
    np.testing.assert_allclose(
        back.set_index("label")["auroc:wine"], wine[back["label"]], rtol=1e-5
    )


def test_markdown_shows_every_cell_with_the_best_bold_and_no_time_of_day():
    skill = {"lof": 0.9, "vae:elbo": 0.9, "ae+lof": 0.8, "random": 0.5}
    made = build(rows_of(datasets=SETS | {f"y/{i}": "y" for i in range(5)}, auroc=skill), title="t")
    page = written("md", made)
    matrix = page.partition("## AUROC of every detector on every data set")[2]
    assert "| detector | digits/0 | digits/1 | digits/2 | dependency | wine | y/0 |" in matrix
    assert "| `lof` |" + " **.900** |" * 10 in matrix
    assert "| `vae:elbo` |" + " **.900** |" * 10 in matrix
    assert "| `ae+lof` |" + " .800 |" * 10 in matrix
    assert "| `lof` +1 |" in page
    assert not re.search(r"\d:\d\d|20\d\d-", page)
    assert "nan" not in page


def test_json_holds_every_cell_with_its_interval():
    content = json.loads(written("json", build(rows_of(), title="t")))
    assert content["metric"] == "auroc"
    assert len(content["cells"]) == 4 * 5
    assert all(c["low"] < c["value"] < c["high"] for c in content["cells"])
    assert content["best_baseline"] == "random"


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda r: r.iloc[:0], {}, "no rows for a board"),
        (
            lambda r: r.drop(columns=["auroc_se", "seed"]),
            {},
            "columns seed, auroc_se are missing",
        ),
        (lambda r: pd.concat([r, r.iloc[:1]]), {}, "'lof' on 'digits/0' with seed 0 has 2"),
        (lambda r: r.assign(scaler=r["label"]), {}, "'digits/0' has more than one scaler"),
        (lambda r: r, {"metric": "auc"}, "unknown metric 'auc'; did you mean auroc"),
        (lambda r: r, {"metric": "prevalence"}, "does not rank by 'prevalence'; it ranks by auroc"),
    ],
)
def test_what_makes_no_board_is_refused_in_one_sentence(change, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(change(rows_of()), title="t", **options)


@pytest.mark.parametrize(("value", "text"), [
    (0.912, ".912"), (1.0, "1.000"), (-0.0123, "-.012"), (-1.5, "-1.500"), (np.nan, NONE),
    (0.9996, "1.000"), (0.0, ".000"),
])  # fmt: skip
def test_shares_are_printed_without_the_leading_zero(value, text):
    assert values.share(value) == text


@pytest.mark.parametrize(("numbers", "text"), [
    ((0.997, 0.99551, 0.99912), ".997 .995\N{EN DASH}1.000"),
    ((-0.01, -0.0671, 0.0462), "-.010 -.068\N{EN DASH}.047"),
    ((0.29, 0.29, 0.29), ".290 .290\N{EN DASH}.290"), ((0.5, np.nan, np.nan), ".500"),
])  # fmt: skip
def test_limits_are_rounded_away_from_their_value(numbers, text):
    assert values.compact(values.share, *numbers) == text


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (0.0004, "<.001"), (0.00123, ".0012"), (0.0123, ".012"), (0.34, ".34"),
    (3.4, "3.4"), (34.4, "34"), (344.4, "344"), (9876, "9876"), (12_345, "12k"), (2e5, "200k"),
    (3.1e6, "3M"), (np.nan, NONE),
])  # fmt: skip
def test_costs_are_printed_in_five_cells(value, text):
    assert values.cost(value) == text
    assert len(text) <= 5


def test_ten_thousand_rows_become_a_board_in_under_three_seconds():
    detectors = {f"d{i}": [*TYPES][i % 4] for i in range(50)}
    rows = rows_of(detectors, {f"s/{i}": f"f{i // 2}" for i in range(40)}, range(5))
    assert len(rows) == 10_000
    begin = time.process_time()
    made = build(rows, title="t")
    for name in ("table", "md", "csv", "json"):
        written(name, made)
    assert time.process_time() - begin < 3


def test_a_place_has_its_range_without_one_of_the_data_sets():
    rows = rows_of({"a": "deep", "b": "shallow"}, {"f/1": "f", "f/2": "f", "g": "g"})
    table = {"f/1": (0.9, 0.5), "f/2": (0.8, 0.7), "g": (0.6, 0.7)}
    rows["auroc"] = [table[d][label == "b"] for d, label in zip(rows["dataset"], rows["label"],
                     strict=True)]  # fmt: skip
    made = build(rows, title="t")
    a, b = line_of(made, "a"), line_of(made, "b")
    # in all, 1.5 and 1.5; without g, 1 and 2; without one of f, as in all
    assert [a["rank"], a["rank_low"], a["rank_high"]] == [1, 1, 1]
    assert [b["rank"], b["rank_low"], b["rank_high"]] == [1, 1, 2]
    assert "| 1 (1-2) | `b`".replace("1-2", f"1{NONE}2") in written("md", made)
    # without g the mean of a goes from .725 to .85, that of b from .65 to .6
    note = next(note for note in made.notes if note.startswith("#"))
    assert "depend most on g: without it they change by 0.08" in note


def test_an_auroc_far_below_a_half_may_be_inverted():
    skill = {"good": 0.9, "chance": 0.45, "turned": 0.06}
    made = build(rows_of(dict.fromkeys(skill, "deep"), auroc=skill), title="t")
    cells = made.cells.groupby("label")["inverted"].all()
    assert cells.to_dict() == {"good": False, "chance": False, "turned": True}
    page = written("md", made)
    assert f"| .060 [{NONE}]{MARKS['inverted']} |" in page
    assert re.search(rf"\.060 \[\S+, \S+\]{MARKS['inverted']} \|", page)
    assert any("may be inverted" in note and "on wine" in note for note in made.notes)
    assert MARKS["inverted"] in written("table", made)
    few = rows_of(dict.fromkeys(skill, "deep"), auroc=skill).assign(
        n_anomalies=1.0, auroc_se=np.nan
    )
    assert not build(few, title="t").cells["inverted"].any()


def test_false_alarms_stand_beside_the_band_of_their_rate():
    rows = rows_of().assign(**{"n_held": 99.0, "alarm_recall@0.05": 0.5, "alarm_rate@0.05": 0.05})
    rows.loc[(rows["label"] == "lof") & (rows["seed"] == 0), "alarm_rate@0.05"] = 0.2
    made = build(rows, title="t")
    assert line_of(made, "lof")[["alarms_within", "alarms_rows"]].tolist() == [10, 15]
    assert line_of(made, "random")[["alarms_within", "alarms_rows"]].tolist() == [15, 15]
    assert "in band" in in_terminal(made)
    assert "alarms_within" not in build(rows_of(), title="t").detectors


def test_limits_stay_where_means_and_differences_can_be():
    far = {"good": "deep", "bad": "shallow"}
    rows = rows_of(far, {"a": "f", "b": "g", "c": "h"}, [0])
    places = rows["dataset"] == "c"
    rows["auroc"] = np.where(rows["label"] == "good", 0.99, np.where(places, 0.99, 0.01))
    rows["average_precision"] = np.where(places, 0.95, 0.01)
    found = estimates(Grid(rows), derived(rows), "lifted_average_precision")
    assert found.least == pytest.approx(-0.25)  # a prevalence of .2
    assert found.means()[1] == pytest.approx(-0.25)
    _, low, high = estimates(Grid(rows), rows, "auroc").differences("bad")
    assert np.nanmin(low) >= -1
    assert np.nanmax(high) == 1
