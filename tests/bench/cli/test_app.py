"""The command line: what it answers, with which exit status, and what it leaves alone."""

import inspect
import io
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer.main

import bench as harness
from bench.cli.app import app

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "sklearn", "scipy", "mlflow", "pyod", "matplotlib")
RAISING = "tests/helpers/counting.py:Raising"
WATCHED = f"""
import atexit, sys
def tell():
    found = sorted(set({HEAVY}) & set(sys.modules))
    print("imported:", *found, file=sys.stderr)
atexit.register(tell)
from bench.cli.app import main
main()
"""


def fresh(*args: object, path: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `bench` in a new interpreter that reports which heavy libraries it has imported."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, args)],
        cwd=ROOT,
        env={**os.environ, **({"PYTHONPATH": path} if path else {}), **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def results(bench, tmp_path_factory):
    """A results folder with all rows of a small suite but one detector's."""
    folder = tmp_path_factory.mktemp("results")
    suite = folder / "small.toml"
    suite.write_text(
        'title = "Small"\ndatasets = ["wine", "digits/3"]\nseeds = 2\n'
        'detectors = ["knn", "lof", "random", "mean-distance"]\n'
    )
    run = bench("run", suite, "--results", folder)
    assert run.wait() == 0, run.stderr
    assert "16 rows, 0 stored, 16 to run" in run.stdout
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    kept = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in kept if not path.name.startswith("store.db-")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "smokee"), "bench: unknown suite 'smokee'; did you mean smoke?"),
        (("run", "absent.toml"), "bench: cannot read the suite absent.toml: No such file"),
        (("run", "smoke", "--detectors", "loff"), "bench: unknown detector 'loff'; did you mean"),
        (("run", "smoke", "--detectors", "vae:elbow"), "bench: vae has no read-out 'elbow'"),
        (("run", "smoke", "--detectors", "no.py:X"), "bench: no.py does not exist"),
        (("run", "smoke", "--detectors", ","), "detectors: is empty; name at least one"),
        (("run", "smoke", "--datasets", "whine"), "unknown data set 'whine'"),
        (("run", "smoke", "--protocol", "oneclass"), "unknown protocol 'oneclass'; did you mean"),
        (("run", "smoke", "--protocol", "goad(dedup=true)"), "as published and takes no param"),
        (("run", "smoke", "--seeds", "few"), "bench: --seeds 'few' is neither a number of seeds"),
        (("run", "smoke", "--seeds", "1,,2"), "bench: --seeds '1,,2' is neither"),
        (("run", "smoke", "--seeds", "-3"), "-3 seeds are not possible"),
        (("run", "smoke", "--retry", "crash"), "bench: retry: unknown 'crash'; did you mean"),
        (("run", "smoke", "--jobs", "0"), "'--jobs': it should be greater than or equal to 1"),
        (
            ("run", "smoke", "--device", "gpu"),
            "bench: invalid value for '--device': 'gpu' is not one of 'auto', 'cpu', 'cuda'; see "
            "`bench run --help`\n",
        ),
        (("board", "--unit", "rows"), "'--unit': 'rows' is not one of 'family', 'dataset'; see"),
        (("board", "--coverage", "all"), "'all' is not one of 'complete', 'common'; see `bench b"),
        (("run", "--job", "3"), "bench: no such option: --job"),
        (("board", "small", "--format", "cvs"), "bench: format: unknown 'cvs'; did you mean csv?"),
        (
            ("board", "smoke", "--metric", "aurok"),
            "bench: unknown metric 'aurok'; did you mean auroc",
        ),
        (("board", "smoke", "--results", "absent"), "bench: no store.db in absent; run `bench"),
        (("list", "detektors"), "bench: list: unknown 'detektors'; did you mean detectors"),
        (("check", "loff"), "bench: unknown detector 'loff'; did you mean lof"),
        (("debug", "zzzz"), "row that fails, and `bench export rows.csv` lists all keys"),
        (("debug", ""), "bench: 16 rows begin with ''; give more of "),
        (("frobnicate",), "bench: no such command 'frobnicate'; see `bench --help`"),
        (("data",), "bench: missing command; see `bench data --help`"),
        (("compare", "HEAD"), "bench: missing argument 'B'; see `bench compare --help`"),
    ],
)
def test_bad_usage_is_one_clear_sentence_and_exit_status_2(bench, results, arguments, message):
    takes_results = arguments[0] in ("board", "debug") and "absent" not in arguments
    run = bench(*arguments, *(("--results", results) if takes_results else ()))
    assert run.wait() == 2
    assert message in run.stderr
    assert run.stderr.startswith("bench: ")
    assert run.stderr.count("\n") == 1
    assert run.stdout == ""


