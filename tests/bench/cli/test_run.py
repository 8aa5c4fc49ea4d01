"""`bench run`: what it answers, stores and leaves alone."""

import io
import re
import shlex
import shutil
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import bench as harness
from bench.store.store import Store
from tests.helpers.command import contents

ROOT = Path(__file__).parents[3]
RAISING = "tests/helpers/counting.py:Raising"


def test_settings_that_are_not_accepted_are_refused_before_anything_runs(bench, tmp_path):
    suite = tmp_path / "bad.toml"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\ndetectors = ["random",\n'
        '{ spec = "lof", settings = { n_neighbors = 0 }, label = "a" },\n'
        '{ spec = "lof", settings = { n_neighbors = "5" }, label = "b" },\n'
        '{ spec = "lof", settings = { n_neighbours = 5 }, label = "c" },\n'
        '{ spec = "lof", settings = { n_neighbours = 6 }, label = "as c" },\n'
        '{ spec = "lof", settings = { head.n_neighbors = 5 }, label = "d" }]'
    )
    run = bench("run", suite, "--results", tmp_path)
    assert run.wait() == 2
    assert run.stderr == (
        "bench: lof: n_neighbors = 0 is not accepted: an integer >= 1; "
        "lof: n_neighbors = '5' is not accepted: an integer >= 1; "
        "lof has no setting 'n_neighbours'; did you mean n_neighbors?; "
        "lof has no setting 'head'; did you mean seed? (docs/troubleshooting.md)\n"
    )
    assert harness.rows(tmp_path).empty


def test_a_second_run_does_nothing_and_prints_the_same_board(bench, results):
    before = contents(results)
    run = bench("run", results / "small.toml", "--results", results)
    assert run.wait() == 0
    assert "16 rows, 16 stored, 0 to run" in run.stdout
    board = bench("board", results / "small.toml", "--results", results)
    assert board.wait() == 0
    assert run.stdout.endswith(board.stdout)
    with closing(Store(results, read_only=True)) as store:
        assert [one.name for one in store.invocations(most=1)] == ["small"]
    changed = {path for path, text in contents(results).items() if before[path] != text}
    assert {Path(path).name for path in changed} <= {"fathom.lock", "store.db"}


def test_a_run_of_many_detectors_names_the_command_that_prints_the_whole_board(bench, tmp_path):
    labels = [f"knn-{k}" for k in range(1, 17)]
    detectors = ",\n".join(
        f'{{ spec = "knn", settings = {{ n_neighbors = {k} }}, label = "knn-{k}" }}'
        for k in range(1, 17)
    )
    suite = tmp_path / "of many.toml"
    suite.write_text(f'title = "Many"\ndatasets = ["wine"]\nseeds = 3\ndetectors = [{detectors}]\n')
    run = bench("run", suite, "--seeds", "2", "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    assert sum(f" {label} " in run.stdout for label in labels) == 10
    assert "6 more detectors.\n" in run.stdout
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("the whole board: ")]
    name, *arguments = shlex.split(line.partition(": ")[2])
    assert name == "bench"
    board = bench(*arguments)
    assert board.wait() == 0, board.stderr
    assert all(f" {label} " in board.stdout for label in labels)
    assert "By data set" in board.stdout


def test_a_dry_run_says_what_would_run_and_writes_nothing(bench, results, tmp_path):
    absent = tmp_path / "absent"
    run = bench("run", "smoke", "--results", absent, "--dry-run")
    assert run.wait() == 0
    assert "32 rows, 0 stored, 32 to run" in run.stdout
    assert re.search(r"^time: about \d+ s \(typical\) with --jobs", run.stdout, re.M)
    assert "typical: no row of such a detector is stored" in run.stdout
    assert not absent.exists()
    before = contents(results)
    run = bench("run", results / "small.toml", "--seeds", 3, "--results", results, "--dry-run")
    assert run.wait() == 0
    assert "24 rows, 16 stored, 8 to run" in run.stdout
    assert "lof: 2 rows, about 1 s" in run.stdout
    assert "time: about 1 s with --jobs" in run.stdout
    assert contents(results) == before


def test_a_dry_run_refuses_what_a_run_refuses(bench, tmp_path):
    source = "from detectors import Detector\nclass Mine(Detector):\n    pass\n"
    (tmp_path / "broken.py").write_text(f"{source}raise OSError('no disk')\n")
    suite = tmp_path / "bad.toml"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\n'
        'detectors = [{ spec = "lof", settings = { n_neighbors = 0 } }, '
        f'"{tmp_path}/broken.py:Mine"]\n'
    )
    said = [bench("run", suite, "--results", tmp_path / "no", *dry) for dry in ((), ("--dry-run",))]
    assert [run.wait() for run in said] == [2, 2]
    assert said[0].stderr == said[1].stderr
    assert "n_neighbors = 0 is not accepted" in said[1].stderr
    assert "broken.py:Mine: OSError: no disk" in said[1].stderr


