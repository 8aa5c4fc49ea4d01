"""`bench claims`: it is frozen, run and judged by one command each."""

import io
import json

import pandas as pd
import pytest

FILE = """
title = "Mine"
datasets = ["wine", "breast-cancer", "digits/0", "synthetic/local"]
seeds = 1
[[claims]]
sentence = "Distances beat chance."
source = "nobody doubts it"
detectors = ["knn", "lof"]
against = "random"
margin = 0.05
[[claims]]
sentence = "A neighbour more changes nothing."
source = "me"
detectors = { spec = "knn", settings = { n_neighbors = 6 } }
against = "knn"
analysis = "equivalence"
margin = 0.02
[[claims]]
sentence = "A few anomalies cost little."
source = "me"
detectors = "knn"
protocol = { name = "one-class", max_train = 200, contamination = 0.01 }
against_protocol = { name = "one-class", max_train = 200 }
analysis = "non-inferiority"
margin = 0.1
"""


@pytest.fixture(scope="module")
def judged(bench, tmp_path_factory):
    """A results folder, a file of claims that was frozen in it, and what its run printed."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "mine.toml").write_text(FILE)
    path = folder / "mine.toml"
    read = bench("claims", path, "--results", folder)
    assert read.wait() == 0, read.stderr
    assert "24 of 24 rows are missing" in read.stdout
    assert f"bench claims {path} --run --results {folder}\n" in read.stdout
    assert not (folder / "store.db").exists()
    for _ in range(2):
        frozen = bench("claims", path, "--freeze", "--results", folder)
        assert frozen.wait() == 0, frozen.stderr
        assert frozen.stdout.startswith("mine: frozen at 2")
    run = bench("claims", path, "--run", "--jobs", 1, "--results", folder)
    assert run.wait() == 0, run.stderr
    assert "mine: 8 rows, 0 stored, 8 to run" in run.stdout
    return folder, path, run.stdout


def test_claims_are_judged_by_their_rows_in_every_format(bench, judged, tmp_path):
    folder, path, printed = judged
    assert "1 supported, 0 refuted, 2 undecided." in printed
    assert "too few families: 4 may hold none of those that differ" in " ".join(printed.split())
    assert "before the rows were made" in printed
    texts = {}
    for form in ("csv", "md", "tex", "html", "json"):
        drawn = ("--figure", tmp_path / "forest.svg") if form == "csv" else ()
        run = bench("claims", path, "--results", folder, "--format", form, *drawn)
        assert run.wait() == 0, run.stderr
        texts[form] = run.stdout
    lines = pd.read_csv(io.StringIO(texts["csv"]))
    assert list(lines["verdict"]) == ["supported", "undecided", "undecided"]
    assert list(lines["more_families"][1:]) == [32, 32], "36 for two claims that share the error"
    assert (lines["low"] < lines["difference"]).all()
    assert [one["families"] for one in json.loads(texts["json"])["claims"]] == [4, 4, 4]
    assert "| Distances beat chance. | supported |" in texts["md"]
    assert r"\begin{tabular" in texts["tex"]
    assert "Distances beat chance" in (tmp_path / "forest.svg").read_text()


def test_a_file_that_changed_since_it_was_frozen_is_not_frozen(bench, judged, tmp_path):
    folder, *_ = judged
    (tmp_path / "mine.toml").write_text(FILE.replace("0.05", "0.06"))
    run = bench("claims", tmp_path / "mine.toml", "--results", folder)
    assert run.wait() == 0, run.stderr
    assert "not frozen" in run.stdout
    frozen = bench("claims", tmp_path / "mine.toml", "--results", folder, "--freeze")
    assert frozen.wait() == 0
    run = bench("claims", tmp_path / "mine.toml", "--results", folder)
    assert run.wait() == 0
    assert "after 24 of 24 rows were made" in " ".join(run.stdout.split())


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        pytest.param(
            ("seeds = 1", "seeds = 10_000"),
            ("--run",),
            "280,000 rows, more than the 10,000 that --run makes",
            marks=pytest.mark.fault(
                area="commands and output",
                kind="claims that need very many rows",
                how="ten thousand seeds and --run",
                promise="the number of rows is asked back, and none is run",
            ),
        ),
        (("random", "randm"), (), "unknown"),
        pytest.param(
            ("n_neighbors", "n_neighbours"),
            ("--freeze",),
            "knn has no setting 'n_neighbours'; did you mean n_neighbors?",
            marks=pytest.mark.fault(
                area="commands and output",
                kind="claims of rows that cannot exist",
                how="a setting that the detector does not have, and --freeze",
                promise="one sentence, and nothing is frozen",
            ),
        ),
        (("", ""), ("--jobs", "1"), "--jobs: only for a run; give --run as well"),
        (("", ""), ("--figure", "forest.bmp"), "accepted are .pdf, .svg, .png"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(bench, tmp_path, change, options, message):
    (tmp_path / "mine.toml").write_text(FILE.replace(*change, 1))
    run = bench("claims", tmp_path / "mine.toml", "--results", tmp_path / "none", *options)
    assert run.wait() == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "none").exists()
