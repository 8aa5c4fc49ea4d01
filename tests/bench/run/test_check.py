"""`bench check` and `bench debug`, and what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench as harness
from bench.run.check import check_contract

ROOT = Path(__file__).parents[3]
DEBUGGER = (sys.executable, "-m", "pdb", "-c", "continue", "-m", "bench")
FILE = "tests/helpers/counting.py"


class Lines(list):
    """A console that keeps its lines."""

    def print(self, text, **_):
        self.append(text)


@pytest.fixture(scope="module")
def results(bench, tmp_path_factory):
    """A results folder with rows of shallow, deep, hybrid and failing detectors."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "few.toml").write_text(
        'datasets = ["wine"]\nseeds = 2\n[[detectors]]\nspec = "lof"\n[[detectors]]\n'
        'spec = "vae:elbo"\nsettings = { epochs = 2 }\n[[detectors]]\nspec = "ae+lof"\n'
        "settings = { epochs = 2, head.n_neighbors = 7 }\n[[detectors]]\n"
        f'spec = "{FILE}:Raising"\n'
    )
    run = bench("run", folder / "few.toml", "--results", folder, "--jobs", 1)
    assert run.wait() == 0, run.stderr
    return folder


def key_of(results: Path, spec: str) -> str:
    rows = harness.rows(results)
    return rows[(rows.spec == spec) & (rows.seed == 1)].key.item()


def test_a_detector_that_keeps_the_contract_passes_every_check():
    console = Lines()
    assert check_contract("random", console) == [
        "random: far_samples_score_higher"  # it looks at nothing
    ]
    assert console[0] == "random:"
    assert "  passed          refit_forgets_the_first_fit" in console
    for name in ("codes_are_consistent", "errors_by_feature_are_consistent"):
        assert f"  not applicable  {name}" in console


def test_every_read_out_is_checked_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FATHOM_TEST_COUNT", str(tmp_path / "count"))
    told = []
    for spec in (f"{FILE}:Counting", f"{FILE}:Counting:largest", f"{FILE}:Counting+lof"):
        console = Lines()
        assert check_contract(spec, console) == []
        told.append([line for line in console if line.endswith(":")])
    model = f"{FILE}:Counting"
    assert told == [
        [f"{model}:sum:", f"{model}:largest:"],
        [f"{model}:largest:"],
        [f"{model}+lof:"],
    ]


def test_failed_checks_say_why_and_exit_with_status_1(bench):
    run = bench("check", f"{FILE}:Backwards")
    assert run.wait() == 1
    assert "failed          far_samples_score_higher: far samples score -" in run.stdout
    assert "is the sign right?" in run.stdout
    assert "passed          fit_returns_self" in run.stdout
    run = bench("check", f"{FILE}:Relative")
    assert run.wait() == 1
    assert "failed          errors_by_feature_are_consistent: errors of single" in run.stdout
    run = bench("check", f"{FILE}:Raising")
    assert run.wait() == 1
    assert "ValueError: no score for 24 samples (counting.py, line " in run.stdout
    assert bench("check", "mean-distance").wait() == 0


def test_what_cannot_be_checked_is_one_sentence(bench, tmp_path):
    (tmp_path / "broken.py").write_text("class Mine(: pass")
    (tmp_path / "other.py").write_text("class Mine: pass")
    for spec, message in (
        (f"{FILE}:Countin", "no class 'Countin' there; did you mean Counting?"),
        (f"{tmp_path}/absent.py:Mine", "absent.py does not exist; give a detector's file as"),
        (f"{tmp_path}/other.py:Mine", "is not a Detector; write `class Mine(Detector)`"),
        (f"{tmp_path}/broken.py:Mine", "broken.py"),
    ):
        run = bench("check", spec)
        assert run.wait() == 2, run.stderr
        assert message in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("spec", ["lof", "vae:elbo", "ae+lof"])
def test_a_stored_row_is_made_again_here_bit_for_bit(bench, results, spec):
    run = bench("debug", key_of(results, spec)[:10], "--results", results)
    assert run.wait() == 0, run.stderr
    assert "on wine, one-class, standard, seed 1: stored as ok" in run.stdout
    assert "fit x_train (59, 13): " in run.stdout
    assert "score x_test (119, 13): " in run.stdout
    assert "119 scores, 11" in run.stdout
    assert "equal to the stored scores, bit for bit" in run.stdout
    assert "has changed since" not in run.stdout


def test_what_the_detector_raises_comes_through_for_a_debugger(results):
    key = key_of(results, f"{FILE}:Raising")
    done = subprocess.run(
        [*DEBUGGER, "debug", key[:12], "--results", str(results)],
        cwd=ROOT,
        env=dict(os.environ),
        input="p len(x)\nq\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "stored as error: " in done.stdout
    assert "stored traceback:\nTraceback (most recent call last):" in done.stdout
    assert "ValueError: no score for 119 samples" in done.stdout + done.stderr
    assert "Entering post mortem debugging" in done.stdout
    assert "(Pdb) 119" in done.stdout


def test_a_row_of_other_code_is_run_with_a_warning(bench, tmp_path):
    detector = tmp_path / "mine.py"
    source = (ROOT / FILE).read_text()
    detector.write_text(source)
    spec = f"{detector}:Backwards"
    arguments = ("run", "smoke", "--detectors", spec, "--datasets", "wine", "--seeds", "1,")
    run = bench(*arguments, "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    detector.write_text(source.replace("-np.abs", "-2 * np.abs"))
    run = bench("debug", key_of(tmp_path, spec)[:12], "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    assert "the code or a library has changed since; scores may differ" in run.stdout
    assert "119 differ from the stored scores, by up to " in run.stdout
