"""The command line: its help, bad usage, packages that hide others, and imports."""

import inspect
import re
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer.main

from bench.cli.app import app
from tests.helpers.command import fresh

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "smokee"), "bench: unknown suite 'smokee', and not the path of a .toml"),
        (("run", "absent.toml"), "bench: cannot read the suite absent.toml: No such file"),
        (("run", "smoke", "--detectors", "loff"), "bench: unknown detector 'loff'; did you mean"),
        (("run", "smoke", "--detectors", "vae:elbow"), "bench: vae has no read-out 'elbow'"),
        (("run", "smoke", "--detectors", "no.py:X"), "bench: no.py does not exist"),
        (("run", "smoke", "--detectors", ","), "detectors is empty; name at least one"),
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
        (("run", "smoke", "--label", "a", "--label", "b"), "bench: --label is given 2 times, and "),
        (("frobnicate",), "bench: no such command 'frobnicate'; see `bench --help`"),
        (("data",), "bench: missing command; see `bench data --help`"),
        (("check",), "bench: missing argument 'DETECTOR'; see `bench check --help`"),
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
    assert alone.stdout.startswith(f"{asked.stdout.rstrip()}\n\nNext: ")
    assert "Usage: bench [OPTIONS] COMMAND" in alone.stdout
    assert max(map(len, asked.stdout.splitlines())) <= 80
    for name, command in commands():
        (line,) = [line for line in alone.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert line.endswith(inspect.cleandoc(command.help).partition("\n")[0])


def test_the_version_is_that_of_the_installed_project(bench):
    run = bench("--version")
    assert run.wait() == 0
    assert run.stdout == f"fathom {metadata.version('fathom')}\n"


def test_a_shell_completes_commands_options_and_names(bench):
    for words, expected in (
        ("bench rep", "report"),
        ("bench run --min", "--minutes"),
        ("bench run sm", "smoke"),
        ("bench run --detectors knn,kme", "knn,kmeans"),
        ("bench board --datasets win", "wine"),
        ("bench run --protocol one", "one-class"),
    ):
        number = str(len(words.split()) - 1)
        asked = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number}
        run = bench(**asked)
        assert run.wait() == 0, run.stderr
        assert expected in run.stdout.split()


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


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_an_option_of_one_value_that_is_given_twice_is_refused(name):
    command = dict(commands())[name]
    for option in command.params:
        if option.param_type_name == "option" and not (option.is_flag or option.multiple):
            with pytest.raises(typer.TyperException, match="is given 2 times, and takes one value"):
                command.make_context(name, [option.opts[0], "0", option.opts[0], "1"])


def test_reading_and_planning_import_no_numeric_library_and_start_at_once(results, tmp_path):
    small = results / "small.toml"
    folder = ("--results", results)
    for arguments in (
        ("list",),
        ("list", "datasets"),
        ("run", "default", "--dry-run", "--results", tmp_path),
        ("run", small, *folder),
        ("board", small, *folder),
        ("board", small, *folder, "--format", "tex", "--metric", "average_precision"),
        ("board", small, *folder, "--format", "html", "--seeds", "2"),
    ):
        done = fresh(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "imported:\n", arguments


def test_a_table_that_cannot_be_used_is_refused_before_anything_is_started_for_it(tmp_path):
    (tmp_path / "wrong.csv").write_text("a,b,y\n1,2,0\n3,,1\n")
    run = ("run", "--datasets", f"file:{tmp_path}/wrong.csv?label=y", "--results", tmp_path / "r")
    for arguments, status in ((run, 1), ((*run, "--dry-run"), 1)):
        done = fresh(*arguments)
        assert done.returncode == status, done.stderr
        assert "not run: " in done.stdout
        assert "missing=keep" in done.stdout
        assert done.stderr == "imported:\n"
    left = {path.name for path in (tmp_path / "r").iterdir()}
    assert left == {"boards", "fathom.lock", "store.db"}  # no database of MLflow, no work


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
