"""Stored rows as tables for other programs."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

import bench as harness
from tests.helpers.rows_made_up import TRUTH, made_up, store_rows

CURVE = {"epochs": 2.0, "loss": [0.1 + 0.2, float("nan")]}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    scores = np.linspace(0, 1 / 3, 20)
    rows = [
        made_up(0.1 + 0.2, settings={"n_components": 2}, diagnostics=CURVE, scores=scores),
        made_up(seed=1, status="timeout"),
    ]
    return folder, store_rows(folder, *rows)


def read(file):
    return pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)


def test_rows_of_pixels_and_those_of_before_them_stand_in_one_table(bench, tmp_path):
    made = store_rows(tmp_path, made_up(), made_up(seed=1, pixels_id="0" * 64), made_up(seed=2))
    old = json.dumps({k: v for k, v in made[2].items() if k != "pixels_id"} | {"pixels": False})
    with closing(sqlite3.connect(tmp_path / "store.db")) as store, store:
        store.execute("UPDATE rows SET record = ? WHERE key = ?", (old, made[2]["key"]))
    file = tmp_path / "rows.parquet"
    assert bench("export", file, "--results", tmp_path).wait() == 0
    assert list(read(file).sort_values("seed")["pixels_id"].fillna("absent")) == [
        "", "0" * 64, "absent"
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_are_plain_columns_at_full_precision(bench, results, tmp_path, suffix):
    folder, records = results
    file = tmp_path / f"rows.{suffix}"
    ran = bench("export", file, "--results", folder)
    assert (ran.wait(), ran.stdout) == (0, f"2 lines in {file}\n")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    table = read(file).set_index("seed")
    assert list(table["key"]) == [r["key"] for r in sorted(records, key=lambda r: r["seed"])]
    first = table.loc[0]
    assert first["auroc"] == 0.1 + 0.2
    assert first["settings"] == '{"n_components":2}'
    assert (first["commit"], first["machine"], first["version.numpy"]) == (
        "a" * 40,
        "one",
        2.4,
    ) or (first["version.numpy"] == "2.4")
    assert table.loc[1, "status"] == "timeout"
    assert table["reason"].fillna("").tolist() == ["", "a timeout"]
    assert not any(isinstance(value, dict | list) for value in first)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_scores_and_diagnostics_join_by_key(bench, results, tmp_path, suffix):
    folder, records = results
    for table in ("scores", "diagnostics"):
        ran = bench("export", tmp_path / f"{table}.{suffix}", "--table", table, "--results", folder)
        assert ran.wait() == 0, ran.stderr
    scores = read(tmp_path / f"scores.{suffix}")
    assert set(scores["key"]) == {records[0]["key"]}
    assert scores["score"].tolist() == np.linspace(0, 1 / 3, 20).tolist()
    assert scores["truth"].tolist() == TRUTH.tolist()
    told = read(tmp_path / f"diagnostics.{suffix}")
    assert told["name"].tolist() == ["epochs", "loss", "loss"]
    assert told["epoch"].tolist() == [0, 1, 2]
    assert told["value"][1] == 0.1 + 0.2


def test_without_a_file_the_table_goes_to_the_results(bench, results):
    folder, _ = results
    assert bench("export", "--results", folder).wait() == 0
    assert len(pd.read_parquet(folder / "rows.parquet")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rows.xlsx",), "unknown suffix '.xlsx' of 'rows.xlsx'"),
        (("rows.csv", "--table", "row"), "unknown table 'row'"),
        (("nowhere/rows.csv",), "cannot write nowhere/rows.csv: No such file or directory"),
    ],
)
def test_bad_usage_is_one_sentence(bench, results, arguments, message):
    ran = bench("export", *arguments, "--results", results[0])
    assert ran.wait() == 2
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.fault(
    area="commands and output",
    kind="formulas and control signs in exported rows",
    how="a row with a label that a spreadsheet would calculate, exported as csv and parquet",
    promise="a csv file has the label as text, a parquet file has it as it is",
)
def test_a_csv_file_holds_no_formula(bench, tmp_path):
    label = "=1+1\a"
    store_rows(tmp_path, made_up(label=label))
    read_as = {}
    for suffix in (".csv", ".parquet"):
        file = tmp_path / f"rows{suffix}"
        assert bench("export", file, "--results", tmp_path).wait() == 0
        read_as[suffix] = read(file)["label"][0]
    assert read_as == {".csv": r"'=1+1\x07", ".parquet": label}


@pytest.fixture(scope="module")
def own_rows(bench, tmp_path_factory):
    """Rows of a table of one's own, and the table."""
    folder = tmp_path_factory.mktemp("own")
    lines = [f"{i},{i % 7},{'yes' if i % 8 == 0 else 'no'}" for i in range(200)]
    (folder / "claims.csv").write_text("\n".join(["id,b,fraud", *lines]))
    ran = bench(
        *("run", "--datasets", f"file:{folder}/claims.csv", "--label", "fraud", "--normal", "no"),
        *("--detectors", "knn,pyod:HBOS,random", "--seeds", 2, "--results", folder),
        *("--protocol", "one-class(calibration=0.3)"),
    )
    assert ran.wait() == 0, ran.stderr
    return folder


