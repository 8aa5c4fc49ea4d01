"""A run has a name, and commands that read find it, or the last run, with no option again."""

from __future__ import annotations

import json
import shutil
from contextlib import closing

import pandas as pd
import pytest

import bench as harness
from bench.store.store import Store

ADHOC = ("--detectors", "random,knn", "--datasets", "wine", "--seeds", "2", "--scaler", "minmax")


@pytest.fixture(scope="module")
def ran(bench, tmp_path_factory):
    """A folder with a run of a suite, a named run, and a run of no name that came last."""
    results = tmp_path_factory.mktemp("ran")
    for words in (
        ("smoke", "--detectors", "random,mean-distance", "--seeds", "1"),
        ("--name", "mine", "--detectors", "max-abs-z", "--datasets", "wine", "--seeds", "1"),
        ADHOC,
    ):
        run = bench("run", *words, "--results", results)
        assert run.wait() == 0, run.stderr
    return results


def labels(text):
    return {row["label"] for row in json.loads(text)["detectors"]}


def names(results):
    """Return the names that the rows' runs have, by label."""
    rows = harness.rows(results)
    return {row.label: row.provenance["suite"] for row in rows.itertuples()}


def test_a_run_of_no_suite_has_a_name_of_its_own(ran):
    found = names(ran)
    assert found["max-abs-z"] == "mine"
    assert found["mean-distance"] == "smoke"  # all its rows are of that suite
    assert found["knn"].startswith("run-")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), {"random", "knn"}),
        (("mine",), {"max-abs-z"}),
        (("--detectors", "knn"), {"knn"}),
    ],
)
def test_boards_are_of_the_last_run_or_of_a_name(bench, ran, words, expected):
    run = bench("board", *words, "--results", ran, "--format", "csv")
    assert run.wait() == 0, run.stderr
    found = pd.read_csv(run.out / "stdout")
    assert set(found.label) == expected
    assert "missing" not in run.stdout


def test_pages_are_of_the_last_run_under_its_own_title(bench, ran):
    run = bench("report", "--results", ran)
    assert run.wait() == 0, run.stderr
    page = (ran / "report.html").read_text()
    assert f"<title>{names(ran)['knn']}" in page
    assert "with other code" not in page
    assert "default" not in page.partition("<main")[0].partition("<title>")[2].partition("<")[0]


def test_tables_are_of_the_last_run_of_a_name_or_of_all(bench, ran, tmp_path):
    for words, n_rows in (((), 4), (("--run", "mine"), 1), (("--run", "all"), len(names(ran)))):
        run = bench("export", tmp_path / "rows.csv", *words, "--results", ran)
        assert run.wait() == 0, run.stderr
        assert len(pd.read_csv(tmp_path / "rows.csv")) >= n_rows
        assert ("--run all" in run.stdout) == ("all" not in words)
    assert set(pd.read_csv(tmp_path / "rows.csv").label) == set(names(ran))


def test_runs_are_compared_by_name_and_without_one_the_last_two(bench, ran):
    named = bench("compare", "mine", "smoke", "--results", ran)
    assert named.wait() == 0, named.stderr
    assert "max-abs-z" in named.stdout
    last = bench("compare", "--results", ran)
    assert last.wait() == 0, last.stderr
    assert "knn" in last.stdout
    assert "max-abs-z" in last.stdout
    assert "mean-distance" not in last.stdout


def test_a_run_stands_for_the_same_rows_by_its_id_as_without_it(bench, ran, tmp_path):
    shutil.copytree(ran, tmp_path / "again")
    given = ("--results", tmp_path / "again")
    assert bench("run", "smoke", "--detectors", "random", "--seeds", "2", *given).wait() == 0
    with closing(Store(tmp_path / "again")) as store:
        ids = [one.run for one in store.invocations(most=2)]
    last, named = (bench("compare", *words, *given) for words in ((), ids[::-1]))
    assert (last.wait(), named.wait()) == (0, 0), last.stderr + named.stderr
    assert "4 rows" in last.stdout  # two of them were stored before
    assert named.stdout == last.stdout


