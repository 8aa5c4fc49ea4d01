"""MLflow's local database: created whole, relaxed, and with the tables that our query reads."""

import signal
import sqlite3
import time
from contextlib import closing

import pytest

from bench.tracking import local_database
from bench.tracking.destination import tracking_uri
from tests.helpers.plain_shell import mlflow_client
from tests.helpers.tracked import record, records, run_python, track

COLUMNS = {
    "experiments": {"experiment_id", "name"},
    "runs": {"run_uuid", "experiment_id", "status", "lifecycle_stage"},
    "tags": {"run_uuid", "key", "value"},
}


@pytest.mark.parametrize("table", COLUMNS)
def test_the_pinned_mlflow_has_the_columns_that_our_query_reads(database, table):
    import mlflow

    with closing(sqlite3.connect(database)) as connection:
        there = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
    absent = ", ".join(sorted(COLUMNS[table] - there))
    assert not absent, (
        f"MLflow {mlflow.__version__} has no column {absent} in its table {table!r}: "
        "adapt `RUNS` in bench/tracking/local_database.py"
    )


def test_our_query_finds_the_runs_that_the_client_finds(results):
    track(results, records(1), "other")
    track(results, [record(0), record(1, "timeout", "too slow"), record(2)])
    client = mlflow_client(results)
    (experiment,) = client.search_experiments(filter_string="name = 'default'")
    runs = client.search_runs([experiment.experiment_id])
    client.delete_run(next(r.info.run_id for r in runs if r.data.params.get("seed") == "2"))
    client.create_run(experiment.experiment_id, tags={"fathom.key": "unfinished"})
    theirs = client.search_runs([experiment.experiment_id])
    assert len(theirs) == 4
    assert {run.info.status for run in theirs} == {"FINISHED", "FAILED", "RUNNING"}
    expected = {
        (r.info.run_id, r.info.status): {
            key: value for key, value in r.data.tags.items() if key.startswith("fathom.")
        }
        for r in theirs
    }
    found = local_database.runs(results / "mlflow.db", "default")
    assert {(run, status): tags for run, status, tags in found} == expected


def test_the_local_database_is_in_wal_mode_and_relaxed(results):
    uri = tracking_uri(results)
    with (
        local_database.opened(results / "mlflow.db", uri, "") as engine,
        engine.connect() as connection,
    ):
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


KILLED_WHILE_CREATING = """
import os
from pathlib import Path
from tests.helpers.tracked import records, track
Path.replace = lambda draft, file: os.kill(os.getpid(), 9)
track(Path({results!r}), records(2))
"""


def test_a_kill_while_the_database_is_made_leaves_none(fresh):
    script = KILLED_WHILE_CREATING.format(results=str(fresh))
    assert run_python(script).returncode == -signal.SIGKILL
    names = {path.name for path in fresh.iterdir() if not path.name.startswith("store.db")}
    assert names == {".mlflow.db.by-fathom"}
    assert track(fresh, records(2)).problem is None
    names = {path.name for path in fresh.iterdir() if not path.name.startswith("store.db")}
    assert names == {"mlartifacts", "mlflow.db"}


def test_a_file_that_is_no_database_is_a_problem_not_an_end(fresh):
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # takes its time

    fresh.mkdir()
    (fresh / "mlflow.db").write_text("not a database, not at all")
    start = time.perf_counter()
    problem = track(fresh, records(2)).problem
    assert "file is not a database" in problem
    again = f"`bench track default --results {fresh}`"
    assert f"move the file away and {again} rebuilds it" in problem
    assert time.perf_counter() - start < 12
