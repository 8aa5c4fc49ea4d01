"""Two sets of rows against each other: verdicts, and what may be why."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.history.compare import compare
from bench.history.selection import whole_side
from bench.render import terminal
from bench.render.documents.comparison import ComparisonDocument
from tests.bench.conftest import AWAY
from tests.helpers.files.git_made import commit_all, git, repository
from tests.helpers.rows_made_up import CODE, made_up, store_rows

ROOT = Path(__file__).parents[3]
RNG = np.random.default_rng(0)
SETS = ("wine", "digits/1", "digits/2")
SEEDS = range(4)


def rows(shift: float = 0.0, spread: float = 0.0, seeds=SEEDS, datasets=SETS, **parts) -> list:
    """Return rows of one detector whose AUROC is .9 with a shift and a spread over seeds."""
    return [
        made_up(
            float(0.9 + shift + spread * RNG.normal()),
            dataset=name,
            dataset_family=name.partition("/")[0],
            seed=seed,
            **{"data_sha256": name.ljust(64), **parts},
        )
        for name in datasets
        for seed in seeds
    ]


def compared(old: list, new: list, metric: str = "auroc"):
    """Return the comparison of two lists of rows; nothing is stored."""
    details = {row.wanted.key: row.details for row in [*old, *new]}
    sides = [
        whole_side(Path(name), [row.record() for row in part], details.__getitem__)
        for name, part in (("old", old), ("new", new))
    ]
    return compare(*sides, metric)


def line_of(old: list, new: list):
    (line,) = compared(old, new).lines
    return line


@pytest.mark.parametrize(("shift", "verdict"), [(-0.2, "worse"), (0.2, "better"), (0.001, "same")])
def test_a_clear_change_is_better_or_worse_and_a_small_one_is_none(shift, verdict):
    line = line_of(rows(), rows(shift, 0.0001, code_id="new"))
    assert line.quality.verdict == verdict
    assert line.quality.change.mean == pytest.approx(shift, abs=0.001)
    assert line.quality.change.low < shift < line.quality.change.high
    assert (line.pairs, line.same_rows) == (12, 0)


def test_other_seeds_pair_in_order_and_chance_alone_is_no_change():
    line = line_of(rows(spread=0.02), rows(spread=0.02, seeds=range(10, 14)))
    assert line.quality.verdict == "same"
    assert line.seeds_in_order
    assert line.causes == {"seeds": ["0 → 10", "1 → 11", "2 → 12", "3 → 13"]}


def test_rows_of_unchanged_code_are_the_same_rows():
    line = line_of(rows(), rows())
    assert (line.quality.verdict, line.quality.change.mean, line.same_rows) == ("same", 0, 12)
    assert line.causes == {}


def test_the_same_rows_on_both_sides_are_said_to_be():
    same = compared(rows(), rows())
    assert same.notes[0].startswith("old and new are the same 12 rows: none was rerun")
    again = rows(provenance={"date": "2026-02-01T12:00:00+00:00"})
    assert compared(rows(), again).notes == ()


def test_detectors_of_one_side_alone_share_a_sentence_and_are_not_in_the_table():
    others = [row for i in range(3) for row in rows(label=f"d{i}", spec=f"d{i}")]
    page = ComparisonDocument(compared(rows(), [*rows(code_id="new"), *others])).page(narrow=True)
    assert len(page.tables[0].rows) == 1
    (line,) = [note for note in page.tables[1].notes if "not comparable" in note]
    assert line == "3 not comparable, no rows in old: d0, d1, d2"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_long_labels_are_broken_behind_their_signs(width):
    label = "untrained-vae:reconstruction-probability[latent_dim=4]"
    old = [*rows(), *rows(label=label, spec="vae")]
    made = compared(old, [*rows(-0.2, 0.001, code_id="new"), *rows(label=label, spec="vae")])
    lines = terminal.write(ComparisonDocument(made).page(narrow=True), width).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("untrained-"))
    pieces = [line.partition(" ")[0] for line in lines[start : lines.index("", start)]]
    assert "".join(pieces) == label
    assert {piece[-1] for piece in pieces} <= set("-:[]=")


def test_chance_is_corrected_for_the_number_of_detectors():
    """Alone, each would differ from 0 at the 5 % level; of thirty, one always does."""
    old, new = [], []
    for i in range(30):
        old += rows(label=f"d{i}", spec=f"d{i}")
        new += rows(label=f"d{i}", spec=f"d{i}", spread=0.03, code_id="new")
    verdicts = [line.quality for line in compared(old, new).lines]
    assert any(judged.change.p < 0.05 for judged in verdicts)
    assert {judged.verdict for judged in verdicts} == {"same"}


def test_rows_that_fail_now_make_it_worse():
    failing = [*rows(datasets=SETS[:2], code_id="new")]
    failing += rows(datasets=SETS[2:], code_id="new", status="timeout")
    line = line_of(rows(), failing)
    assert (line.quality.verdict, line.quality.why) == ("worse", "4 rows fail now")
    assert line.failing[0] == "digits/2, seed 0: timeout: a timeout"
    back = line_of(failing, rows(code_id="newest"))
    assert (back.quality.verdict, len(back.mended)) == ("same", 4)
    everything = line_of(rows(), rows(status="error", code_id="new"))
    assert (everything.quality.verdict, everything.quality.why) == ("worse", "every row fails now")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"data_sha256": "e" * 64}, "the data changed"),
        ({"protocol": "official"}, "protocol one-class against official"),
        ({"scaler": "none"}, "scaler standard against none"),
        ({"label": "other", "spec": "other"}, "no rows in new"),
        ({"datasets": ["glass"]}, "no data set is on both sides"),
    ],
)
def test_what_cannot_be_compared_says_why(other, why):
    line = compared(rows(), rows(**other)).lines[-1]
    assert (line.quality.verdict, line.quality.why) == ("not comparable", why)


def test_a_single_pair_is_not_compared_and_says_what_to_do():
    one = {"seeds": [0], "datasets": ["wine"]}
    line = line_of(rows(**one), rows(-0.4, code_id="new", **one))
    assert line.quality.verdict == "not comparable"
    assert "run more seeds or data sets" in line.quality.why


def test_what_was_merely_given_another_label_pairs():
    assert line_of(rows(), rows(label="PCA")).label == "pca"


def test_rows_on_one_side_alone_are_counted():
    made = compared(rows(), rows(seeds=[0, 1], datasets=SETS[:2]))
    assert made.notes == ("8 rows of the first side have no pair and are left out",)


@pytest.mark.parametrize("what", ["pixels", "volumes"])
def test_another_way_to_judge_pixels_or_volumes_is_a_cause(what):
    line = line_of(rows(**{f"{what}_id": "a"}), rows(**{f"{what}_id": "b"}))
    assert line.causes == {"code": [f"bench/metrics/{what}.py"]}


def test_causes_name_files_settings_versions_and_data():
    code = {
        "files": {"detectors/shallow/pca.py": "b" * 12, "detectors/standardise.py": "c" * 12},
        "presets": ["[]"],
        "versions": {"numpy": "2.5"},
    }
    new = rows(
        code_id="new",
        code=code,
        settings={"head": {"n_neighbors": 5}},
        provenance={
            "commit": "b" * 40,
            "versions": {"numpy": "2.5", "fathom": "0.2.0"},
            "python": "3.12.1",
        },
    )
    new += rows(datasets=["glass"], data_sha256="e" * 64)
    line = line_of(rows(datasets=[*SETS, "glass"]), new)
    assert line.causes == {
        "code": [
            "detectors/shallow/pca.py (aaaaaaa → bbbbbbb)",
            "detectors/standardise.py (aaaaaaa → bbbbbbb)",
        ],
        "settings": ["head.n_neighbors default → 5"],
        "versions": ["numpy 2.4 → 2.5", "python 3.11.7 → 3.12.1"],
        "data": ["glass"],
    }


def test_old_rows_that_do_not_name_their_files_say_so():
    old = [*rows()]
    for row in old:
        row.details.pop("code")
    line = line_of(old, rows(code_id="new"))
    assert line.causes["code"] == ["code or versions differ; rows this old do not name the files"]


def test_changes_that_were_not_committed_are_said():
    line = line_of(
        rows(), rows(code_id="new", code=CODE | {"presets": ["[1]"]}, provenance={"dirty": True})
    )
    told = "presets of the registry (uncommitted changes)"
    assert line.causes["code"] == [told]


@pytest.mark.parametrize(("fit", "verdict"), [(3.0, "worse"), (0.3, "better"), (1.1, "same")])
def test_costs_are_ratios_with_a_wide_margin(fit, verdict):
    line = line_of(rows(), rows(code_id="new", fit=fit))
    assert line.costs["fit_seconds"].verdict == verdict
    assert np.exp(line.costs["fit_seconds"].change.mean) == pytest.approx(fit)
    assert line.costs["score_us"].verdict == "same"


def test_times_of_two_machines_are_not_compared():
    line = line_of(rows(), rows(code_id="new", provenance={"processor": "slow sse2"}))
    assert line.costs["fit_seconds"].why == "another machine: processor fast avx2 → slow sse2"
    assert line.quality.verdict == "same"


def test_only_metrics_of_quality_are_compared():
    assert compared(rows(), rows(), "lifted_average_precision").lines[0].a == pytest.approx(1 / 3)
    for metric, message in (("fit_seconds", "does not measure quality"), ("aurok", "unknown")):
        with pytest.raises(ValueError, match=message):
            compared(rows(), rows(), metric)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Two results folders: in the second, pca is worse by .02 and knn as it was."""
    old, new = (tmp_path_factory.mktemp(name) for name in ("old", "new"))
    store_rows(old, *rows(), *rows(label="knn", spec="knn"))
    store_rows(new, *rows(-0.02, 0.001, code_id="new"), *rows(label="knn", spec="knn"))
    return old, new


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 0),
        (("--fail-on-regression",), 1),
        (("--fail-on-regression", "0.01"), 1),
        (("--fail-on-regression", "0.05"), 0),
        (("--fail-on-regression=0.05", "--format", "json"), 0),
    ],
)
def test_a_regression_fails_where_asked_to(bench, folders, options, status):
    ran = bench("compare", *folders, *options)
    assert ran.wait() == status, ran.stderr
    assert ran.stderr == (f"bench: worse in {folders[1]} than in {folders[0]}: pca\n" * status)