@pytest.mark.fault(
    area="commands and output",
    kind="a run in which nothing could run",
    how="the data of the last run is a file that is no table",
    promise="it is not the last run: boards and tables are of the last run that has rows",
)
def test_a_run_without_rows_is_not_the_last_one(bench, ran, tmp_path):
    shutil.copytree(ran, tmp_path / "again")
    (tmp_path / "bad.csv").write_text("")
    given = ("--results", tmp_path / "again")
    data = ("--datasets", f"file:{tmp_path / 'bad.csv'}", "--detectors", "knn")
    failed = bench("run", "--name", "futile", *data, *given)
    assert (failed.wait(), "not run" in failed.stdout) == (1, True), failed.stderr
    run = bench("board", "--format", "csv", *given)
    assert run.wait() == 0, run.stderr
    assert set(pd.read_csv(run.out / "stdout").label) == {"random", "knn"}
    unknown = bench("board", "futil", *given)
    assert (unknown.wait(), "futile" in unknown.stderr) == (2, False)


def test_an_unknown_name_has_the_nearest_ones(bench, ran, tmp_path):
    run = bench("board", "mien", "--results", ran)
    assert run.wait() == 2
    assert run.stderr == "bench: unknown suite or run 'mien'; did you mean mine?\n"
    run = bench("export", tmp_path / "x.csv", "--run", "mien", "--results", ran)
    assert (run.wait(), run.stderr) == (2, "bench: unknown run 'mien'; did you mean mine?\n")
    run = bench("run", "--name", "smoke", "--results", tmp_path)
    assert run.wait() == 2
    assert run.stderr == "bench: --name 'smoke' would name a suite; choose another\n"


@pytest.mark.fault(
    area="commands and output",
    kind="the file of a stored detector is gone",
    how="a user's file is moved away, or its class renamed, after the run",
    promise="`bench board` prints the stored rows in every format, and says that it cannot know "
    "whether they are of the present code",
)
@pytest.mark.parametrize("way", ["moved", "renamed"])
def test_boards_of_a_detector_that_is_gone_show_its_stored_rows(bench, tmp_path, way):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    label = f"{file}:Mine"
    run = bench("run", "--name", "x", "--detectors", f"{label},mean-distance", "--datasets", "wine",
                "--seeds", "1", "--results", tmp_path / "results")  # fmt: skip
    assert run.wait() == 0, run.stderr
    file.rename(tmp_path / "theirs.py") if way == "moved" else file.write_text(
        MINE.replace("Mine", "Ours")
    )
    board = ("board", "--results", tmp_path / "results")
    runs = {form: bench(*board, "--format", form) for form in ("csv", "table", "tex", "html")}
    assert {form: run.wait() for form, run in runs.items()} == dict.fromkeys(runs, 0)
    found = pd.read_csv(runs["csv"].out / "stdout").set_index("label")
    assert set(found.index) == {label, "mean-distance"}
    assert found.rows_ok.eq(1).all()
    said = " ".join(runs["table"].stdout.split())
    assert "The rows of the run x are shown as stored; whether they are of the present code" in said
    assert ("mine.py does not exist" if way == "moved" else "no class 'Mine'") in said
    run = bench(*board, "x", "--detectors", "mean-distance", "--format", "csv")
    assert run.wait() == 0, run.stderr
    assert set(pd.read_csv(run.out / "stdout").label) == {"mean-distance"}
    run = bench(*board, "--seeds", "1")
    assert run.wait() == 2
    assert run.stderr.endswith("; leave out --seeds\n")


MINE = """
from dataclasses import dataclass
from detectors import Detector

@dataclass(kw_only=True)
class Mine(Detector):
    def _fit(self, x): pass
    def _score(self, x, readout): return abs(x).sum(axis=1)
"""


def test_merged_folders_know_each_others_runs(bench, ran, tmp_path):
    assert bench("merge", ran, "--results", tmp_path / "both").wait() == 0
    run = bench("board", "mine", "--results", tmp_path / "both", "--format", "csv")
    assert run.wait() == 0, run.stderr
    assert set(pd.read_csv(run.out / "stdout").label) == {"max-abs-z"}
