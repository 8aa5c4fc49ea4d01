"""The command that serves MLflow's pages."""

import json
import sys

import pytest

from bench.tracking.pages import ui_command
from tests.bench.store.test_results_folder import mounted
from tests.helpers.plain_shell import logged
from tests.helpers.tracked import API, BOARD, assert_each_once, get, records, track


def test_the_pages_show_the_local_store(served):
    results, server = served
    track(results, records(2), "shown")  # other tests log to the experiment "default"
    assert b"<html" in get(server.address)
    found = json.loads(get(f"{server.address}/{API}/experiments/search?max_results=100"))
    assert "shown" in [experiment["name"] for experiment in found["experiments"]]
    _, children = logged(results, "shown")
    assert_each_once(results, records(2), "shown")
    query = f"path=leaderboard.md&run_uuid={children[0].data.tags['mlflow.parentRunId']}"
    assert get(f"{server.address}/get-artifact?{query}").decode() == BOARD["leaderboard.md"]


def test_pages_of_nothing_and_of_a_server_are_refused_with_advice(fresh, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no mlflow\.db in .*`bench run` or `bench track`"):
        ui_command(fresh)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@example.org:5000")
    with pytest.raises(ValueError, match=r"is http://example\.org:5000; open that server's own"):
        ui_command(fresh)


@pytest.mark.fault(
    area="tracking",
    kind="a results folder that cannot be written",
    how="the folder is mounted read-only",
    promise="`bench ui` says in one sentence that MLflow has to write there",
)
def test_the_pages_of_a_read_only_folder_are_refused_in_one_sentence(results, tmp_path):
    seen = tmp_path / "seen"
    seen.mkdir()
    script = (
        f"mount -o remount,bind,ro {seen} && "
        f"env -u MLFLOW_TRACKING_URI {sys.executable} -m bench ui --results {seen}"
    )
    done = mounted(["--bind", str(results)], script, seen)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bench: MLflow has to write {seen}/mlflow.db, and cannot (")
    assert done.stderr.count("\n") == 1