def test_the_command_prints_verdicts_and_json_holds_all(bench, folders):
    ran = bench("compare", "--fail-on-regression", *folders)
    assert ran.wait() == 1
    assert "pca: worse, most on" in ran.stdout
    told = bench("compare", *folders, "--format", "json")
    assert told.wait() == 0
    lines = {line["label"]: line for line in json.loads(told.stdout)["lines"]}
    assert lines["pca"]["quality"]["verdict"] == "worse"
    assert lines["knn"]["same_rows"] == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "else"), "'nothing' is not a results folder, run, commit, tag or date here"),
        (("a", "b", "--metric", "aurok"), "unknown metric 'aurok'"),
        (("a", "b", "--format", "yaml"), "format: unknown 'yaml'"),
    ],
)
def test_bad_usage_is_one_sentence(bench, folders, arguments, message):
    given = [str(folder) if word in "ab" else word for word, folder in
             zip(arguments[:2], folders, strict=True)]  # fmt: skip
    ran = bench("compare", *given, *arguments[2:], "--results", folders[0])
    assert ran.wait() == 2
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


SUITE = """
datasets = ["digits/1", "digits/8", "digits/9"]
seeds = 4
detectors = [{{ spec = "{spec}", label = "switched" }}, "random"]
"""
SWITCHES = {
    "pca": (
        "detectors/shallow/pca.py",
        "self.components_ = np.ascontiguousarray(directions[: self._count(lengths**2, d)])",
        "self.components_ = np.zeros((0, d))",
    ),
    "ae": (
        "detectors/training/replica.py",
        "self.done = phase.epochs == 0 or self.outcome is not None",
        "self.done = True",
    ),
}


