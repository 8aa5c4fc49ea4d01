"""`bench data audit`, and what boards say of audits."""

import json
import shutil

import pytest

SUITE = "small.toml"


@pytest.fixture
def copied(results, tmp_path):
    """A results folder of its own, and its suite."""
    return shutil.copytree(results, tmp_path / "results")


def said(bench, *arguments, status=0):
    run = bench(*arguments)
    assert run.wait() == status, run.stdout + run.stderr
    return " ".join((run.stdout if status != 2 else run.stderr).split())


def test_a_board_counts_only_decisive_sets_and_says_what_that_changes(bench, copied):
    suite, folder = copied / SUITE, ("--results", copied)
    before = said(bench, "board", suite, *folder)
    assert "Audits:" not in before
    refused = said(bench, "board", suite, *folder, "--only", "decisive", status=2)
    assert "wine and 1 more of 2 data sets have no audit" in refused
    audits = said(bench, "data", "audit", suite, *folder)
    assert "Audit of 2 data sets 1 confounded, 1 decisive" in audits
    board = said(bench, "board", suite, *folder)
    assert "Audits: 1 of 2 data sets are decisive (confounded: wine)." in board
    assert "On the decisive ones alone, knn stays first" in board
    decisive = said(bench, "board", suite, *folder, "--only", "decisive")
    assert "1 data set in 1 family" in decisive
    none = ("--datasets", "wine", "--only", "decisive")
    assert "none of 1 data sets is: wine is confounded" in said(
        bench, "board", suite, *folder, *none, status=2
    )


def test_an_audit_of_one_set_fits_a_screen_and_is_read_the_second_time(bench, copied):
    folder = ("--results", copied)
    run = bench("data", "audit", "wine", *folder)
    assert run.wait() == 0
    assert run.stderr == "bench: auditing wine\n"
    assert len(run.stdout.splitlines()) < 40
    assert "what to do" in run.stdout
    again = bench("data", "audit", "wine", *folder, "--format", "json")
    assert again.wait() == 0
    assert again.stderr == ""
    assert json.loads(again.stdout)["title"] == "Audit of wine: confounded"


def test_a_set_that_is_absent_is_said_and_costs_no_other(bench, copied, tmp_path):
    sets = ("wine", "adbench/cardio", "--data", tmp_path, "--results", copied)
    run = bench("data", "audit", *sets)
    assert run.wait() == 1
    assert "Audit of wine" in run.stdout
    assert "bench: not audited: " in run.stderr
    assert "Traceback" not in run.stderr
    only = said(bench, "data", "audit", *sets[1:], status=2)
    assert "adbench/cardio" in only