def test_bench_alone_prints_each_command_on_one_line_of_80_cells(bench):
    alone, asked = bench(COLUMNS="80"), bench("--help", COLUMNS="80")
    assert (alone.wait(), asked.wait()) == (0, 0)
    assert alone.stdout == asked.stdout
    assert "Usage: bench [OPTIONS] COMMAND" in alone.stdout
    assert max(map(len, alone.stdout.splitlines())) <= 80
    for name, command in commands():
        (line,) = [line for line in alone.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert line.endswith(inspect.cleandoc(command.help).partition("\n")[0])


def test_every_option_is_in_a_group_and_states_its_default():
    for name, command in commands():
        for each in command.params:
            if each.param_type_name == "option":
                assert each.rich_help_panel, (name, each.name)
                stated = "default" in each.help or each.name in ("label", "normal")
                assert stated, (name, each.name)
            else:
                assert each.metavar, (name, each.name)


def test_the_defaults_that_help_states_are_those_of_the_commands():
    for name, command in commands():
        for each in command.params:
            found = re.search(r"\(default: ([\w.]+)\)", each.help)
            if found and found[1] not in ("no", "none", "all"):
                default = str(each.default)
                assert default.removesuffix(".0") == found[1], (name, each.name)


def commands(group=None, prefix=""):
    """Every command that is not a group, with its full name."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_settings_that_are_not_accepted_are_refused_before_anything_runs(bench, tmp_path):
    suite = tmp_path / "bad.toml"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\ndetectors = ["random",\n'
        '{ spec = "lof", settings = { n_neighbors = 0 }, label = "a" },\n'
        '{ spec = "lof", settings = { n_neighbors = "5" }, label = "b" },\n'
        '{ spec = "lof", settings = { n_neighbours = 5 }, label = "c" },\n'
        '{ spec = "lof", settings = { head.n_neighbors = 5 }, label = "d" }]'
    )
    run = bench("run", suite, "--results", tmp_path)
    assert run.wait() == 2
    assert run.stderr == (
        "bench: lof: n_neighbors = 0 is not accepted: an integer >= 1; "
        "lof: n_neighbors = '5' is not accepted: an integer >= 1; "
        "lof has no setting 'n_neighbours'; did you mean n_neighbors?; "
        "lof has no setting 'head'; did you mean seed?\n"
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
    changed = {path for path, text in contents(results).items() if before[path] != text}
    assert {Path(path).name for path in changed} <= {"lock"}


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
    assert not absent.exists()
    before = contents(results)
    run = bench("run", results / "small.toml", "--seeds", 3, "--results", results, "--dry-run")
    assert run.wait() == 0
    assert "24 rows, 16 stored, 8 to run" in run.stdout
    assert "lof: 2" in run.stdout
    assert contents(results) == before


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
    assert "@inproceedings{ramaswamy2000knn,\n  author = {Ramaswamy, " in texts["bib"]
    assert "<code>knn</code>" in texts["html"]
    assert max(map(len, texts["table"].splitlines())) <= 100
    assert (results / "leaderboard-small.csv").read_text() == texts["csv"]


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
    assert "differences from" not in (results / "leaderboard-small.md").read_text()
    run = bench(*small, "--against", "random", "--unit", "dataset", "--margin", "0.02")
    assert run.wait() == 0, run.stderr
    assert "AUROC: differences from random" in run.stdout
    assert "each data set counts" in run.stdout
    assert "by more than 0.02 of AUROC" in run.stdout
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


def test_rows_have_metrics_costs_and_provenance(results):
    rows = harness.rows(results)
    assert len(rows) == rows.key.nunique() == 16
    assert set(rows.status) == {"ok"}
    columns = {"auroc", "average_precision", "prevalence", "recall@fpr=0.05", "distinct"}
    costs = {"fit_seconds", "score_us", "peak_mib", "parameters", "n_train", "n_test"}
    assert columns | costs <= set(rows.columns)
    assert {"commit", "versions", "machine", "date", "run"} <= set(rows.provenance[0])


def test_reading_and_planning_import_no_numeric_library_and_start_at_once(results, tmp_path):
    small = results / "small.toml"
    folder = ("--results", results)
    for arguments in (
        ("list",),
        ("list", "datasets"),
        ("run", "default", "--dry-run", "--results", tmp_path),
        ("run", small, *folder),
        ("board", small, *folder),
        *(("board", small, *folder, "--format", form) for form in ("json", "md", "tex", "html")),
        ("board", small, *folder, "--metric", "average_precision", "--seeds", "2"),
    ):
        done = fresh(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "imported:\n", arguments


def test_the_page_imports_no_library_that_detectors_need(results, tmp_path):
    arguments = ("--results", results, "--output", tmp_path / "page.html")
    done = fresh("report", results / "small.toml", *arguments)
    assert (done.returncode, done.stderr) == (0, "imported: scipy\n")  # for its tests


def test_the_lists_take_less_time_than_the_import_of_one_library_of_detectors():
    imported = processor_seconds("-c", "import torch")
    assert processor_seconds("-m", "bench", "list") < imported
    assert processor_seconds("-m", "bench", "data", "list") < imported


def processor_seconds(*arguments):
    """Return what the interpreter with these arguments takes of the processor, the less of two."""
    seconds = []
    for _ in range(2):
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
        seconds.append(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before)
    return min(seconds)


def test_what_is_listed_is_plain_and_fits_the_terminal(bench):
    for what in ("detectors", "datasets", "suites", "metrics", "protocols", "scalers"):
        run = bench("list", what)
        assert run.wait() == 0, run.stderr
        assert "\x1b" not in run.stdout
        assert max(map(len, run.stdout.splitlines())) <= 100
    run = bench("list")
    assert run.wait() == 0
    assert "mean-distance" in run.stdout


@pytest.mark.parametrize("arguments", [("list",), ("run", "smoke", "--detectors", "loff")])
def test_a_package_with_a_broken_detector_is_one_sentence(tmp_path, arguments):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fathom.detectors]\nbroken = nopkg.mod:Thing\n")
    done = fresh(*arguments, path=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("bench: detector 'broken': the module nopkg.mod does not exist; ")
    assert done.stderr.endswith("repair or remove the package theirs\nimported:\n")


def test_a_foreign_package_of_our_name_is_one_sentence_if_it_wins(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    program = (
        f"import sys; sys.path.insert(1, {str(ROOT)!r}); from bench.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "list"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"bench: `import datasets` finds {tmp_path / 'datasets'}, not ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", ["package", "module"])
def test_a_foreign_package_of_our_name_is_reported_if_it_is_hidden(tmp_path, kind):
    file = tmp_path / ("datasets/__init__.py" if kind == "package" else "datasets.py")
    file.parent.mkdir(exist_ok=True)
    file.touch()
    done = fresh("list", "suites", path=str(tmp_path))
    assert done.returncode == 0
    assert f"bench: the package 'datasets' in {tmp_path} is hidden by the project's" in done.stderr
    assert "smoke" in done.stdout


def test_a_folder_of_data_called_datasets_is_no_package(tmp_path):
    (tmp_path / "datasets").mkdir()
    done = fresh("list", "suites", path=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "imported:\n")


def test_settings_of_ones_own_data_are_options(bench, tmp_path):
    lines = [f"{i % 7},{i % 5},{'yes' if i % 10 == 0 else 'no'}" for i in range(60)]
    (tmp_path / "my claims.csv").write_text("\n".join(["a,b,fraud", *lines]))
    own = ("--datasets", f"file:{tmp_path}/my claims.csv", "--label", "fraud", "--normal", "no")
    options = ("--detectors", "knn", "--seeds", "2", "--results", tmp_path, "--drop", "b")
    run = bench("run", "smoke", *own, *options)
    assert run.wait() == 0, run.stderr
    assert "smoke, with other detectors, datasets, seeds: auroc" in run.stdout
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


def test_failures_of_one_reason_are_reported_once_with_how_many_more(bench, tmp_path):
    arguments = ("run", "smoke", "--detectors", f"random,{RAISING}", "--datasets", "wine")
    run = bench(*arguments, "--seeds", 3, "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    told = run.stdout[: run.stdout.index("smoke, with other")]
    assert told.count("no score for 119 samples") == 2
    assert "2 more rows: error: ValueError: no score for 119 samples" in told


def test_settings_of_ones_own_data_without_such_data_are_bad_usage(bench):
    run = bench("run", "smoke", "--datasets", "wine", "--label", "fraud")
    assert run.wait() == 2
    assert run.stderr == (
        "bench: --label, --normal and --drop are for data of your own: --datasets file:PATH\n"
    )
