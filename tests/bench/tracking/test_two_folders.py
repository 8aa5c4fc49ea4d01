"""Results folders that share one MLflow server: each run belongs to the folder that logged it."""

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from tests.helpers.plain_shell import logged, mlflow_client
from tests.helpers.tracked import made, replay, run_python

PROMISE = {"area": "tracking", "promise": "every run of either folder stays, none is there twice"}


def rows_of(folder: Path, n: int = 4, status: str = "ok") -> list[dict]:
    """Return records of the same keys whatever the folder, as made on a machine of its name."""
    rows = [made(seed, status).record() for seed in range(n)]
    return [row | {"provenance": {**row["provenance"], "machine": folder.name}} for row in rows]


def folder_of(run) -> str:
    return Path(run.data.tags["fathom.results"].partition(":")[2]).name


def runs_of(results: Path, experiment: str) -> Counter[tuple[str, str]]:
    """Return how many runs that are not deleted there are of each folder and key."""
    runs = logged(results, experiment)[1]
    return Counter((folder_of(run), run.data.tags["fathom.key"]) for run in runs)


def deleted(results: Path, experiment: str) -> set[str]:
    """Return the folders of the runs that were deleted."""
    client = mlflow_client(results)
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], run_view_type=ViewType.DELETED_ONLY)
    return {folder_of(run) for run in runs}


def each_once(*folders: Path, n: int = 4) -> dict[tuple[str, str], int]:
    return {(folder.name, row["key"]): 1 for folder in folders for row in rows_of(folder, n)}


@pytest.fixture
def two(tmp_path):
    return tmp_path / "a", tmp_path / "b"


@pytest.mark.fault(
    kind="two results folders share a server",
    how="the same rows of a, b, a, b are tracked in turns",
    **PROMISE,
)
def test_folders_that_track_in_turns_keep_all_runs(two, server):
    sent = [replay(folder, "turns", rows_of(folder)).logged for folder in (*two, *two)]
    assert sent == [4, 4, 0, 0]
    assert runs_of(two[0], "turns") == each_once(*two)
    assert deleted(two[0], "turns") == set()
    parents, children = logged(two[0], "turns")
    for parent in parents:
        own = [run for run in children if run.data.tags["mlflow.parentRunId"] == parent.info.run_id]
        assert len(own) == 4
        for tag in ("fathom.store", "fathom.results"):
            assert {run.data.tags[tag] for run in own} == {parent.data.tags[tag]}
    assert len({run.data.tags["fathom.store"] for run in parents}) == 2


def test_a_row_that_was_run_again_replaces_the_run_of_its_own_folder_alone(two, server):
    for folder in two:
        replay(folder, "run again", rows_of(folder, status="timeout"))
    replay(two[0], "run again", rows_of(two[0]))
    assert runs_of(two[0], "run again") == each_once(*two)
    assert deleted(two[0], "run again") == {"a"}
    ended = {(r.data.tags["machine"], r.info.status) for r in logged(two[0], "run again")[1]}
    assert ended == {("a", "FINISHED"), ("b", "FAILED")}


KILLED_WHILE_LOGGING = """
import os
from pathlib import Path
from mlflow import MlflowClient
from tests.bench.tracking.test_two_folders import rows_of
from tests.helpers.tracked import track
log_batch, calls = MlflowClient.log_batch, []
def dies(self, *args, **kwargs):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), 9)
    return log_batch(self, *args, **kwargs)
MlflowClient.log_batch = dies
track(Path({results!r}), rows_of(Path({results!r})), "killed in turns")
"""


@pytest.mark.fault(
    kind="one of two folders that share a server is killed while it tracks",
    how="SIGKILL between a run and its metrics; then b tracks, then a",
    **PROMISE,
)
def test_a_folder_leaves_what_a_killed_process_of_another_left_unfinished(two, server):
    a, b = two
    script = KILLED_WHILE_LOGGING.format(results=str(a))
    ran = run_python(script, MLFLOW_TRACKING_URI=server.address)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    replay(b, "killed in turns", rows_of(b))
    unfinished = [r for r in logged(a, "killed in turns")[1] if r.info.status == "RUNNING"]
    assert len(unfinished) == 1
    assert replay(a, "killed in turns", rows_of(a)).problem is None
    assert runs_of(a, "killed in turns") == each_once(a, b)
    assert deleted(a, "killed in turns") == {"a"}
    parents, children = logged(a, "killed in turns")
    assert {run.info.status for run in children} == {"FINISHED"}
    assert sorted(run.info.status for run in parents) == ["FINISHED", "FINISHED", "KILLED"]


@pytest.mark.fault(
    kind="a results folder is copied, and both go on",
    how="a copy of a store tracks new rows and one that was run again",
    **PROMISE,
)
def test_a_copied_folder_logs_only_what_is_new_and_replaces_nothing(two, server):
    a, copy = two
    replay(a, "copied", rows_of(a, 3))
    shutil.copytree(a, copy)
    assert replay(copy, "copied", rows_of(a, 3)).already == 3
    again = [*rows_of(a, 2), *rows_of(copy)[2:]]  # the third was run again, the fourth is new
    assert replay(copy, "copied", again).logged == 2
    assert replay(a, "copied", rows_of(a)).logged == 1
    expected = each_once(a) | {key: 1 for key in list(each_once(copy))[2:]}
    assert runs_of(a, "copied") == expected
    assert deleted(a, "copied") == set()