def test_a_dry_run_says_what_is_wrong_with_data_and_how_a_large_table_gives_a_first_board(
    bench, tmp_path
):
    large, wrong = tmp_path / "large.csv", tmp_path / "wrong.csv"
    large.write_text(
        "a,b,y\n" + "".join(f"{i % 97},{i % 89},{i % 50 == 0:d}\n" for i in range(50_000))
    )
    wrong.write_text("a,b,y\n1,2,0\n3,4,0\n")
    mine = "tests/helpers/counting.py:Backwards"  # of which nothing is known
    arguments = ("--label", "y", "--normal", "0", "--detectors", f"random,{mine}", "--seeds", 1)
    names = f"file:{large},file:{wrong}"
    run = bench("run", "--datasets", names, *arguments, "--results", tmp_path / "no", "--dry-run")
    assert run.wait() == 0, run.stderr
    assert f"not run: {wrong}: all 2 " in run.stdout
    assert "  random: 1 row, about 1 s (typical)" in run.stdout
    assert "Backwards: 1 row, time not known" in run.stdout
    assert "--minutes 2 runs the shortest jobs" in run.stdout
    assert "24,500 training samples" in run.stdout  # half of the normals
    assert "--protocol 'one-class(max_train=2000)'" in run.stdout
    arguments = ("--detectors", "random", "--datasets", f"file:{wrong}?label=y&normal=0")
    run = bench("run", *arguments, "--results", tmp_path / "no", "--dry-run")
    assert run.wait() == 1  # as of the run itself


def test_after_its_minutes_a_run_starts_no_other_job_and_says_how_to_go_on(bench, tmp_path):
    arguments = ("run", "smoke", "--detectors", "knn,random", "--results", tmp_path)
    run = bench(*arguments, "--minutes", 0)
    assert run.wait() == 0, run.stderr
    assert "8 rows are left after 0 minutes; the same command goes on with them" in run.stdout
    run = bench(*arguments, "--minutes", 5)
    assert run.wait() == 0, run.stderr
    assert "are left" not in run.stdout
    assert len(harness.rows(tmp_path)) == 8


