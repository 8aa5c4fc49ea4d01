"""What a word of the user means: runs, commits, tags, dates."""

from pathlib import Path

import pytest

from bench.history import selection
from bench.history.selection import find_side, having, whole_side
from tests.helpers.files.git_made import commit_all, git, repository
from tests.helpers.rows_made_up import made_up


def record(commit: str, date: str = "2026-01-01", dirty: bool = False, **wanted) -> dict:
    provenance = {"commit": commit, "dirty": dirty, "run": f"run of {date}"}
    provenance["date"] = date if "T" in date else f"{date}T12:00:00+00:00"
    return made_up(provenance=provenance, **wanted).record()


def side(word: str, *stored: dict) -> selection.Side:
    return find_side(word, stored, lambda key: {})


@pytest.fixture
def history(tmp_path, monkeypatch) -> list[str]:
    """Three commits of a project, the first tagged v1; the oldest comes first."""
    folder = repository(tmp_path)
    commits = [commit_all(folder, f"commit {i}") for i in range(3)]
    git(folder, "tag", "v1", commits[0])
    monkeypatch.setattr("bench.store.provenance.HOME", Path(folder))
    return commits


def test_a_run_stands_for_its_rows():
    rows = [record("a" * 40, "2026-01-01"), record("a" * 40, "2026-01-02", seed=1)]
    assert side("run of 2026-01-02", *rows).records == [rows[1]]


def test_the_beginning_of_a_commit_is_enough_unless_it_begins_two():
    rows = [record("abcd" + "1" * 36), record("abcd" + "2" * 36, seed=1)]
    assert side("abcd1", *rows).records == [rows[0]]
    with pytest.raises(ValueError, match="'abcd' begins several commits: abcd1111, abcd2222; give"):
        side("abcd", *rows)


def test_a_commit_keeps_the_rows_of_earlier_ones_that_it_did_not_regenerate(history):
    first, second, third = history
    old = record(first, "2026-01-01", label="knn")
    changed = record(second, "2026-01-02", code_id="new")
    rows = [record(first, "2026-01-01"), old, changed, record(third, "2026-01-03", code_id="newer")]
    found = side(second, *rows)
    assert found.records == [changed, old]
    assert f"{second}: 1 of 3 older rows of the same cells are left out" in found.notes
    assert f"{second}: 1 of 3 rows are of earlier commits" in found.notes


def test_tags_and_other_names_of_git_are_commits(history):
    rows = [record(history[0]), record(history[2], seed=1)]
    assert side("v1", *rows).records == [rows[0]]
    assert side("HEAD", *rows).records == rows
    assert side("v1", *rows).meaning == f"commit {history[0][:7]} (v1)"


def test_rows_of_a_clean_tree_go_before_newer_ones_with_changes(history):
    clean = record(history[0], "2026-01-01")
    dirty = record(history[0], "2026-01-02", dirty=True, code_id="edited")
    assert side("v1", clean, dirty).records == [clean]
    later = side("HEAD", clean, dirty)
    assert later.records == [dirty]
    assert any("computed with uncommitted changes" in note for note in later.notes)


def test_a_date_stands_for_the_newest_rows_until_its_end():
    rows = [record("", f"2026-01-0{day}", code_id=str(day)) for day in (1, 2, 3)]
    assert side("2026-01-02", *rows).records == [rows[1]]
    assert side("2026-01-03T11:00", *rows).records == [rows[1]]
    assert side("2026-01-03T13:00+00:00", *rows).records == [rows[2]]


def test_a_folder_stands_for_its_newest_rows():
    rows = [record("", f"2026-01-0{day}", code_id=str(day)) for day in (1, 2)]
    assert whole_side(Path("x"), rows, lambda key: {}).records == [rows[1]]


@pytest.mark.parametrize("word", ["nothing", "--all", "", "2026-13-01"])
def test_what_is_nothing_of_the_kind_gets_what_there_is(word):
    with pytest.raises(
        ValueError, match=r"is not a results folder.* the store has commits aaaaaaa and"
    ):
        side(word, record("a" * 40))


def test_a_commit_or_date_without_rows_says_so(history):
    with pytest.raises(ValueError, match="no stored row is of 'v1'"):
        side("v1", record(history[1]))
    with pytest.raises(ValueError, match="no stored row is of '2025-01-01'"):
        side("2025-01-01", record(history[1]))


def test_of_a_metric_of_pixels_only_rows_count_that_have_it_or_failed_to():
    judged = record("a" * 40) | {"pixels_id": "0", "aupro": 0.5}
    failed = record("b" * 40, "2026-01-02", seed=1) | {"pixels_id": "0", "status": "timeout"}
    plain = record("b" * 40, "2026-01-02", seed=2)
    other = record("b" * 40, "2026-01-02", label="knn") | {"pixels_id": "0", "status": "timeout"}
    stored = [judged, failed, plain, other]
    assert having(stored, "aupro", stored) == [judged, failed]
    assert having(stored, "auroc", stored) == stored
    assert find_side("run of 2026-01-02", stored, lambda key: {}, "aupro").records == [failed]
    with pytest.raises(ValueError, match="no row of run of 2026-01-02 has aupro; run a suite with"):
        find_side("run of 2026-01-02", [plain, judged], lambda key: {}, "aupro")
