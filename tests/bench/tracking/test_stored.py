"""Sending stored rows later."""

from pathlib import Path

from tests.helpers.plain_shell import logged
from tests.helpers.tracked import assert_each_once, free_port, records, replay, track


def test_the_default_results_folder_is_not_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    problem = track(Path("results"), records(1), "smoke").problem
    assert problem.endswith("; rows are stored; `bench track smoke` sends them later")


def test_a_replay_logs_what_is_missing_and_a_second_one_nothing(results):
    track(results, records(2))
    first, second = (replay(results, "default", records(5)) for _ in range(2))
    assert (first.logged, first.already, first.problem) == (3, 2, None)
    assert (second.logged, second.already, second.problem) == (0, 5, None)
    assert_each_once(results, records(5))
    assert len(logged(results)[0]) == 2
