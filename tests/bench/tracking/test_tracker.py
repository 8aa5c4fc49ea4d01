"""MLflow tracking, against the local database, real servers, and servers that fail."""

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench.run.diagnostics import MAX_NAMES
from bench.store.records import Row
from bench.store.store import Store
from bench.tracking import tracker as tracking
from bench.tracking.parent_run import Shown
from bench.tracking.tracker import Tracker, TrackingReport, ui_command
from tests.helpers.plain_shell import logged, mlflow_client, python_environment, spied_environment
from tests.helpers.rows_made_up import WANTED

BOARD = {
    "leaderboard.md": "| detector |\n",
    "figures/ranks.svg": "<svg/>",
    "leaderboard.json": '{"columns":["detector"],"data":[["vae"]]}',
}
API = "api/2.0/mlflow"
INVOCATION = {"command": "bench run default", "commit": "abc"}
METRICS = {"auroc": 0.9, "recall@fpr=0.05": 0.25, "prevalence": math.nan}


def made(seed: int, status: str = "ok", reason: str = "", **parts) -> Row:
    wanted = replace(
        WANTED,
        spec="vae+lof",
        model="vae",
        settings={"latent_dim": 4, "head": {"n_neighbors": 20}},
        label="vae+lof[n_neighbors=20]",
        family="hybrid",
        dataset="digits/3",
        dataset_family="digits",
        protocol="one-class(max_train=none)",
        seed=seed,
    )
    return Row(
        wanted,
        status,
        reason,
        sizes={"n_train": 90, "n_test": 100, "n_anomalies": 9},
        metrics=METRICS if status == "ok" else {},
        costs={"fit_seconds": 1.5, "fit_wall_seconds": 2.0, "parameters": None},
        provenance={
            "commit": "abc",
            "versions": {"numpy": "2"},
            "date": "2026-01-02T03:04:05+00:00",
        },
        **parts,
    )


def record(seed: int, status: str = "ok", reason: str = "") -> dict:
    return made(seed, status, reason).record()


def records(n: int) -> list[dict]:
    return [record(seed) for seed in range(n)]


def shown() -> Shown:
    return Shown(BOARD, ("leaderboard.json",), "# the board", {"auroc/vae:elbo": 0.9})


def track(results: Path, rows: list[dict], experiment: str = "default") -> TrackingReport:
    with closing(Store(results)) as store:
        tracker = Tracker(store, experiment, INVOCATION)
        for row in rows:
            tracker.log(row)
        return tracker.finish(shown)


def replay(results: Path, experiment: str, rows: list[dict]) -> TrackingReport:
    with closing(Store(results)) as store:
        return tracking.replay(store, experiment, rows, shown)


def assert_each_once(results: Path, rows: list[dict], experiment: str = "default") -> None:
    """Every row is one child, ended, with its metrics."""
    _, children = logged(results, experiment)
    assert sorted(run.data.tags["fathom.key"] for run in children) == sorted(r["key"] for r in rows)
    assert {run.info.status for run in children} <= {"FINISHED"}
    assert all(run.data.metrics["auroc"] == 0.9 for run in children)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