def test_stale_rows_are_counted_and_left_out(bench, results, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    detector = tmp_path / "mine.py"
    source = (ROOT / "tests/helpers/counting.py").read_text()
    for text in (source, source.replace("-np.abs", "-2 * np.abs")):
        detector.write_text(text)
        arguments = ("--results", folder, "--detectors", f"knn,{detector}:Backwards")
        run = bench("run", results / "small.toml", *arguments)
        assert run.wait() == 0, run.stderr
    assert "8 rows, 4 stored, 4 to run" in run.stdout
    assert "4 stale rows of older code left out" in run.stdout
    assert len(harness.rows(folder)) == 16 + 4 + 4


def test_strict_is_exit_status_1_for_failed_rows_which_retry_runs_again(bench, tmp_path):
    arguments = ("run", "smoke", "--detectors", f"random,{RAISING}", "--datasets", "wine")
    arguments = (*arguments, "--seeds", 1, "--results", tmp_path)
    run = bench(*arguments, "--strict")
    assert run.wait() == 1
    assert "error: " in run.stdout
    assert "no score for 119 samples" in run.stdout
    rows = harness.rows(tmp_path).set_index("label")
    assert rows.status.to_dict() == {"random": "ok", RAISING: "error"}
    for extra, todo in (((), 0), (("--retry", "timeout,memory"), 0), (("--retry", "all"), 1)):
        run = bench(*arguments, *extra)
        assert run.wait() == 0
        assert f"2 rows, {2 - todo} stored, {todo} to run" in run.stdout
    assert len(harness.rows(tmp_path)) == 2


def test_data_that_do_not_fit_a_protocol_are_unsupported_with_the_reason(bench, tmp_path):
    arguments = ("run", "smoke", "--detectors", "random", "--datasets", "wine", "--seeds", 1)
    run = bench(*arguments, "--protocol", "official", "--results", tmp_path)
    assert run.wait() == 0
    (row,) = harness.rows(tmp_path).itertuples()
    assert row.status == "unsupported"
    assert row.reason == "wine has no official split; use the protocol one-class"
    assert run.stdout.endswith(f"\n1 of 1 rows failed: unsupported: {row.reason}\n")


def test_rows_have_metrics_costs_and_provenance(results):
    rows = harness.rows(results)
    assert len(rows) == rows.key.nunique() == 16
    assert set(rows.status) == {"ok"}
    columns = {"auroc", "average_precision", "prevalence", "recall@fpr=0.05", "distinct"}
    costs = {"fit_seconds", "score_us", "peak_mib", "parameters", "n_train", "n_test"}
    assert columns | costs <= set(rows.columns)
    assert {"commit", "versions", "machine", "date", "run"} <= set(rows.provenance[0])


def test_settings_of_ones_own_data_are_options(bench, tmp_path):
    lines = [f"{i % 7},{i % 5},{'yes' if i % 10 == 0 else 'no'}" for i in range(60)]
    (tmp_path / "my claims.csv").write_text("\n".join(["a,b,fraud", *lines]))
    own = ("--datasets", f"file:{tmp_path}/my claims.csv", "--label", "fraud", "--normal", "no")
    options = ("--detectors", "knn", "--seeds", "2", "--results", tmp_path, "--drop", "b")
    run = bench("run", "smoke", *own, *options)
    assert run.wait() == 0, run.stderr
    assert "smoke with other detectors, data sets and seeds: auroc" in run.stdout
    board = bench("board", "smoke", *own, *options, "--format", "csv")
    assert board.wait() == 0
    assert pd.read_csv(io.StringIO(board.stdout))["rows_ok"].tolist() == [2]


def test_several_columns_are_left_out_and_missing_values_filled_by_a_scaler_of_the_command_line(
    bench, tmp_path
):
    lines = [f"{i},{i % 5},{i % 7 or ''},{'yes' if i % 10 == 0 else 'no'}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["id,day,amount,fraud", *lines]))
    own = ("--datasets", f"file:{tmp_path}/a.csv?missing=keep", "--label", "fraud")
    rest = ("--normal", "no", "--drop", "id,day", "--results", tmp_path, "--seeds", "1,")
    run = bench("run", "smoke", *own, *rest, "--detectors", "knn", "--scaler", "median+standard")
    assert run.wait() == 0, run.stderr
    assert "scaler median+standard" in run.stdout
    board = bench("board", "smoke", *own, *rest, "--detectors", "knn", "--scaler", "median")
    assert board.wait() == 2
    assert "unknown scaler 'median'; did you mean median+" in board.stderr


def test_data_that_cannot_be_read_are_a_sentence_and_no_board_of_nothing(bench, tmp_path):
    (tmp_path / "a.csv").write_text("a,fraud\n1,0\n2,1\n")
    own = ("--datasets", f"file:{tmp_path}/a.csv", "--detectors", "knn", "--results", tmp_path)
    run = bench("run", "smoke", *own)
    assert run.wait() == 1
    assert "a.csv: name the label column (--label, or ?label=)" in run.stdout
    assert "none of these rows could be run, so there is no board" in run.stdout
    assert "Chance-adjusted AP" not in run.stdout
    assert "0 failed" not in run.stdout
    assert "mlflow: 0 runs" not in run.stdout


def test_failures_of_one_reason_are_printed_once_with_how_many_more(bench, tmp_path):
    arguments = ("run", "smoke", "--detectors", f"random,{RAISING}", "--datasets", "wine")
    run = bench(*arguments, "--seeds", 3, "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    before = run.stdout[: run.stdout.index("smoke with other")]
    assert before.count("no score for 119 samples") == 2
    assert "2 more rows: error: ValueError: no score for 119 samples" in before


def test_settings_of_ones_own_data_without_such_data_are_bad_usage(bench):
    run = bench("run", "smoke", "--datasets", "wine", "--label", "fraud")
    assert run.wait() == 2
    assert run.stderr == (
        "bench: --label, --normal and --drop are for data of your own, such as file:PATH\n"
    )


@pytest.mark.slow
def test_a_race_makes_no_more_rows_than_it_needs_and_goes_on_where_it_was(bench, tmp_path):
    sets = "wine,breast-cancer,synthetic/global,digits/3"
    given = ("--detectors", "random,mean-distance", "--datasets", sets, "--results", tmp_path)
    run = bench("run", "--race", *given, "--seeds", 5)
    assert run.wait() == 0, run.stderr
    n_made = len(harness.rows(tmp_path))
    assert n_made < 40
    verdict = run.stdout.splitlines()[-1]
    assert verdict.startswith("race: mean-distance")
    assert verdict.endswith(f"rows not made: {40 - n_made} of 40")
    again = bench("run", "--race", *given, "--seeds", 5)
    assert again.wait() == 0, again.stderr
    assert again.stdout.splitlines()[-1] == verdict
    assert len(harness.rows(tmp_path)) == n_made


def test_a_race_of_too_few_families_is_refused(bench, tmp_path):
    run = bench("run", "--race", "--datasets", "wine", "--results", tmp_path)
    assert run.wait() == 2
    assert "a race needs at least 2 detectors and 3 families of data sets" in run.stderr
