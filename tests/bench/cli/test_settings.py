"""`bench tuning`: a suite with configurations is run within its budget, and compared."""

import json
from contextlib import closing

import pytest

from bench.store.store import Store

SUITE = """
title = "Tuned"
datasets = ["wine", "breast-cancer", "digits/3"]
seeds = 2
budget = "{budget}"
detectors = [
    "random",
    {{ spec = "lof", settings = {{ n_neighbors = "5..30" }}, configurations = 3 }},
    {{ spec = "knn", settings = {{ n_neighbors = [2, 9] }}, configurations = "grid" }},
]
"""


@pytest.fixture(scope="module")
def tuned(bench, tmp_path_factory):
    """A results folder with the rows of a suite, the suite, and what its run printed."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "mine.toml").write_text(SUITE.format(budget="60 s"))
    run = bench("run", folder / "mine.toml", "--results", folder)
    assert run.wait() == 0, run.stderr
    return folder, run.stdout


def test_a_board_ranks_the_defaults_alone_and_says_so(bench, tuned):
    folder, printed = tuned
    assert "4 configurations of 2 methods are not ranked" in printed
    run = bench("board", "--results", folder, "--format", "json")
    assert run.wait() == 0, run.stderr
    board = json.loads(run.stdout)
    assert {line["label"] for line in board["detectors"]} == {"random", "lof", "knn"}
    assert "bench tuning mine" in board["notes"][0]
    assert "n_neighbors" not in (folder / "boards" / "leaderboard-mine.csv").read_text()


def test_tuning_compares_the_configurations_in_every_format(bench, tuned, tmp_path):
    folder, _ = tuned
    run = bench("tuning", "--results", folder, "--figure", tmp_path / "reached.svg")
    assert run.wait() == 0, run.stderr
    assert "What a choice gains" in run.stdout
    assert "oracle*" in run.stdout
    assert "so far, by labels" in (tmp_path / "reached.svg").read_text()
    run = bench("tuning", "mine", "--results", folder, "--format", "json", "--budget", 0.001)
    assert run.wait() == 0, run.stderr
    found = json.loads(run.stdout)
    assert [line["method"] for line in found["methods"]] == ["lof", "knn", "all methods"]
    assert found["methods"][0]["configurations"] == 1
    assert found["methods"][0]["seeds"] == found["methods"][0]["default"], "of one configuration"


@pytest.mark.slow
def test_a_run_ends_with_the_budget_of_a_method_and_runs_nothing_more_again(bench, tmp_path):
    small = tmp_path / "small.toml"
    small.write_text(SUITE.format(budget="0.0001 s"))
    for left in (42, 24):
        run = bench("run", small, "--results", tmp_path, "--jobs", 1)
        assert run.wait() == 0, run.stderr
        assert f"42 rows, {42 - left} stored, {left} to run" in run.stdout
        assert "24 rows are not stored: for want of data, or after a budget of 0.0001" in run.stdout
        with closing(Store(tmp_path, read_only=True)) as store:
            assert len(store.statuses()) == 18, "the first configuration of each method"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("tuning", "default"), "default has no detector with several configurations; give one"),
        (("crossover", "ae", "ae"), "two detectors are called 'ae:reconstruction'; name others"),
        (("crossover", "pca", "knn", "--rows", "0,50"), "--rows '0,50' is not accepted; give num"),
        (("crossover", "pca", "knn", "--run", "--most", 9), "rows, more than the 9 that --run"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(bench, tuned, given, why):
    folder, _ = tuned
    run = bench(*given, "--results", folder)
    assert run.wait() == 2
    assert why in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_crossover_is_run_shown_drawn_and_claimed_by_one_command(bench, tmp_path):
    of = ("crossover", "pca", "knn", "--datasets", "wine,synthetic/local,breast-cancer",
          "--seeds", 1, "--rows", "20", "--shares", "0,0.05", "--results", tmp_path)  # fmt: skip
    files = ("--figure", tmp_path / "a.svg", "--claims", tmp_path / "a.toml")
    run = bench(*of, "--run", *files)
    assert run.wait() == 0, run.stderr
    assert "Where pca begins to beat knn" in run.stdout
    assert "AUROC by training rows: " in run.stdout
    assert "training rows" in (tmp_path / "a.svg").read_text()
    judged = bench("claims", tmp_path / "a.toml", "--results", tmp_path)
    assert judged.wait() == 0, judged.stderr
    assert "missing" not in judged.stdout
    assert "pca gains more than knn" in judged.stdout
    again = bench(*of, "--format", "json")
    assert again.wait() == 0, again.stderr
    found = json.loads(again.stdout)
    assert [one["axis"] for one in found["axes"]][::2] == ["training rows", "share of anomalies"]