def test_every_score_names_its_sample_and_how_many_of_the_other_class_it_beats(bench, own_rows):
    file = own_rows / "scores.csv"
    assert bench("export", file, "--table", "scores", "--results", own_rows).wait() == 0
    scores, table = read(file), pd.read_csv(own_rows / "claims.csv")
    assert set(table["fraud"][scores["sample"][scores["truth"] == -1]]) == {"no"}  # held out
    tested = scores[scores["truth"] != -1]
    assert tested["truth"].tolist() == (table["fraud"][tested["sample"]] == "yes").tolist()
    auroc = harness.rows(own_rows).set_index("key")["auroc"]
    for key, part in scores.groupby("key"):
        assert part["sample"].is_unique
        for kind in (0, 1):
            assert part["won"][part["truth"] == kind].mean() == pytest.approx(auroc[key])


def test_alarm_rates_are_those_of_the_scores_of_held_out_samples(bench, own_rows):
    file = own_rows / "alarms.csv"
    assert bench("export", file, "--table", "scores", "--results", own_rows).wait() == 0
    rows = harness.rows(own_rows).set_index("key")
    for key, part in read(file).groupby("key"):
        held = part["score"][part["truth"] == -1].to_numpy()
        assert len(held) == rows["n_held"][key] == 26
        for kind, name in ((0, "alarm_rate@0.05"), (1, "alarm_recall@0.05")):
            values = part["score"][part["truth"] == kind].to_numpy()
            p = (1 + (held >= values[:, None]).sum(axis=1)) / 27
            assert rows[name][key] == (p <= 0.05).mean()


def test_the_samples_of_a_row_that_were_judged_worst_and_best_are_a_table(bench, own_rows):
    for table in ("scores", "extremes"):
        file = own_rows / f"{table}.parquet"
        assert bench("export", file, "--table", table, "--results", own_rows).wait() == 0
    scores, extremes = (read(own_rows / f"{t}.parquet") for t in ("scores", "extremes"))
    for key, part in extremes.groupby("key"):
        won = scores["won"][(scores["key"] == key) & (scores["truth"] != -1)].sort_values()
        assert part["won"][part["place"] == "worst"].tolist() == won[:10].tolist()
        assert part["won"][part["place"] == "best"].tolist() == won[-10:][::-1].tolist()
        assert len(part) == 20
        own = scores[(scores["key"] == key) & (scores["truth"] != -1)]
        side = (own["score"] - own["score"].median()) * (2 * own["truth"] - 1)
        first = part[part["place"] == "best"].iloc[0]["index"]
        assert side[own["index"] == first].item() == side[own["won"] == own["won"].max()].max()


def test_of_rows_of_other_code_or_data_no_sample_is_named(bench, results, tmp_path):
    file = tmp_path / "scores.csv"  # those of `results` have a code id of no code
    assert bench("export", file, "--table", "scores", "--results", results[0]).wait() == 0
    assert read(file)["sample"].isna().all()


def test_rows_have_all_their_settings_in_effect_beside_the_explicit_ones(own_rows):
    rows = harness.rows(own_rows).drop_duplicates("label").set_index("label")
    assert rows["settings"].tolist() == [{}, {}, {}]
    assert rows["effective_settings"]["knn"] == {"n_neighbors": 5, "aggregation": "largest"}
    hbos = {"alpha": 0.1, "contamination": 0.1, "n_bins": 10, "tol": 0.5}
    assert rows["effective_settings"]["pyod:HBOS"] == hbos