class Server:
    """MLflow's server on the database of a results folder, as `bench ui` starts it."""

    def __init__(self, results: Path) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.command = ui_command(results, self.port)
        self.start()

    def start(self) -> None:
        """Start it in a process group of its own and wait until it answers."""
        self.process = subprocess.Popen(
            self.command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + 120
        while True:
            try:
                get(f"{self.address}/health")
                return
            except OSError:
                if time.monotonic() > end:
                    self.kill()
                    raise
                time.sleep(0.1)

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(20)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A results folder with two rows tracked, and a server on its database."""
    results = tmp_path_factory.mktemp("served") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        track(results, records(2))
        server = Server(results)
    yield results, server
    server.kill()


@pytest.fixture
def server(served, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served[1].address)
    return served[1]


@pytest.fixture(autouse=True)
def no_server_given(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fresh(tmp_path) -> Path:
    """A results folder that is not there yet."""
    return tmp_path / "results"


@pytest.fixture
def open_tracker():
    """A function that starts a tracker for a results folder; its store is closed at the end."""
    stores = []

    def start(results: Path, experiment: str = "default") -> Tracker:
        stores.append(Store(results))
        return Tracker(stores[-1], experiment, INVOCATION)

    yield start
    for store in stores:
        store.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    """MLflow's database with no row in it, made once."""
    results = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        replay(results, "empty", [])
    return results / "mlflow.db"


@pytest.fixture
def results(fresh, database) -> Path:
    fresh.mkdir()
    shutil.copy(database, fresh)
    return fresh


def test_the_default_results_folder_is_not_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    problem = track(Path("results"), records(1), "smoke").problem
    assert problem.endswith("; rows are stored; `bench track smoke` sends them later")


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


def test_a_row_shows_what_was_wanted_and_what_came_out(results):
    track(results, records(1))
    (run,) = logged(results)[1]
    assert run.info.run_name == "vae+lof[n_neighbors=20] · digits/3 · seed 0"
    assert run.info.end_time - run.info.start_time == 2000
    assert run.data.metrics == {
        "auroc": 0.9,
        "recall_at_fpr_0.05": 0.25,
        "n_train": 90,
        "n_test": 100,
        "n_anomalies": 9,
        "fit_seconds": 1.5,
        "fit_wall_seconds": 2.0,
    }
    expected = {"spec": "vae+lof", "seed": "0", "device": "cpu", "scaler": "standard"}
    expected |= {"setting.latent_dim": "4", "setting.head.n_neighbors": "20"}
    assert expected.items() <= run.data.params.items()
    tags = {"family": "hybrid", "status": "ok", "dataset_family": "digits", "commit": "abc"}
    tags |= {"dataset": "digits/3", "protocol": "one-class(max_train=none)", "seed": "0"}
    tags |= {"data_sha256": "d" * 64, "versions": '{"numpy":"2"}', "fathom.key": record(0)["key"]}
    assert tags.items() <= run.data.tags.items()


def steps(run_id: str, results: Path, name: str) -> dict[int, float]:
    history = mlflow_client(results).get_metric_history(run_id, name)
    return {point.step: point.value for point in history}


SCORED = {
    "truth": np.array([0, 0, 1, 1], dtype=np.int8),
    "scores": np.array([0.1, 0.4, 0.35, 0.8]),
    "details": {"diagnostics": {"epochs": 3.0, "loss": [3.0, math.nan, 1.0], "long": [0.5] * 1999}},
}


def log_stored(results: Path, rows: list[Row], experiment: str) -> list:
    """Store rows, track them, and return their runs by seed."""
    with closing(Store(results)) as store:
        stored = [store.add(row) for row in rows]
        report = tracking.replay(store, experiment, stored, Shown)
    assert report.problem is None
    return sorted(logged(results, experiment)[1], key=lambda run: run.data.params["seed"])


def test_a_fit_is_a_curve_with_a_step_an_epoch(results):
    (run,) = log_stored(results, [made(0, **SCORED)], "default")
    assert run.data.metrics["fit/epochs"] == 3
    assert steps(run.info.run_id, results, "fit/loss") == {1: 3.0, 3: 1.0}
    long = steps(run.info.run_id, results, "fit/long")
    assert (len(long), min(long), max(long)) == (tracking.MOST_STEPS, 1, 1999)


def test_as_many_curves_as_are_kept_are_tracked(results):
    curves = {f"curve {i}": [1.0] * 100 for i in range(MAX_NAMES)}
    parts = SCORED | {"details": {"diagnostics": curves}}
    (run,) = log_stored(results, [made(0, **parts)], "default")
    assert all(f"fit/{name}" in run.data.metrics for name in curves)


@pytest.mark.parametrize("where", ["local", "server"])
def test_a_run_has_its_data_set_as_input_and_its_curves_beside_it(fresh, where, request):
    if where == "server":
        request.getfixturevalue("server")
    infinite = SCORED | {"scores": np.array([0.0, np.inf, 1.0, 2.0])}
    rows = [made(0, **SCORED), made(1, "timeout"), made(2, "non-finite", **infinite)]
    runs = log_stored(fresh, rows, f"inputs-{where}")
    client = mlflow_client(fresh)
    for run in runs:
        (given,) = run.inputs.dataset_inputs
        assert (given.dataset.name, given.dataset.digest) == ("digits/3", "d" * 36)
        assert given.tags[0].value == "one-class(max_train=none)"
    files = [[f.path for f in client.list_artifacts(run.info.run_id)] for run in runs]
    assert files == [["curves.svg"], [], []]
    path = client.download_artifacts(runs[0].info.run_id, "curves.svg", fresh)
    assert "precision and recall" in Path(path).read_text()


def test_a_failed_row_is_a_failed_run_with_its_reason(results):
    track(results, [record(0, "timeout", "fit took longer than 600 s")])
    (run,) = logged(results)[1]
    assert run.info.status == "FAILED"
    assert run.data.tags["status"] == "timeout"
    assert run.data.tags["reason"] == "fit took longer than 600 s"


def test_a_replay_logs_what_is_missing_and_a_second_one_nothing(results):
    track(results, records(2))
    first, second = (replay(results, "default", records(5)) for _ in range(2))
    assert (first.logged, first.already, first.problem) == (3, 2, None)
    assert (second.logged, second.already, second.problem) == (0, 5, None)
    assert_each_once(results, records(5))
    assert len(logged(results)[0]) == 2


def test_a_row_is_logged_once_in_each_experiment(results):
    track(results, records(2), "default")
    assert track(results, records(2), "smoke").logged == 2
    assert_each_once(results, records(2), "smoke")


def test_a_row_that_was_run_again_takes_the_place_of_the_old_one(results):
    track(results, [record(0, "error", "boom"), record(1)])
    assert track(results, [record(0)]).logged == 1
    assert_each_once(results, records(2))


def test_a_long_command_is_whole_in_its_tag_alone(results, monkeypatch):
    monkeypatch.setitem(INVOCATION, "command", "bench run " + 20 * "digits/1,")
    track(results, records(1))
    (parent,), _ = logged(results)
    assert parent.data.tags["command"] == INVOCATION["command"]
    assert parent.info.run_name == INVOCATION["command"][:77] + "..."


def test_an_invocation_without_rows_has_no_parent(fresh, open_tracker):
    tracker = open_tracker(fresh)
    assert tracker.finish(shown).logged == 0
    assert logged(fresh) == ([], [])


def test_the_local_database_is_in_wal_mode_and_relaxed(results):
    track(results, records(1))
    with closing(Store(results)) as store:
        target = tracking._Target(store, "default", {}, "")
    with tracking._client(target):
        engine = tracking._engine(target.uri, "")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_handing_over_a_row_takes_no_time(results, open_tracker):
    tracker = open_tracker(results)
    start = time.perf_counter()
    for row in records(200):
        tracker.log(row)
    assert time.perf_counter() - start < 0.5
    tracker.abandon()
    tracker._thread.join()


def test_an_abandoned_invocation_stops_at_once_and_ends_as_killed(results, open_tracker):
    tracker = open_tracker(results)
    for row in records(500):
        tracker.log(row)
    wait_for(lambda: tracker._logged >= 5)
    start = time.perf_counter()
    tracker.abandon()
    assert time.perf_counter() - start < 3
    (parent,), children = logged(results)
    assert parent.info.status == "KILLED"
    assert 5 <= len(children) < 500
    assert {run.info.status for run in children} == {"FINISHED"}


KILLED_WHILE_LOGGING = """
import os, sys
from pathlib import Path
from mlflow import MlflowClient
sys.path[:0] = [{tests!r}]
from test_tracker import records, track
log_batch, calls = MlflowClient.log_batch, []
def dies(self, *args, **kwargs):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), 9)
    return log_batch(self, *args, **kwargs)
MlflowClient.log_batch = dies
track(Path({results!r}), records(8))
"""


def test_a_kill_between_a_run_and_its_metrics_doubles_nothing(results):
    script = KILLED_WHILE_LOGGING.format(tests=str(Path(__file__).parent), results=str(results))
    assert run_python(script).returncode == -signal.SIGKILL
    kept = shutil.copytree(results, results.with_name("kept"))
    (parent,), children = logged(results)
    assert [run.info.status for run in children].count("RUNNING") == 1
    for again in (
        lambda: replay(results, "default", records(8)),
        lambda: track(results, records(8)),
    ):
        shutil.rmtree(results)
        shutil.copytree(kept, results)
        report = again()
        assert (report.logged, report.already, report.problem) == (5, 3, None)
        assert_each_once(results, records(8))
        ended = {run.info.run_id: run.info.status for run in logged(results)[0]}
        assert ended.pop(parent.info.run_id) == "KILLED"
        assert list(ended.values()) == ["FINISHED"]


KILLED_WHILE_CREATING = """
import os, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_tracker import records, track
Path.replace = lambda draft, file: os.kill(os.getpid(), 9)
track(Path({results!r}), records(2))
"""


def test_a_kill_while_the_database_is_made_leaves_none(fresh):
    script = KILLED_WHILE_CREATING.format(tests=str(Path(__file__).parent), results=str(fresh))
    assert run_python(script).returncode == -signal.SIGKILL
    names = {path.name for path in fresh.iterdir() if not path.name.startswith("store.db")}
    assert names == {"mlflow.db.new"}
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
    assert f"move the file away and {again} makes it anew" in problem
    assert time.perf_counter() - start < 12


def run_python(script: str, **extra: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=python_environment(**extra),
        capture_output=True,
        text=True,
        timeout=120,
    )


TRACKS_IN_SILENCE = """
import json, sys, time
from pathlib import Path
import bench.tracking.tracker as tracking
from bench.tracking.parent_run import Shown
from bench.store.store import Store
assert "mlflow" not in sys.modules
rows, results = json.loads({rows!r}), Path({results!r})
store = Store(results)
tracker = tracking.Tracker(store, "default", {{"command": "bench run"}})
for row in rows:
    tracker.log(row)
shown = lambda: tracking.Shown({{"leaderboard.md": "x"}})
assert tracker.finish(shown).logged == 2
assert tracking.replay(store, "default", rows, shown).logged == 0
time.sleep(1)
"""


def test_the_local_store_never_looks_up_a_name_and_prints_nothing(fresh, tmp_path):
    log = tmp_path / "network.log"
    path = spied_environment(log)["PYTHONPATH"]
    script = TRACKS_IN_SILENCE.format(rows=json.dumps(records(2)), results=str(fresh))
    ran = run_python(script, PYTHONPATH=path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert not log.exists()
    run_python("import socket; socket.getaddrinfo('127.0.0.1', 1)", PYTHONPATH=path)
    assert "getaddrinfo" in log.read_text()


def test_the_pages_show_the_local_store(served):
    results, server = served
    assert b"<html" in get(server.address)
    found = json.loads(get(f"{server.address}/{API}/experiments/search?max_results=10"))
    assert "default" in [experiment["name"] for experiment in found["experiments"]]
    (parent,), children = logged(results)
    assert len(children) == 2
    query = f"path=leaderboard.md&run_uuid={parent.info.run_id}"
    assert get(f"{server.address}/get-artifact?{query}").decode() == BOARD["leaderboard.md"]


def test_pages_of_nothing_and_of_a_server_are_refused_with_advice(fresh, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no mlflow\.db in .*`bench run` or `bench track`"):
        ui_command(fresh)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@example.org:5000")
    with pytest.raises(ValueError, match=r"is http://example\.org:5000; open that server's own"):
        ui_command(fresh)


def test_a_server_gets_rows_and_board_once(fresh, server, monkeypatch):
    monkeypatch.setattr(tracking, "PAGE", 3)
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


def test_a_server_that_hangs_for_a_while_has_every_row_in_the_end(
    fresh, server, monkeypatch, open_tracker
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    tracker = open_tracker(fresh, "hangs")
    tracker.log(record(0))
    wait_for(lambda: tracker._logged == 1)
    server.signal(signal.SIGSTOP)
    try:
        for row in records(4)[1:]:
            tracker.log(row)
        wait_for(lambda: tracker.problem)
        assert "(no answer in time); rows are stored; `bench track hangs " in tracker.problem
    finally:
        server.signal(signal.SIGCONT)
    report = tracker.finish(shown)
    assert (report.logged, report.problem) == (4, None)
    assert_each_once(fresh, records(4), "hangs")
    assert len(logged(fresh, "hangs")[0]) == 1


def test_a_server_killed_under_way_stops_nothing_and_a_replay_makes_up_for_it(
    fresh, server, monkeypatch, open_tracker
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{server.port}")
    tracker = open_tracker(fresh, "killed")
    for row in records(40):
        tracker.log(row)
    wait_for(lambda: tracker._logged >= 3)
    server.kill()
    start = time.perf_counter()
    report = tracker.finish(shown)
    assert time.perf_counter() - start < 8
    assert 3 <= report.logged < 40
    assert re.fullmatch(
        rf"mlflow at {server.address} is away \(connection (refused|lost)\); rows are stored; "
        rf"`bench track killed --results {fresh}` sends them later",
        report.problem,
    )
    server.start()
    again = replay(fresh, "killed", records(40))
    assert again.problem is None
    assert again.logged + again.already == 40
    assert replay(fresh, "killed", records(40)).logged == 0
    assert_each_once(fresh, records(40), "killed")
    assert sorted(r.info.status for r in logged(fresh, "killed")[0]) == ["FINISHED", "KILLED"]


class Stranger(BaseHTTPRequestHandler):
    """A web server that is not MLflow: it says hello to whatever it is asked."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    do_POST = do_GET

    def log_message(self, *args):
        pass


def stranger() -> HTTPServer:
    httpd = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    return httpd


@pytest.mark.parametrize("kind", ["closed", "silent", "stranger", "unknown host", "wrong scheme"])
def test_without_a_server_the_run_goes_on_and_says_so(fresh, kind, monkeypatch, capfd):
    held, port = None, free_port()
    if kind == "silent":
        held = socket.create_server(("127.0.0.1", 0))
        port = held.getsockname()[1]
    elif kind == "stranger":
        held = stranger()
        port = held.server_port
    host = "no-such-host.invalid" if kind == "unknown host" else "127.0.0.1"
    scheme = "htp" if kind == "wrong scheme" else "http"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://me:secret@{host}:{port}")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    import mlflow.store  # noqa: F401  # takes its time

    start = time.perf_counter()
    report = track(fresh, records(3))
    took = time.perf_counter() - start
    if kind == "stranger":
        held.shutdown()
        held.server_close()
    elif held:
        held.close()
    assert took < 12
    assert report.logged == 0
    assert report.problem.startswith(f"mlflow at {scheme}://{host}:{port} is away (")
    command = f"bench track default --results {fresh}"
    assert report.problem.endswith(f"; rows are stored; `{command}` sends them later")
    assert len(report.problem) < 300 + len(str(fresh))
    assert "secret" not in report.problem + report.uri
    assert capfd.readouterr() == ("", "")
