"""Runs of an experiment: every row once, below the parent run of its invocation."""

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.store.store import Store
from bench.tracking import experiment
from bench.tracking.stored import send_stored, untracked
from tests.helpers.files.carried_rows import knn_on_wine, stored_then
from tests.helpers.plain_shell import logged, mlflow_client
from tests.helpers.tracked import (
    API,
    BOARD,
    INVOCATION,
    assert_each_once,
    get,
    record,
    records,
    replay,
    run_python,
    summary,
    track,
)


def test_every_row_is_a_child_of_the_one_parent_that_holds_the_board(fresh):
    report = track(fresh, records(3))
    assert (report.logged, report.already, report.problem) == (3, 0, None)
    assert [path.name for path in Path.cwd().iterdir()] == ["results"]
    assert sorted(path.name for path in fresh.iterdir()) == ["mlartifacts", "mlflow.db", "store.db"]
    (parent,), children = logged(fresh)
    assert parent.info.run_name == "bench run default"
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["commit"] == "abc"
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert len(children) == 3
    for name, text in BOARD.items():
        kept = fresh / "mlartifacts" / parent.info.run_id / "artifacts" / name
        assert kept.read_text() == text


def test_a_row_is_logged_once_in_each_experiment(results):
    track(results, records(2), "default")
    assert track(results, records(2), "smoke").logged == 2
    assert_each_once(results, records(2), "smoke")


def test_a_row_that_was_run_again_takes_the_place_of_the_old_one(results):
    track(results, [record(0, "error", "boom"), record(1)])
    assert track(results, [record(0)]).logged == 1
    assert_each_once(results, records(2))


def test_a_row_that_is_carried_over_to_another_key_keeps_its_run(results, tmp_path):
    stored_then(results, knn_on_wine())
    with closing(sqlite3.connect(results / "store.db")) as db:
        ((then,),) = db.execute("SELECT record FROM rows").fetchall()
    replay(tmp_path / "first", "default", [json.loads(then)])
    shutil.copy(tmp_path / "first" / "mlflow.db", results)
    with closing(sqlite3.connect(results / "mlflow.db")) as db, db:
        db.execute("DELETE FROM tags WHERE key = 'fathom.store'")  # which stores did not have
    (run,) = logged(results)[1]
    with closing(Store(results)) as store:
        stored = list(store.records())
        report = send_stored(store, "default", stored, summary)
        assert untracked("default", store) is None
    assert (report.logged, report.already) == (0, 1)
    (now,) = logged(results)[1]
    assert now.info.run_id == run.info.run_id
    assert (run.data.tags["fathom.key"], now.data.tags["fathom.key"]) == ("then", stored[0]["key"])


def test_a_long_command_is_whole_in_its_tag_alone(results, monkeypatch):
    monkeypatch.setitem(INVOCATION, "command", "bench run " + 20 * "digits/1,")
    track(results, records(1))
    (parent,), _ = logged(results)
    assert parent.data.tags["command"] == INVOCATION["command"]
    assert parent.info.run_name == INVOCATION["command"][:77] + "..."


def test_an_invocation_without_rows_has_no_parent(fresh, open_tracker):
    tracker = open_tracker(fresh)
    assert tracker.finish(summary).logged == 0
    assert logged(fresh) == ([], [])


def test_a_server_gets_rows_and_board_once(fresh, server, monkeypatch):
    monkeypatch.setattr(experiment, "PAGE", 3)
    report = track(fresh, records(8), "whole")
    assert (report.uri, report.logged, report.problem) == (server.address, 8, None)
    again = replay(fresh, "whole", records(8))
    assert (again.logged, again.already, again.problem) == (0, 8, None)
    assert_each_once(fresh, records(8), "whole")
    (parent,), _ = logged(fresh, "whole")
    found = parent.info
    listed = json.loads(get(f"{server.address}/{API}/artifacts/list?run_id={parent.info.run_id}"))
    names = sorted(file["path"] for file in listed["files"])
    assert names == ["figures", "leaderboard.json", "leaderboard.md"]
    assert parent.data.tags["mlflow.note.content"] == "# the board"
    assert parent.data.metrics == {"auroc/vae:elbo": 0.9}
    tables = json.loads(parent.data.tags["mlflow.loggedArtifacts"])
    assert tables == [{"path": "leaderboard.json", "type": "table"}]
    frame = mlflow_client(fresh).load_table(found.experiment_id, "leaderboard.json")
    assert list(frame["detector"]) == ["vae"]
    assert not (fresh / "mlflow.db").exists()


KILLED_WHILE_LOGGING = """
import os
from pathlib import Path
from mlflow import MlflowClient
from tests.helpers.tracked import records, track
log_batch, calls = MlflowClient.log_batch, []
def dies(self, *args, **kwargs):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), 9)
    return log_batch(self, *args, **kwargs)
MlflowClient.log_batch = dies
track(Path({results!r}), records(8), "dies")
"""


def test_a_kill_between_a_run_and_its_metrics_doubles_nothing_on_a_server(results, server):
    script = KILLED_WHILE_LOGGING.format(results=str(results))
    assert run_python(script, MLFLOW_TRACKING_URI=server.address).returncode == -signal.SIGKILL
    (parent,), children = logged(results, "dies")
    assert [run.info.status for run in children].count("RUNNING") == 1
    report = replay(results, "dies", records(8))
    assert (report.logged, report.already, report.problem) == (5, 3, None)
    assert_each_once(results, records(8), "dies")
    ended = {run.info.run_id: run.info.status for run in logged(results, "dies")[0]}
    assert ended.pop(parent.info.run_id) == "KILLED"
    assert list(ended.values()) == ["FINISHED"]


KILLED_IN_A_BATCH = """
import os
from pathlib import Path
from sqlalchemy import Engine, event
from bench.tracking import destination
from tests.helpers.tracked import records, track
destination.BATCH = 3
def dies(connection, cursor, statement, *_):
    if "INSERT INTO inputs" in statement:
        batches.append(1)
        if len(batches) == 2:
            os.kill(os.getpid(), 9)
batches = []
event.listen(Engine, "before_cursor_execute", dies)
track(Path({results!r}), records(8))
"""


@pytest.mark.fault(
    kind="a kill while rows are written to MLflow's local database",
    how="SIGKILL within the transaction of the second batch of runs",
    area="tracking",
    promise="a batch is there whole or not at all, and the rest is sent once by the next command",
)
def test_a_kill_within_a_batch_leaves_none_of_it_and_doubles_nothing(results):
    script = KILLED_IN_A_BATCH.format(results=str(results))
    assert run_python(script).returncode == -signal.SIGKILL
    (parent,), children = logged(results)
    assert [run.info.status for run in children] == ["FINISHED"] * 3
    for logged_now, there in ((5, 3), (0, 8)):
        report = track(results, records(8))
        assert (report.logged, report.already, report.problem) == (logged_now, there, None)
        assert_each_once(results, records(8))
    ended = {run.info.run_id: run.info.status for run in logged(results)[0]}
    assert ended.pop(parent.info.run_id) == "KILLED"
    assert list(ended.values()) == ["FINISHED"]
