"""Every row says by what code, of which commit, and where it was made."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench as harness
from bench.store import provenance
from bench.store.codeid import code_parts, origin
from detectors.spec import parse
from tests.helpers.files.git_made import commit_all, git, repository
from tests.helpers.plain_shell import python_environment

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


MINE = "from detectors.shallow.baselines import MaxAbsZ\nclass Mine(MaxAbsZ):\n    pass\n"


@pytest.fixture
def users(tmp_path):
    """A user's repository with a detector and a suite, both committed and tagged `paper`."""
    folder = repository(tmp_path / "mine")
    (folder / "mine.py").write_text(MINE)
    (folder / "ours.toml").write_text(
        f'datasets = ["wine"]\nseeds = 1\ndetectors = ["random", "{folder / "mine.py"}:Mine"]\n'
    )
    commit_all(folder, "first")
    git(folder, "tag", "paper")
    return folder


def origins(results):
    return [record["provenance"] for record in harness.rows(results).to_dict("records")]


def test_rows_know_the_commit_of_the_users_repository_beside_that_of_the_project(bench, users):
    results = users / "results"
    first = git(users, "rev-parse", "paper")
    assert bench("run", users / "ours.toml", "--results", results).wait() == 0
    for of_row in origins(results):
        assert of_row["commit"] == git(ROOT, "rev-parse", "HEAD")
        assert (of_row["user_commit"], of_row["user_dirty"]) == (first, False)
        assert of_row["user_repository"] == str(users)
    (users / "mine.py").write_text(MINE.replace("pass", "x = 1"))
    spec = f"{users / 'mine.py'}:Mine"
    adhoc = ("run", "--detectors", spec, "--datasets", "wine", "--results", results)
    assert bench(*adhoc, "--seeds", 1).wait() == 0
    assert sorted(one["user_dirty"] for one in origins(results)) == [False, False, True]
    second = commit_all(users, "second")
    assert bench(*adhoc, "--retry", "all", "--seeds", 2).wait() == 0
    found = [one["user_commit"] for one in origins(results)]
    assert sorted(found) == sorted([first] * 3 + [second])

    compared = bench("compare", "paper", "HEAD", "--results", results)
    assert compared.wait() == 0, compared.stderr
    assert f"commit {first[:7]} of mine (paper)" in compared.stdout
    assert f"commit {second[:7]} of mine (HEAD)" in compared.stdout
    board = bench("board", users / "ours.toml", "--results", results, "--format", "md")
    assert board.wait() == 0
    assert f"Commit of the user's files: {first[:10]}" in board.stdout


def test_a_file_that_git_does_not_follow_differs_from_the_commit(users):
    assert provenance.of_user(users / "mine.py")["user_dirty"] is False
    (users / "new.py").write_text(MINE)
    assert provenance.of_user(users / "new.py")["user_dirty"] is True


def test_the_project_is_no_repository_of_a_users(tmp_path):
    assert provenance.of_user(ROOT / "bench" / "plan" / "suites" / "smoke.toml") == {}
    assert provenance.of_user(tmp_path / "no repository.py") == {}


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_make_bench_in_a_clone_leaves_it_clean_and_its_rows_too(tmp_path):
    """The path of a user, in the present environment, whose own code the clone's hides."""
    clone = tmp_path / "clone"
    git(ROOT, "clone", "-q", str(ROOT), str(clone))
    (clone / ".venv").mkdir()
    (clone / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (clone / ".venv" / "ready").touch()
    plain = python_environment(PYTHONPATH=str(clone))
    make = ["make", "-s", "bench", "SUITE=smoke", f"DATA={tmp_path / 'data'}"]
    for n_to_run in (32, 0):
        done = subprocess.run(
            make, cwd=clone, env=plain, capture_output=True, text=True, check=True
        )
        assert f"smoke: 32 rows, {32 - n_to_run} stored, {n_to_run} to run" in done.stdout
        assert git(clone, "status", "--porcelain") == ""
    rows = harness.rows(clone / "results")
    assert rows.status.unique().tolist() == ["ok"]
    made = {(one["commit"], one["dirty"]) for one in rows.provenance}
    assert made == {(git(clone, "rev-parse", "HEAD"), False)}
    kept = clone / "results" / "boards" / "leaderboard-smoke.md"
    assert "with changes" not in kept.read_text()


def test_a_run_leaves_git_status_clean_and_boards_are_kept_by_a_target_of_their_own(checkout):
    """The tree that a run sees: generated boards are ignored, kept ones change by `make boards`."""
    for file in ("Makefile", ".gitignore", "results"):
        copy = shutil.copytree if (ROOT / file).is_dir() else shutil.copy
        copy(ROOT / file, checkout / file)
    shutil.rmtree(checkout / "results")
    (checkout / "results" / "boards").mkdir(parents=True)
    kept = checkout / "results" / "leaderboard-default.md"
    kept.write_text("old")
    commit_all(checkout, "with results")
    for name in ("default", "smoke"):
        (checkout / "results" / "boards" / f"leaderboard-{name}.md").write_text("new")
    assert git(checkout, "status", "--porcelain") == ""
    subprocess.run(["make", "-s", "boards"], cwd=checkout, check=True, capture_output=True)
    assert git(checkout, "status", "--porcelain") == "M results/leaderboard-default.md"
    assert kept.read_text() == "new"
