"""The board of a run: short where there are many detectors, whole where there are few."""

import re

import pytest

from bench.boards.board import build
from bench.render import terminal
from bench.render.board import MANY, BoardDocument
from bench.render.tables import N_BEST
from bench.render.terminal import WIDTH
from tests.helpers.boards_made_up import failed, rows_of

BASELINES = {"mean-distance": "control", "random": "control"}


def detectors(n):
    """`n` detectors, the best first; two baselines are the last but one and the last."""
    return {f"method-{i:02}": "deep" for i in range(n - 2)} | BASELINES


def printed(board, short=True):
    return terminal.write(BoardDocument(board, short=short).page(narrow=True))


def test_a_run_prints_the_ten_best_detectors_and_the_baselines_of_a_large_board():
    qualities = {name: 0.95 - i / 100 for i, name in enumerate(detectors(30))}
    text = printed(build(rows_of(detectors(30), auroc=qualities), title="T", stale=3))
    line = r"^ *(\d+) \(\d+.\d+\) +(method-\d+|mean-distance|random)"
    ranked = re.findall(line, text, re.MULTILINE)
    best = [(str(i + 1), f"method-{i:02}") for i in range(N_BEST)]
    assert ranked == [*best, ("29", "mean-distance"), ("30", "random")]
    assert "3 stale rows of older code left out." in text
    assert text.endswith("\n18 more detectors.\n")
    assert len(text.splitlines()) < 24
    assert max(map(len, text.splitlines())) <= WIDTH


def test_of_many_incomplete_detectors_a_run_prints_the_first():
    rows = rows_of(detectors(30))
    rows = failed(rows, (rows["family"] == "deep") & (rows["seed"] == 0), "timeout", "over 1 s")
    text = printed(build(rows, title="T"))
    assert "Incomplete, not ranked" in text
    assert text.count("method-") == N_BEST
    assert text.endswith("\n18 more detectors.\n")


@pytest.mark.parametrize(("n", "short"), [(MANY, True), (MANY + 1, False)])
def test_a_small_board_and_that_of_bench_board_are_whole(n, short):
    board = build(rows_of(detectors(n)), title="T")
    assert printed(board, short) == terminal.write(BoardDocument(board).page(narrow=True))
    assert "By data set" in printed(board, short)


def test_all_detectors_of_a_board_just_large_enough_may_be_shown():
    named = {f"method-{i:02}": "deep" for i in range(N_BEST)}
    named |= {f"baseline-{i}": "control" for i in range(MANY + 1 - N_BEST)}
    text = printed(build(rows_of(named), title="T"))
    assert "more detector" not in text
    assert "By data set" not in text
