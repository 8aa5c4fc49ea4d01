"""`bench debug`: a stored row run again in this process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bench as harness

ROOT = Path(__file__).parents[4]
DEBUGGER = (sys.executable, "-m", "pdb", "-c", "continue", "-m", "bench")
FILE = "tests/helpers/counting.py"


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
    assert re.search(r"^(\(Pdb\) )?119$", done.stdout, re.MULTILINE)  # the prompt may come later


def test_a_row_whose_protocol_does_not_apply_is_one_sentence(bench, tmp_path):
    asked = ("--detectors", "knn", "--datasets", "wine", "--seeds", "1,", "--protocol", "official")
    run = bench("run", "smoke", *asked, "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    run = bench("debug", key_of(tmp_path, "knn")[:12], "--results", tmp_path)
    assert run.wait() == 2
    assert "stored as unsupported: wine has no official split" in run.stdout
    (line,) = run.stderr.splitlines()
    assert line.startswith("bench: wine has no official split; use the protocol one-class")


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