@pytest.mark.parametrize("spec", ["pca", pytest.param("ae", marks=pytest.mark.slow)])
def test_training_switched_off_in_a_commit_is_found_with_its_cause(tmp_path, spec):
    checkout, (file, trains, rests) = tmp_path / "fathom", SWITCHES[spec]
    for package in ("bench", "detectors", "datasets"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, checkout / package, ignore=ignored)
    shutil.copy(ROOT / ".gitignore", checkout)
    (checkout / "suite.toml").write_text(SUITE.format(spec=spec))
    commit_all(repository(checkout), "as it is")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=checkout,
            env={"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": AWAY, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("run", "suite.toml", "--jobs", "1").returncode == 0
    text = (checkout / file).read_text()
    assert text.count(trains) == 1
    (checkout / file).write_text(text.replace(trains, rests))
    commit_all(checkout, "Switch training off")
    assert run("run", "suite.toml", "--jobs", "1").returncode == 0

    found = run("compare", "HEAD~1", "HEAD", "--fail-on-regression", "--format", "json")

    assert (found.returncode, found.stderr) == (
        1,
        "bench: worse in HEAD than in HEAD~1: switched\n",
    )
    random, switched = json.loads(found.stdout)["lines"]
    assert (switched["quality"]["verdict"], switched["pairs"]) == ("worse", 12)
    commit = git(checkout, "rev-parse", "--short", "HEAD")
    assert switched["causes"] == {"code": [f"{file} ({commit} Switch training off)"]}
    assert (random["quality"]["verdict"], random["same_rows"]) == ("same", 12)
