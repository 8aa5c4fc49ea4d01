"""MLflow's database in a folder of any name, in one that was moved or copied, and when locked."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.tracking.pages import ui_command
from tests.helpers.plain_shell import logged, mlflow_client
from tests.helpers.tracked import BOARD, assert_each_once, record, records, track

ODD = ("a?b", "c%20d", "e#f g", "über 100 % & more")


def odd_names():
    mark = pytest.mark.fault(
        area="tracking",
        kind="a results folder with an odd name",
        how="its name has `?`, `%`, `#`, blanks or umlauts",
        promise="MLflow's database and artifacts lie in it, and nothing beside it",
    )
    return [pytest.param(name, marks=mark) for name in ODD]


@pytest.mark.parametrize("name", odd_names())
def test_the_database_lies_in_the_folder_whatever_its_name(tmp_path, database, name):
    results = tmp_path / name
    results.mkdir()
    if name != ODD[0]:  # which makes its own
        shutil.copy(database, results)
    rows = records(1)
    assert track(results, rows).problem is None
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (results / "mlflow.db").is_file()
    assert_each_once(results, rows)
    (parent,), _ = logged(results)
    kept = results / "mlartifacts" / parent.info.run_id / "artifacts" / "leaderboard.md"
    assert kept.read_text() == BOARD["leaderboard.md"]
    assert ui_command(results)


@pytest.mark.fault(
    area="tracking",
    kind="a results folder that was moved or copied",
    how="a folder with tracked rows is copied, the first one moved away, and more rows tracked",
    promise="artifacts are read and written where the folder is now",
)
@pytest.mark.parametrize("first", ["track", "ui"])
def test_a_copied_folder_reads_and_writes_its_own_artifacts(tmp_path, results, first):
    track(results, [record(0)])
    copied = shutil.copytree(results, tmp_path / "other" / "copied")
    results.rename(tmp_path / "moved")
    if first == "ui":
        ui_command(copied)
    else:
        track(copied, [record(0), record(1)])
    assert not results.exists()
    parents, children = logged(copied)
    here = (copied / "mlartifacts").as_uri()
    assert len(parents) == len(children) == (1 if first == "ui" else 2)
    for run in (*parents, *children):
        assert run.info.artifact_uri == f"{here}/{run.info.run_id}/artifacts"
    client = mlflow_client(copied)
    assert {e.artifact_location.rpartition("/")[0] for e in client.search_experiments()} <= {
        here,
        copied.as_uri(),
    }
    kept = client.download_artifacts(parents[0].info.run_id, "leaderboard.md", str(tmp_path))
    assert Path(kept).read_text() == BOARD["leaderboard.md"]


def test_a_database_that_folders_share_keeps_its_places(tmp_path, database, monkeypatch):
    shared = tmp_path / "shared" / "mlflow.db"
    shared.parent.mkdir()
    shutil.copy(database, shared)
    before = artifact_places(shared)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}")
    assert track(tmp_path / "results", records(1)).problem is None
    assert artifact_places(shared).items() >= before.items()


def artifact_places(file):
    with closing(sqlite3.connect(file)) as database:
        return dict(database.execute("SELECT name, artifact_location FROM experiments"))


@pytest.mark.fault(
    area="tracking",
    kind="MLflow's database is locked",
    how="another process holds mlflow.db exclusively",
    promise="the sentence says that it is locked and that `bench track` sends the rows later",
)
def test_a_locked_database_is_called_locked(results):
    with closing(sqlite3.connect(results / "mlflow.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        report = track(results, records(1))
    assert report.problem == (
        f"mlflow at {results / 'mlflow.db'} is not available (locked by another program); rows are "
        f"stored; `bench track default --results {results}` sends them later"
    )
