"""`bench board`: formats, selections, tests and files."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from bench import rows
from datasets import load
from datasets.families.images.textures import write
from tests.helpers.command import contents


def test_boards_parse_in_every_format_and_are_plain_when_piped(bench, results):
    texts = {}
    for form in ("table", "csv", "md", "tex", "bib", "html", "json"):
        run = bench("board", results / "small.toml", "--results", results, "--format", form)
        assert run.wait() == 0, run.stderr
        assert "\x1b" not in run.stdout
        texts[form] = run.stdout
    labels = {"knn", "lof", "random", "mean-distance"}
    assert set(pd.read_csv(io.StringIO(texts["csv"])).label) == labels
    assert labels <= set(json.dumps(json.loads(texts["json"])).replace('"', " ").split())
    assert "| `knn` |" in texts["md"]
    assert r"\texttt{knn}~\cite{ramaswamy2000knn,angiulli2002knn} & shallow" in texts["tex"]
    assert (
        "@inproceedings{ramaswamy2000knn,\n  author = {Ramaswamy, Sridhar and Rastogi"
        in texts["bib"]
    )
    assert "<code>knn</code>" in texts["html"]
    assert max(map(len, texts["table"].splitlines())) <= 100
    assert (results / "boards" / "leaderboard-small.csv").read_text() == texts["csv"]


def test_a_board_has_the_types_of_detectors_and_kinds_of_data_that_are_asked_for(bench, results):
    small = ("board", results / "small.toml", "--results", results)
    run = bench(*small, "--type", "shallow,baseline", "--kind", "tabular", "--format", "csv")
    assert run.wait() == 0
    assert len(pd.read_csv(io.StringIO(run.stdout))) == 4
    run = bench(*small, "--type", "shallow", "--format", "csv")
    assert run.wait() == 0
    assert set(pd.read_csv(io.StringIO(run.stdout))["label"]) == {"knn", "lof"}
    for option, message in (
        (
            ("--type", "deep"),
            "bench: type: no row of the suite is 'deep'; known: baseline, shallow",
        ),
        (("--kind", "image"), "bench: kind: no row of the suite is 'image'; known: tabular"),
    ):
        run = bench(*small, *option)
        assert (run.wait(), run.stderr) == (2, f"{message}\n")


def test_detectors_are_tested_against_one_where_it_is_asked_for(bench, results):
    small = ("board", results / "small.toml", "--results", results)
    assert "differences from" not in (results / "boards" / "leaderboard-small.md").read_text()
    run = bench(*small, "--against", "random", "--unit", "dataset", "--margin", "0.02")
    assert run.wait() == 0, run.stderr
    assert "AUROC: differences from random" in run.stdout
    assert "each data set counts" in run.stdout
    assert "by more than 0.02 of AUROC" in run.stdout
    run = bench(*small, "--unit", "dataset")
    assert run.wait() == 2
    assert "--unit, --coverage and --margin are of tests against a detector" in run.stderr
    run = bench(*small, "--against", "loff")
    assert run.wait() == 2
    assert "'loff' is not among the detectors that can be compared: knn" in run.stderr
    run = bench(*small, "--against", "lof", "--metric", "fit_seconds")
    assert run.wait() == 2
    assert "fit_seconds is a cost, and costs are not tested" in run.stderr


def test_a_board_is_written_into_a_folder_with_its_figures(bench, results, tmp_path):
    small = ("board", results / "small.toml", "--results", results)
    run = bench(*small, "--to", tmp_path / "paper")
    assert run.wait() == 0, run.stderr
    figures = ("ranks", "critical-differences", "quality-fit-seconds", "quality-score-us")
    expected = {f"{name}.{form}" for name in figures for form in ("pdf", "svg", "png")}
    expected |= {f"board.{form}" for form in ("txt", "csv", "md", "tex", "html", "json")}
    expected |= {"references.bib", "paper.tex"}
    assert {path.name for path in (tmp_path / "paper").iterdir()} == expected
    assert {Path(line).name for line in run.stdout.splitlines()} == expected
    assert "differences from" in (tmp_path / "paper" / "board.md").read_text()
    before = contents(tmp_path)
    assert bench(*small, "--to", tmp_path / "paper").wait() == 0
    assert contents(tmp_path) == before


@pytest.mark.fault(
    area="commands and output",
    kind="a file in place of a folder",
    how="`bench board --to` names a file, or a folder below one",
    promise="one sentence and exit 2; the file stays",
)
@pytest.mark.parametrize("below", ["", "/below"])
def test_a_file_in_place_of_the_folder_of_a_board_is_one_sentence(bench, results, tmp_path, below):
    (tmp_path / "mine").write_text("mine")
    there = f"{tmp_path / 'mine'}{below}"
    run = bench("board", results / "small.toml", "--results", results, "--to", there)
    assert run.wait() == 2
    assert run.stderr == f"bench: cannot write {there}: Not a directory; name another\n"
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
def test_a_suite_of_tables_and_images_uses_each_official_split_or_the_board_says_so(
    bench, tmp_path
):
    write("weave", tmp_path / "fabric")
    images = f"folder:{tmp_path}/fabric?size=16&grey=yes"
    detectors = 'detectors = ["random", "mean-distance"]\nseeds = 1\n'
    own, plain = tmp_path / "own.toml", tmp_path / "plain.toml"
    own.write_text(
        f'{detectors}datasets = ["wine", {{ name = "{images}", protocol = "official" }}]\n'
    )
    plain.write_text(f'{detectors}datasets = ["wine", "{images}"]\n')
    for suite in (own, plain):
        run = bench("run", suite, "--results", tmp_path / "results", "--strict")
        assert run.wait() == 0, run.stderr
    assert "4 rows, 2 stored, 2 to run" in run.stdout  # those of wine serve both suites
    data = load(images)
    stored = rows(tmp_path / "results").set_index(["dataset", "protocol"])
    n_train = stored["n_train"].groupby(level=[0, 1]).first()
    assert n_train[images, "official"] == len(data.split.train)
    assert n_train[images, "one-class"] == (data.y == 0).sum() // 2 != len(data.split.train)
    assert set(n_train["wine"].index) == {"one-class"}
    unused = "The official split is not used for"
    for suite in (own, plain):
        texts = [
            bench("board", suite, "--results", tmp_path / "results", "--format", form)
            for form in ("table", "tex")
        ]
        assert not any(text.wait() for text in texts)
        page = tmp_path / f"{suite.stem}.html"
        report = bench("report", suite, "--results", tmp_path / "results", "--output", page)
        assert report.wait() == 0, report.stderr
        every = [" ".join(text.split()) for text in (*(t.stdout for t in texts), page.read_text())]
        assert [unused in text for text in every] == [suite is plain] * 3
        said = "protocols of their own: official for"
        assert [said in text for text in every] == [suite is own] * 3
    chosen = bench("run", own, "--results", tmp_path / "results", "--datasets", images, "--dry-run")
    assert chosen.wait() == 0
    assert "2 rows, 2 stored, 0 to run" in chosen.stdout
