"""Measures of speed in a file, over commits."""

import pytest

from bench.history.perf import COLUMNS, FILE, Measure, append, read
from bench.render.documents.perf import measured, over_commits

WHERE = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "abcdef0123456789",
    "dirty": False,
    "machine": "one",
    "processor": "fast",
    "cores": 2,
    "versions": {},
}


def test_a_value_meets_its_aim_from_the_right_side():
    assert Measure("a", 3.0, "s", 3.0).verdict == "met"
    assert Measure("a", 3.1, "s", 3.0).verdict == "missed"
    assert Measure("a", 70.0, "%", 90.0, at_least=True).verdict == "missed"
    assert Measure("a", 3.0).verdict == ""
    texts = measured([Measure("a", 70.0, "%", 90.0, at_least=True, beside="x")]).tables[0].texts()
    assert texts == [["a", "70 %", "\N{GREATER-THAN OR EQUAL TO} 90 %", "missed", "x"]]


def test_measures_are_kept_with_their_machine_commit_and_load(tmp_path):
    folder = tmp_path / "new"
    append(folder, [Measure("a row", 12.5, "ms", 15)], WHERE, 0.1)
    later = {**WHERE, "date": "2026-02-02T03:04:05+00:00", "commit": "b" * 40, "dirty": True}
    append(folder, [Measure("a row", 16.0, "ms", 15)], later, 1.5)
    append(folder, [Measure("a row", 9.0, "ms", 15)], {**later, "machine": "two"}, 0.0)
    page = over_commits(read(folder))
    assert [table.title for table in page.tables] == [
        "one, fast, 2 cores",
        "two, fast, 2 cores",
        "",
    ]
    assert page.tables[0].texts() == [
        ["a row", "12.5 ms", "15", "met", "abcdef01", "2026-01-02 03:04", "0.1"],
        ["a row", "16 ms", "15", "missed", "bbbbbbbb+", "2026-02-02 03:04", "1.5"],
    ]


def test_an_absent_or_foreign_file_is_refused_with_advice(tmp_path):
    with pytest.raises(ValueError, match=r"no perf\.csv in .*; `make perf` writes it"):
        read(tmp_path)
    (tmp_path / FILE).write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=f"its columns are not {COLUMNS[0]}, "):
        read(tmp_path)


def test_the_command_prints_measures_over_commits(bench, tmp_path):
    append(tmp_path, [Measure("a row", 12.5, "ms", 15)], WHERE, 0.1)
    ran = bench("history", "--perf", "--results", tmp_path)
    assert ran.wait() == 0
    assert "a row" in ran.stdout
    assert "abcdef01" in ran.stdout
    for wrong in (["--results", tmp_path / "none"], ["knn"]):
        refused = bench("history", "--perf", *wrong)
        assert refused.wait() == 2
        assert "perf" in refused.stderr
