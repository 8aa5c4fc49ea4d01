"""Every row says by what code, of which commit, and where it was made."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.store import provenance
from bench.store.codeid import code_parts, origin
from detectors.spec import parse
from tests.helpers.git_made import commit_all, git, repository

ROOT = Path(__file__).parents[3]
TELLS = "import json; from bench.store.provenance import provenance as p; print(json.dumps(p()))"


def stated(folder: Path, **env: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", TELLS],
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", **env},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A repository of the project's code, with one commit."""
    folder = tmp_path_factory.mktemp("checkout") / "fathom"
    for package in ("bench", "detectors", "datasets"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    commit_all(repository(folder), "first")
    return folder


def test_a_row_knows_its_commit_and_whether_files_differ_from_it(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert {**stated(checkout)}.items() >= {"commit": commit, "dirty": False}.items()
    (checkout / "bench" / "stats" / "averages.py").write_text("# emptied")
    assert stated(checkout)["dirty"] is True
    git(checkout, "checkout", "-q", "bench/stats/averages.py")


def test_a_hook_of_another_repository_does_not_change_the_commit(checkout, tmp_path):
    commit_all(repository(tmp_path), "other")
    in_hook = stated(checkout, GIT_DIR=str(tmp_path / ".git"))
    assert in_hook["commit"] == git(checkout, "rev-parse", "HEAD")


def test_a_repository_that_holds_an_installed_copy_is_not_its_commit(checkout, tmp_path):
    commit_all(repository(tmp_path), "other")
    shutil.copytree(checkout, tmp_path / "lib", ignore=shutil.ignore_patterns(".git"))
    assert stated(tmp_path / "lib")["commit"] == ""


def test_a_row_names_the_files_and_versions_that_its_code_is_made_of(make_rows):
    (row,) = make_rows("knn")
    assert row.details["code"] == code_parts(origin(parse("knn"), "one-class", "wine"))
    assert {"detectors/shallow/neighbours.py", "bench/protocols/split.py"} <= set(
        row.details["code"]["files"]
    )
    assert {"numpy", "scikit-learn"} <= set(row.details["code"]["versions"])
    facts = {"commit", "dirty", "versions", "machine", "processor", "cores", "date", "run"}
    assert facts <= set(row.provenance)
    assert row.provenance["versions"]["numpy"] == row.details["code"]["versions"]["numpy"]


def test_the_commit_here_is_that_of_git():
    assert provenance.provenance()["commit"] == git(ROOT, "rev-parse", "HEAD")
