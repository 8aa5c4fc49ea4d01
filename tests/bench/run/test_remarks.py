"""What a run says while it makes rows."""

import io
import time

import pytest
from rich.console import Console

from bench.plan import planning, suite
from bench.run import remarks
from bench.store.records import Row


@pytest.fixture
def row():
    chosen = suite.select(suite.read("smoke"), detectors=["random"], datasets=["wine"])
    return Row(planning.wanted_rows(chosen, "cpu")[0], "ok")


def test_the_board_so_far_comes_early_and_then_at_intervals(row, monkeypatch):
    monkeypatch.setattr(remarks, "EARLY_S", 0.2)
    monkeypatch.setattr(remarks, "EVERY_S", 0.5)
    start, printed = time.monotonic(), []

    def print_board(sentence):
        assert sentence == remarks.SO_FAR
        printed.append(time.monotonic() - start)
        return True

    made = remarks.Remarks(Console(file=io.StringIO()), print_board)
    while time.monotonic() - start < 1.5:
        made.row(row)
        time.sleep(0.005)
    assert len(printed) == 3
    assert printed == pytest.approx([0.2, 0.7, 1.2], abs=0.2)


def test_a_board_that_takes_long_is_printed_less_often(row, monkeypatch):
    monkeypatch.setattr(remarks, "EARLY_S", 0.0)
    monkeypatch.setattr(remarks, "EVERY_S", 0.0)
    monkeypatch.setattr(remarks, "MOST_SHARE", 0.2)
    start, printed = time.monotonic(), []

    def print_board(_):
        printed.append(time.monotonic())
        time.sleep(0.1)
        return True

    made = remarks.Remarks(Console(file=io.StringIO()), print_board)
    while time.monotonic() - start < 1.3:
        made.row(row)
        time.sleep(0.005)
    assert 2 <= len(printed) <= 3
